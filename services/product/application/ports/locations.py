"""Every location there is."""

from collections.abc import Mapping, Sequence, Set
from typing import Protocol

from services.product.domain.location import Location
from services.product.domain.values import LocationId


class Locations(Protocol):
    """
    Every location there is. None ever goes.
    """

    async def all(self) -> Sequence[Location]:
        """
        Return all locations, by priority and then by id.
        """
        ...

    async def of(self, ids: Set[LocationId]) -> Mapping[LocationId, Location]:
        """
        Return those of the locations *ids* that exist.
        """
        ...

    async def add(self, location: Location) -> Location:
        """
        Return the location with the id of *location*: the one that was there, or else this one,
        which is kept now.

        Raises:
            LocationsFull: There are `MOST_LOCATIONS` already.
        """
        ...

    async def lock(self, location_id: LocationId) -> Location:
        """
        Return the location to be changed: nobody else can until this transaction ends.

        Raises:
            LocationNotFound: There is no such location.
        """
        ...

    async def save(self, location: Location) -> None:
        """
        Write *location*, which is locked, over its earlier form.
        """
        ...
