# One node. Data lives in /data: mount a volume there, or several and name them in STORAGE_PATH.
#
#     docker build -t anvil . && docker run -p 50051:50051 -v anvil-data:/data anvil

FROM python:3.11-slim AS build
WORKDIR /opt/anvil
RUN python -m venv .venv
COPY requirements/build.txt requirements/base.txt requirements/embedded.txt requirements/base.in requirements/embedded.in requirements/
RUN .venv/bin/python -m pip install --no-cache-dir --require-hashes \
    -r requirements/build.txt -r requirements/base.txt -r requirements/embedded.txt
COPY pyproject.toml README.md LICENSE manage.py ./
COPY anvil_site anvil_site
COPY control control
COPY dataplane dataplane
COPY s3gateway s3gateway
RUN .venv/bin/python -m pip install --no-cache-dir --no-deps --no-build-isolation --editable . \
    && .venv/bin/python -m compileall -q .venv/lib anvil_site control dataplane s3gateway

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /data anvil && install -d -o anvil -g anvil -m 0700 /data
COPY --from=build /opt/anvil /opt/anvil
WORKDIR /opt/anvil
USER anvil
ENV PATH=/opt/anvil/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    STORAGE_PATH=/data \
    API_LISTEN_ADDR=0.0.0.0:50051
VOLUME /data
EXPOSE 50051
STOPSIGNAL SIGTERM
HEALTHCHECK --start-period=60s --interval=10s --timeout=6s CMD ["anvil", "healthcheck"]
CMD ["anvil", "serve"]
