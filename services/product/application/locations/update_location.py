"""Use case: a location gets another name or priority, closes or opens again."""

from dataclasses import dataclass, replace

from services.product.application.ports.transaction import UnitOfWork
from services.product.domain.location import Location, LocationState
from services.product.domain.values import EtagMismatch, LocationId


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateLocation:
    """
    What is `None` stays as it is.

    Attributes:
        etag: The one that was seen; empty if it does not matter.
    """

    location_id: LocationId
    name: str | None = None
    priority: int | None = None
    state: LocationState | None = None
    etag: str = ""


async def update_location(command: UpdateLocation, *, uow: UnitOfWork) -> Location:
    """
    Change a location.

    Safe to repeat: what is as asked stays as it is and keeps its etag, whichever was seen.

    Raises:
        LocationNotFound: There is no such location.
        EtagMismatch: It has changed since it was seen.
        TextMalformed, PriorityOutOfRange: So it cannot be.
    """
    async with uow() as tx:
        before = await tx.locations.lock(command.location_id)
        after = replace(
            before,
            name=before.name if command.name is None else command.name,
            priority=before.priority if command.priority is None else command.priority,
            state=command.state or before.state,
        )
        if after != before:
            if command.etag and command.etag != before.etag:
                raise EtagMismatch(f"location {before.id} has changed: its etag is {before.etag}")
            after = replace(after, version=before.version + 1)
            await tx.locations.save(after)
    return after
