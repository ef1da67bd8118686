"""Placement: which stores take the shards of a blob. Pure: values in, values out."""
