"""
Is it well? Asked in each server's own protocol, in as few bytes as the protocol allows.

The supervisor asks, and it stays for as long as the cluster does. So that it stays small, no
client library is imported here: gRPC alone would double its memory.
"""

import asyncio
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

ANSWER_WITHIN_SECONDS = 2.0


async def problem_of(check: str) -> str | None:
    """
    Say what is wrong with the server behind *check*, or return None if all is well.

    *check* is a URL whose scheme is the protocol: `grpc`, `postgres`, `http` or `redis`.
    """
    url = urlsplit(check)
    ask = QUESTIONS[url.scheme]
    try:
        async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
            reader, writer = await asyncio.open_connection(url.hostname, url.port)
            try:
                return await ask(reader, writer, url.path)
            finally:
                writer.close()
    except TimeoutError:
        return f"no answer within {ANSWER_WITHIN_SECONDS:g} s"
    except ConnectionRefusedError:
        return "nothing listens"
    except (OSError, EOFError):
        return "hangs up"


async def ask_postgres(reader: StreamReader, writer: StreamWriter, _path: str) -> str | None:
    # Like pg_isready: say hello. To be asked for a password is a good answer.
    hello = struct.pack("!I", 3 << 16) + b"user\0postgres\0database\0postgres\0\0"
    writer.write(struct.pack("!I", len(hello) + 4) + hello)
    kind, length = struct.unpack("!cI", await reader.readexactly(5))
    if kind == b"R":
        return None
    fields = (await reader.readexactly(length - 4)).split(b"\0")
    return next((field[1:].decode() for field in fields if field[:1] == b"M"), "refuses")


async def ask_http(reader: StreamReader, writer: StreamWriter, path: str) -> str | None:
    writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    if answer.split(maxsplit=2)[1:2] == ["200"]:
        return None
    return answer.strip().rpartition("\r\n")[2] or "refuses"


async def ask_redis(reader: StreamReader, writer: StreamWriter, _path: str) -> str | None:
    writer.write(b"PING\r\n")
    answer = (await reader.readline()).decode().strip()
    return None if answer == "+PONG" else answer or "hangs up"


async def ask_grpc(reader: StreamReader, writer: StreamWriter, path: str) -> str | None:
    """
    Call `grpc.health.v1.Health/Check` for the whole server.
    """
    headers = {
        ":method": "POST",
        ":scheme": "http",
        ":path": "/grpc.health.v1.Health/Check",
        ":authority": path.strip("/") or "localhost",
        "content-type": "application/grpc",
        "te": "trailers",
    }
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + http2_frame(SETTINGS))
    writer.write(http2_frame(HEADERS, hpack(headers), flags=END_HEADERS, stream=1))
    # A gRPC message is a flag, a length, and the message: here an empty one.
    writer.write(http2_frame(DATA, bytes(5), flags=END_STREAM, stream=1))

    message = b""
    while True:
        kind, flags, stream, payload = await read_http2_frame(reader)
        if kind == GOAWAY:
            return "hangs up"
        if stream != 1:
            continue
        if kind == DATA:
            message += payload
        if len(message) >= 5 and len(message) >= 5 + int.from_bytes(message[1:5]):
            return None if message[5:] == SERVING else "does not serve"
        if flags & END_STREAM or kind == RST_STREAM:
            return "has no gRPC health service"


QUESTIONS: dict[str, Callable[[StreamReader, StreamWriter, str], Awaitable[str | None]]] = {
    "grpc": ask_grpc,
    "postgres": ask_postgres,
    "http": ask_http,
    "redis": ask_redis,
}

SERVING = b"\x08\x01"  # HealthCheckResponse(status=SERVING)

# HTTP/2 (RFC 9113), as much as one unary call needs.
DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY = 0x0, 0x1, 0x3, 0x4, 0x7
END_STREAM, END_HEADERS = 0x1, 0x4


def http2_frame(kind: int, payload: bytes = b"", *, flags: int = 0, stream: int = 0) -> bytes:
    return len(payload).to_bytes(3) + struct.pack("!BBI", kind, flags, stream) + payload


async def read_http2_frame(reader: StreamReader) -> tuple[int, int, int, bytes]:
    head = await reader.readexactly(9)
    kind, flags, stream = struct.unpack("!BBI", head[3:])
    return kind, flags, stream, await reader.readexactly(int.from_bytes(head[:3]))


def hpack(headers: dict[str, str]) -> bytes:
    """
    Write *headers* the plainest way there is (RFC 7541, 6.2.2): literally, and not to be kept.
    """
    return b"".join(
        b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
        for name, value in headers.items()
    )
