"""Use case: goods can lie somewhere new."""

from dataclasses import dataclass, replace

from chassis.kernel.errors import RuleViolated
from services.product.application.ports.transaction import UnitOfWork
from services.product.domain.location import Location


class LocationTaken(RuleViolated):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateLocation:
    location: Location


async def create_location(command: CreateLocation, *, uow: UnitOfWork) -> Location:
    """
    Create a location under the id that the caller chose.

    Safe to repeat: the same again is answered with the location that is there.

    Raises:
        LocationTaken: There is one under this id that says something else.
        LocationsFull: There are as many as there may be.
    """
    async with uow() as tx:
        location = await tx.locations.add(command.location)
    if replace(location, version=command.location.version) != command.location:
        raise LocationTaken(f"there is a location {location.id} that says something else")
    return location
