"""The regional schema and the SQL of the hot path. Must not know S3, HTTP or processes."""
