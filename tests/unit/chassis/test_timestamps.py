from datetime import UTC, datetime, timedelta, timezone

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.rpc.timestamps import TimeOutOfRange, timestamp_from_wire, timestamp_to_wire


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 11, 21, 12, 30, 15, 123456, UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, UTC),
        datetime(2026, 6, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    ],
)
def test_a_moment_is_written_as_protobuf_itself_writes_it(moment):
    theirs = Timestamp()
    theirs.FromDatetime(moment)

    assert timestamp_to_wire(moment) == theirs


def test_a_moment_without_a_time_zone_is_none():
    with pytest.raises(TypeError):
        timestamp_to_wire(datetime(2026, 11, 21))  # noqa: DTZ001


@pytest.mark.parametrize(
    "moment", [datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, 23, 59, 59, 999999, UTC)]
)
def test_a_moment_that_can_be_reckoned_with_is_read(moment):
    assert timestamp_from_wire(timestamp_to_wire(moment), "from_time") == moment


@pytest.mark.parametrize(
    "moment", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)]
)
def test_a_moment_at_either_end_of_time_is_refused(moment):
    with pytest.raises(TimeOutOfRange) as refusal:
        timestamp_from_wire(timestamp_to_wire(moment), "from_time")

    assert refusal.value.field == "from_time"
