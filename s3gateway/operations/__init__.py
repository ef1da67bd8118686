"""One row an operation in `table.py`, one module a resource family beside it."""
