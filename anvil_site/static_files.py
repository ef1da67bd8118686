"""The console's static files as a bare ASGI application, straight from the installed packages (whitenoise).

Knows files and HTTP caching, not Django's request cycle: a style sheet must not cost a middleware chain.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from whitenoise import WhiteNoise

_CHUNK_BYTES = 256 * 1024
_MAX_AGE_SECONDS = 3600

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]


class StaticFiles:
    """Finds every static file once, at construction. `serves(path)` says whether a path is one."""

    def __init__(self) -> None:
        self.prefix = settings.STATIC_URL
        self._files = WhiteNoise(None, max_age=_MAX_AGE_SECONDS)
        for finder in finders.get_finders():
            for path, storage in finder.list(None):
                url = self.prefix + path.replace("\\", "/")
                if url not in self._files.files:  # the first finder wins, as in Django
                    self._files.add_file_to_dictionary(url, storage.path(path))

    def serves(self, path: str) -> bool:
        return path.startswith(self.prefix)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        file = self._files.files.get(scope["path"])
        if file is None:
            await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
            return
        environ = {
            f"HTTP_{name.decode('latin-1').upper().replace('-', '_')}": value.decode("latin-1")
            for name, value in scope["headers"]
        }
        response = await asyncio.to_thread(file.get_response, scope["method"], environ)
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
        await send({"type": "http.response.start", "status": int(response.status), "headers": headers})
        if response.file is not None:
            with response.file:
                while chunk := await asyncio.to_thread(response.file.read, _CHUNK_BYTES):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
