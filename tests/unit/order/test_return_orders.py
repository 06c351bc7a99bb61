"""In whatever order it is told, and whatever fails meanwhile, an order's returns end the same."""

import asyncio
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.kernel.money import Money
from chassis.kernel.psp_token import PspToken
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.order.application.place_orders import PlaceOrder, WantedLine, place_orders
from services.order.domain.values import (
    AccountId,
    Address,
    Channel,
    FulfillmentStatus,
    Goods,
    OrderStatus,
    ShipmentId,
)
from tests.unit.order.returns_memory import ReturnWorld, back, return_id
from tests.unit.order.stories import deliver, dispatch

LAMP = Sku("LAMP")
PARCELS = [ShipmentId(UUID(int=number)) for number in (11, 12)]
WHOLE = PlaceOrder(
    request_id=UUID(int=1),
    fingerprint=b"",
    account_id=AccountId("shop-1"),
    channel=Channel.BUSINESS,
    lines=(WantedLine(sku=LAMP, quantity=Quantity(4)),),
    shipping=Money(5_01, "EUR"),
    discount=Money(3_33, "EUR"),
    expected_total=None,
    psp_token=PspToken("tok_visa"),
    ship_to=Address(name="Ada", lines=(), city="", postal_code="", country_code="GB"),
    reference="",
)
VERBS = ("capture", "restock", "refund", "close")

# What is told: that a parcel arrives, that the other is lost, and what is made good of each.
TOLD = st.permutations(["arrives", "is lost", "claimed", "half back", "rest back"])
# After which of it which service is away, until the next is told.
OUTAGES = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(VERBS)), max_size=4)


async def live(told, outages, repeats):
    world = ReturnWorld()
    (order,) = await place_orders([WHOLE], uow=world.uow, catalog=world, clock=world.clock)
    await world.run_due()
    for parcel in PARCELS:
        await dispatch(world, order.id, parcel, Goods(sku=LAMP, units=2))
    claim = back(LAMP, 2, sellable=0, reason="LOST")
    tell = {
        "arrives": lambda: deliver(world, order.id, PARCELS[0]),
        "is lost": lambda: world.lose(order.id, PARCELS[1]),
        "claimed": lambda: world.receive(order.id, return_id(1), claim, kind="CLAIM"),
        "half back": lambda: world.receive(order.id, return_id(2), back(LAMP, 1, reason="LATE")),
        "rest back": lambda: world.receive(order.id, return_id(3), back(LAMP, 1, reason="LATE")),
    }
    for number, each in enumerate(told):
        world.refusals.clear()
        for place, verb in outages:
            if place == number:
                world.refuse(verb, "UNAVAILABLE", passing=True)
        await tell[each]()
        if repeats[number]:
            await tell[each]()
    world.refusals.clear()
    for _ in range(3):
        world.later(seconds=2)
        await world.run_due()
    return world, world.orders[order.id]


@given(told=TOLD, outages=OUTAGES, repeats=st.lists(st.booleans(), min_size=5, max_size=5))
@settings(max_examples=60, deadline=None)
def test_the_customer_gets_back_what_was_charged_in_any_order(told, outages, repeats):
    world, order = asyncio.run(live(told, outages, repeats))

    assert order.status is OrderStatus.COMPLETED
    assert order.fulfillment_status is FulfillmentStatus.RETURNED
    assert sum(value for value, _ in world.refunded.values()) == order.grand_total.minor_units
    assert sum(shipping for _, shipping in world.refunded.values()) == 5_01
    assert {units for _, _, units in world.restocked.values()} == {1}
    assert set(world.closed) == set(order.returns)
    assert not world.sagas
