"""Encryption at rest: the server's key ring and the data keys of objects. Knows no files and no database."""
