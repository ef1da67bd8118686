"""What the listener raises to applications and to itself."""

from __future__ import annotations


class ClientGone(ConnectionResetError):
    """`send` after the client closed the connection or cancelled the stream.

    ASGI 2.4 asks for an `OSError` here; being a `ConnectionResetError` it can be told from a disk's.
    """


class FrameError(Exception):
    """The peer broke HTTP/2 or a bound of the listener: the connection ends with GOAWAY `code`."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
