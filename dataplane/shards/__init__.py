"""Shards: the file format, the files of a store, and blobs written and read at quorum. Knows no objects."""
