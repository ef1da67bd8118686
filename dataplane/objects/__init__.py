"""The engine's facade: objects put, read, copied, deleted, uploaded in parts. Knows no wire and no HTTP."""
