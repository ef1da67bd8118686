"""gRPC streams of the shared port, passed on to the gRPC server of this process over its unix socket.

Messages go through as bytes. Flow control reaches through too: a caller that does not read makes the server wait, a
server that does not read closes the stream's window. Must not know any service or frames.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

import grpc
import grpc.aio
from grpc._cython import cygrpc  # type: ignore[attr-defined]

from anvil_site.listener import grpc_wire
from anvil_site.listener.errors import ClientGone
from anvil_site.listener.limits import Limits
from anvil_site.listener.streams import Stream

logger = logging.getLogger(__name__)

STATUS_SECONDS = 5.0
"""How long a status may take when a write has failed; on a unix socket it is there already or never comes."""
_END_OF_REPLIES: Any = grpc.aio.EOF  # type: ignore[attr-defined]
_HEAD = [(b":status", b"200"), (b"content-type", b"application/grpc")]
_ACCEPTED_ENCODING = (b"grpc-accept-encoding", b"identity")


class GrpcBridge:
    """A `StreamHandler` for content type application/grpc."""

    def __init__(self, channel: grpc.aio.Channel, limits: Limits) -> None:
        self._channel = channel
        self._limits = limits

    def wants(self, stream: Stream) -> bool:
        return grpc_wire.is_grpc(stream.head.content_type)

    async def handle(self, stream: Stream) -> None:
        head = stream.head
        if head.method != "POST" or not grpc_wire.speaks_proto(head.content_type):
            status = b"405" if head.method != "POST" else b"415"
            stream.send_head([(b":status", status), (b"content-length", b"0")], end=True)
            return
        try:
            await _Call(stream, self._channel, self._limits).run()
        except grpc_wire.GrpcRefusal as refusal:
            with contextlib.suppress(ClientGone):
                await _end(stream, grpc_wire.status_trailers(refusal.code, refusal.details))
        except ClientGone:
            logger.debug("a gRPC call ended after its client had gone")
        except Exception:
            logger.exception("a gRPC call could not be passed on")
            with contextlib.suppress(ClientGone):
                await _end(stream, grpc_wire.status_trailers(grpc_wire.INTERNAL, "internal error"))


async def _end(stream: Stream, trailers: grpc_wire.Headers) -> None:
    if stream.reply_begun:
        await stream.send_trailers(trailers)
    else:
        stream.send_head([*_HEAD, _ACCEPTED_ENCODING, *trailers], end=True)


class _Call:
    """One call: a task moves requests, this one moves replies; whichever sees the end first cancels the other."""

    def __init__(self, stream: Stream, channel: grpc.aio.Channel, limits: Limits) -> None:
        self._stream = stream
        self._limits = limits
        self._refusal: grpc_wire.GrpcRefusal | None = None
        headers = stream.head.headers
        timeout = next((value for name, value in headers if name == b"grpc-timeout"), None)
        identity: Any = None
        method: Any = channel.stream_stream(stream.head.raw_path.decode("latin-1"), identity, identity)
        self._call: Any = method(
            metadata=grpc_wire.decode_metadata(headers),
            timeout=None if timeout is None else grpc_wire.timeout_seconds(timeout),
        )

    async def run(self) -> None:
        requests = asyncio.ensure_future(self._move_requests())
        try:
            await self._move_replies()
        finally:
            requests.cancel()
            self._call.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await requests

    async def _move_requests(self) -> None:
        reader = grpc_wire.MessageReader(self._limits.grpc_message_bytes)
        stream, call = self._stream, self._call
        try:
            await call.wait_for_connection()
            while body := await stream.read():
                for message in reader.feed(body):
                    # Not `call.write()`: where the server has answered before it has read everything, that replaces
                    # the server's status by INTERNAL (https://github.com/grpc/grpc/issues/36066).
                    await call._cython_call.send_serialized_message(message)
            reader.finish()
            await call.done_writing()
            await stream.wait_gone()
        except grpc_wire.GrpcRefusal as refusal:
            self._refusal = refusal
            call.cancel()
        except (ClientGone, asyncio.CancelledError):
            call.cancel()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError, cygrpc.InternalError):
            await self._expect_status()
        else:
            if stream.gone:
                call.cancel()

    async def _expect_status(self) -> None:
        """A request could not be sent, so the call is over; the replies' side tells how, once the status is here."""
        try:
            await asyncio.wait_for(asyncio.shield(self._call.code()), STATUS_SECONDS)
        except TimeoutError:
            self._refusal = grpc_wire.GrpcRefusal(grpc_wire.UNAVAILABLE, "the gRPC server of this node is not there")
            self._call.cancel()

    async def _move_replies(self) -> None:
        stream, call = self._stream, self._call
        try:
            initial = await call.initial_metadata()
            if not call.done():
                stream.send_head([*_HEAD, *grpc_wire.encode_metadata(initial)])
            while (message := await call.read()) is not _END_OF_REPLIES:
                await stream.write(grpc_wire.frame_message(message))
            code, details, trailing = await call.code(), await call.details(), await call.trailing_metadata()
        except grpc.aio.AioRpcError as error:
            code, details, trailing = error.code(), error.details(), error.trailing_metadata()
        except asyncio.CancelledError:
            if self._refusal is not None:
                raise self._refusal from None
            if stream.gone:
                return
            raise
        trailers = grpc_wire.status_trailers(code.value[0], details or "")
        await _end(stream, [*trailers, *grpc_wire.encode_metadata(trailing or ())])
