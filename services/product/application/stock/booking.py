"""How a batch of bookings is done: each once, all or nothing, and answered on its own."""

from collections.abc import Callable, Mapping, Sequence, Set
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from chassis.kernel.ids import new_id
from services.product.application.ports.requests import Request
from services.product.application.ports.transaction import UnitOfWork
from services.product.domain.location import (
    Location,
    LocationClosed,
    LocationState,
    LocationUnknown,
)
from services.product.domain.stock import Stock
from services.product.domain.values import LocationId, Place


class Booking(Protocol):
    """
    A command that moves stock.
    """

    @property
    def request_id(self) -> UUID: ...

    @property
    def content(self) -> str:
        """
        What it asks for, in one unambiguous form.
        """
        ...

    @property
    def adds_to(self) -> Set[Place]:
        """
        The places that something new comes to.
        """
        ...

    @property
    def begins(self) -> Set[Place]:
        """
        The places where there may be something for the first time.
        """
        ...

    @property
    def changes(self) -> Set[Place]:
        """
        The places where something is, which may be none.
        """
        ...


B = TypeVar("B", bound=Booking)
A = TypeVar("A")


async def book_each(
    operation: str,
    commands: Sequence[B],
    *,
    book: Callable[[B, Stock, datetime], A],
    show: Callable[[B, Stock], A],
    uow: UnitOfWork,
    clock: Clock,
) -> Sequence[A | DomainError]:
    """
    Do each of *commands* once, by *book*, and answer those that were done before by *show*.

    A refused one has changed nothing, and its claim is given back: asked again when there are more
    goods, it may be done.
    """
    now = clock()
    requests = [_request(operation, command) for command in commands]
    async with uow() as tx:
        earlier = await tx.requests.claim(requests, now=now)
        asked = list(zip(commands, requests, earlier, strict=True))
        places = {place for command in commands for place in command.adds_to | command.changes}
        locations = await tx.locations.of({place.location_id for place in places})
        known = {place for place in places if place.location_id in locations}
        opened = {
            place
            for command, _, done in asked
            if done is None and _hindrance(command, locations) is None
            for place in command.begins
        }
        stock = Stock(await tx.stock_items.open(opened, beside=known))
        refused: dict[UUID, DomainError] = {}
        answers: list[A | DomainError] = []
        for command, request, done in asked:
            if isinstance(done, DomainError):
                answers.append(done)
            elif command.request_id in refused:
                # The same again in one batch: what the first one was told holds for it too.
                answers.append(refused[command.request_id])
            elif done is not None:
                answers.append(show(command, stock))
            else:
                try:
                    if hindrance := _hindrance(command, locations):
                        raise hindrance
                    answers.append(book(command, stock, now))
                except DomainError as refusal:
                    refused[request.request_id] = refusal
                    answers.append(refusal)
        await tx.requests.forget(
            [
                r
                for r, done in zip(requests, earlier, strict=True)
                if done is None and r.request_id in refused
            ]
        )
        await tx.stock_items.save(stock.moved)
    return answers


def _hindrance(command: Booking, locations: Mapping[LocationId, Location]) -> DomainError | None:
    """
    Return why *command* cannot be done at its locations, if it cannot.
    """
    for place in command.adds_to | command.changes:
        if place.location_id not in locations:
            return LocationUnknown(f"there is no location {place.location_id}")
    for place in command.adds_to:
        if locations[place.location_id].state is LocationState.CLOSED:
            return LocationClosed(f"location {place.location_id} is closed")
    return None


def _request(operation: str, command: Booking) -> Request:
    return Request(
        operation=operation,
        request_id=command.request_id,
        content=command.content,
        outcome_id=new_id(),
    )
