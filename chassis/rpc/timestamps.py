"""Moments on the wire: google.protobuf.Timestamp."""

from datetime import UTC, datetime
from functools import lru_cache

from google.protobuf.timestamp_pb2 import Timestamp

from chassis.kernel.errors import InvalidInput


class TimeOutOfRange(InvalidInput):
    pass


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
        TimeOutOfRange: It is no moment of the years 1 to 9999; names *field*.
    """
    try:
        return wire.ToDatetime(UTC)
    except (ValueError, OverflowError):
        raise TimeOutOfRange(f"{field} is no moment of the years 1 to 9999", field=field) from None
