"""Moments on the wire: google.protobuf.Timestamp."""

from datetime import datetime
from functools import lru_cache

from google.protobuf.timestamp_pb2 import Timestamp


@lru_cache(maxsize=1024)
def timestamp_to_wire(moment: datetime) -> Timestamp:
    """
    Return *moment* for a field of a message, which copies it. Do not change what is returned: it
    is remembered, as the messages of one batch speak of one moment.
    """
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp
