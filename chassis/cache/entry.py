"""What a cache holds of one key, and how it travels to the server that replicas share."""

import random
import zlib
from dataclasses import dataclass

# Of a lifetime, how much is drawn by lot, so that what was loaded together expires apart.
JITTER = 0.1
# The last part of a lifetime, in which the first one who asks has it loaded again.
REFRESH_PART = 0.2

# Fixed width, so that a script in the server reads the version without knowing the rest:
# version, moment of storing and of expiry (milliseconds), kind, length of the key, checksum.
_HEAD = 16 + 16 + 16 + 1 + 4 + 8
_VALUE, _NOTHING = b"V", b"N"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """
    What a source says of a key.

    Attributes:
        version: Rises with every change of what the key stands for; 0 if there is nothing.
        value: `None` if there is nothing.
        expires_at: The latest moment (Unix time) up to which it is right, where it depends on
            time: a price that is scheduled, say.
    """

    version: int
    value: bytes | None
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """
    What is kept of a key.

    Attributes:
        stored_at: When it was loaded (Unix time).
        refresh_at: From when on the first one who asks has it loaded again.
        expires_at: From when on it must not be used.
    """

    key: str
    version: int
    value: bytes | None
    stored_at: float
    refresh_at: float
    expires_at: float


def entry_of(key: str, loaded: Loaded, *, now: float, seconds: float) -> Entry:
    """
    Return what to keep of *key*, for *seconds* less a random part.
    """
    lifetime = seconds * (1 - JITTER * random.random())
    expires_at = now + lifetime
    if loaded.expires_at is not None:
        expires_at = min(expires_at, loaded.expires_at)
    return _entry(key, loaded.version, loaded.value, now, expires_at)


def packed(entry: Entry) -> bytes:
    """
    Return *entry* as it is kept in the shared server, with its own key and a checksum: whatever
    answers with something else, for whatever reason, is found out.
    """
    key = entry.key.encode()
    kind = _NOTHING if entry.value is None else _VALUE
    head = b"%016d%016d%016d%b%04d" % (
        entry.version,
        int(entry.stored_at * 1000),
        int(entry.expires_at * 1000),
        kind,
        len(key),
    )
    body = key + (entry.value or b"")
    return b"%b%08x%b" % (head, zlib.crc32(body, zlib.crc32(head)), body)


def unpacked(key: str, stored: bytes) -> Entry | None:
    """
    Return the entry of *key* that *stored* is; `None` if it is anything else.
    """
    head, checksum, body = stored[: _HEAD - 8], stored[_HEAD - 8 : _HEAD], stored[_HEAD:]
    try:
        if int(checksum, 16) != zlib.crc32(body, zlib.crc32(head)):
            return None
        version, stored_at, expires_at = (int(head[at : at + 16]) for at in (0, 16, 32))
        kind, length = head[48:49], int(head[49:53])
    except ValueError:
        return None
    if body[:length] != key.encode():
        return None
    value = body[length:] if kind == _VALUE else None
    return _entry(key, version, value, stored_at / 1000, expires_at / 1000)


def _entry(
    key: str, version: int, value: bytes | None, stored_at: float, expires_at: float
) -> Entry:
    # Another moment in every process, so that they do not all load it at the same time.
    ahead = (expires_at - stored_at) * REFRESH_PART * random.random()
    return Entry(key, version, value, stored_at, expires_at - ahead, expires_at)
