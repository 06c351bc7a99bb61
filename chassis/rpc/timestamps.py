"""Moments on the wire: google.protobuf.Timestamp."""

from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache

from google.protobuf.timestamp_pb2 import Timestamp

from chassis.kernel.errors import InvalidInput


class TimeOutOfRange(InvalidInput):
    pass


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A year is left at either end of time: whoever reckons with a moment stays within it, and the
# driver of the database takes the very first and last moment for infinities.
_EARLIEST = datetime(2, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=1024)
def timestamp_to_wire(moment: datetime) -> Timestamp:
    """
    Return *moment* for a field of a message, which copies it. Do not change what is returned: it
    is remembered, as the messages of one batch speak of one moment.
    """
    # A quarter of the time that Timestamp.FromDatetime takes.
    since = moment - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1_000)


def timestamp_from_wire(wire: Timestamp, field: str) -> datetime:
    """
    Raises:
        TimeOutOfRange: It is no moment of the years 2 to 9998; names *field*.
    """
    with suppress(ValueError, OverflowError):
        moment: datetime = wire.ToDatetime(UTC)
        if _EARLIEST <= moment < _LATEST:
            return moment
    raise TimeOutOfRange(f"{field} is no moment of the years 2 to 9998", field=field)
