"""The object store: engine, metadata, shards, background work, native API."""
