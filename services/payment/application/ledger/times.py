"""Times that the books can answer for."""

from datetime import datetime

from chassis.kernel.errors import InvalidInput


class AsOfInFuture(InvalidInput):
    pass


def answerable(asked: datetime | None, *, closed: datetime, field: str) -> datetime:
    """
    Return *asked*, or *closed* if nobody asked for a time: the last moment to which nothing will
    be added any more.

    Raises:
        AsOfInFuture: What is booked until *asked* is not certain yet; names *field*.
    """
    if asked and asked > closed:
        raise AsOfInFuture(f"{field} is {asked.isoformat()}, and not yet past", field=field)
    return asked or closed
