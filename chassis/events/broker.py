"""The one way in which a service connects to NATS."""

import logging
from collections.abc import Callable, Iterable, Mapping

from nats.aio.client import Client
from nats.errors import (
    BadHeaderError,
    ConnectionClosedError,
    OutboundBufferLimitError,
    SlowConsumerError,
)
from nats.protocol.command import hpub_cmd, pub_cmd

log = logging.getLogger(__name__)

# Commands are handed to the connection in pieces of about this size: copied once, and never much
# more than what waits to be sent may be.
_PIECE_BYTES = 256 * 1024


class Broker(Client):
    """
    The client of NATS, with what a busy service does most made cheap: a publish of the client's
    own checks each header by itself, which takes longer than all the rest of it (measured).
    """

    async def publish_many(self, commands: Iterable[bytes]) -> None:
        """
        Send commands that `command_of` has made, in order.

        Raises:
            NatsError: They cannot be sent now.
        """
        piece = bytearray()
        for command in commands:
            piece += command
            if len(piece) >= _PIECE_BYTES:
                await self._send_piece(bytes(piece))
                piece.clear()
        if piece:
            await self._send_piece(bytes(piece))

    async def _send_piece(self, piece: bytes) -> None:
        if self.is_closed:
            raise ConnectionClosedError
        if not self.is_connected and len(piece) + self._pending_data_size > self._max_pending_size:
            raise OutboundBufferLimitError
        await self._send_command(piece)
        if self._flush_queue is not None and self._flush_queue.empty():
            await self._flush_pending()

    @staticmethod
    def _parse_header_lines(raw: bytes) -> dict[str, str]:
        """
        Read headers as everybody of ours writes them; leave all others to the client.
        """
        try:
            return dict([line.split(": ", 1) for line in raw.decode().split("\r\n") if line])
        except ValueError:
            return Client._parse_header_lines(raw)


def command_of(
    subject: str, payload: bytes = b"", headers: Mapping[str, str] | None = None
) -> bytes:
    """
    Return what tells NATS to publish a message.

    Raises:
        BadHeaderError: There is a line break in a header.
    """
    if headers is None:
        return pub_cmd(subject, "", payload)
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if lines.count("\n") != len(headers):
        raise BadHeaderError(lines)
    return hpub_cmd(subject, "", f"NATS/1.0\r\n{lines}\r\n".encode(), payload)


def _nothing() -> None:
    pass


async def connect_broker(
    url: str,
    *,
    name: str,
    on_loss: Callable[[], None] = _nothing,
    on_return: Callable[[], None] = _nothing,
) -> Broker:
    """
    Connect to the NATS servers at *url* (comma-separated) and stay connected: a lost connection
    is made again for as long as the process lives.

    Args:
        on_loss: Called when plain subscriptions no longer hear.
        on_return: Called when they hear again, and may have missed something.
    """

    async def failed(error: Exception) -> None:
        # The default prints a stack for every failed attempt.
        log.warning("nats: %s", type(error).__name__)
        if isinstance(error, SlowConsumerError):
            on_return()  # it hears, but has dropped something

    async def disconnected() -> None:
        on_loss()

    async def reconnected() -> None:
        log.info("nats: connected again")
        on_return()

    broker = Broker()
    await broker.connect(
        url.split(","),
        name=name,
        max_reconnect_attempts=-1,
        # Applies to the first connect too, so it is short.
        reconnect_time_wait=0.2,  # type: ignore[arg-type]  # it only ever sleeps for so long
        ping_interval=10,
        max_outstanding_pings=2,
        error_cb=failed,
        disconnected_cb=disconnected,
        reconnected_cb=reconnected,
    )
    return broker
