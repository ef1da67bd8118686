"""The request body: framing, checksums and the reader that the engine consumes."""
