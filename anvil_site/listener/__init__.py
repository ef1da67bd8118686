"""One port that speaks HTTP/1.1, HTTP/2 without TLS (h2c) and gRPC.

`protocol.py` is what uvicorn is given as its `http=` class; `grpc_server.py` runs the gRPC server behind it.
Knows nothing of S3, tenants or objects: it hands ASGI requests to one application and gRPC calls to one server.
"""
