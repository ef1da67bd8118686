"""The S3 protocol adapter: bare ASGI in front of the engine. Knows no Django and no shard."""
