"""Transport: how shard operations reach the stores that hold them. Knows no metadata and no coding."""
