"""The real Caddy in front of a listener, with the `reverse_proxy h2c://` of the handbook."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.listener import until

CADDY = Path(sys.executable).with_name("caddy")

CADDYFILE = """
{{
    admin off
    auto_https off
    grace_period 1s
    servers {{
        protocols h1 h2c
    }}
}}
http://127.0.0.1:{port} {{
    reverse_proxy {upstreams} {{
        lb_try_duration 10s
    }}
}}
"""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def caddy(*upstream_ports: int, scheme: str = "h2c") -> Iterator[int]:
    """Its port; HTTP/1.1 and h2c on the outside."""
    port = _free_port()
    upstreams = " ".join(f"{scheme}://127.0.0.1:{upstream}" for upstream in upstream_ports)
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "Caddyfile"
        config.write_text(CADDYFILE.format(port=port, upstreams=upstreams))
        with open(Path(directory) / "log", "w+b") as log:
            process = subprocess.Popen(
                [CADDY, "run", "--config", config, "--adapter", "caddyfile"],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"PATH": os.environ["PATH"], "HOME": directory, "XDG_DATA_HOME": directory},
            )
            try:
                until(lambda: process.poll() is not None or _accepts(port), "Caddy to listen")
                assert process.poll() is None, (Path(directory) / "log").read_text()
                yield port
            finally:
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                    raise
