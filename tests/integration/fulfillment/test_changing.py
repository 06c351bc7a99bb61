"""Orders change while others work on them: it ends in one of the allowed ways, never half."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from chassis.events.relay import relay_batch
from chassis.kernel.errors import DomainError
from chassis.kernel.ids import new_id
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.fulfillment.application.accept_offers import AcceptOffer, accept_offers
from services.fulfillment.application.cancel_fulfillment import (
    CancelFulfillment,
    cancel_fulfillment,
)
from services.fulfillment.application.change_fulfillment import (
    ChangeFulfillment,
    change_fulfillment,
)
from services.fulfillment.application.dispatch_shipments import (
    DispatchShipment,
    dispatch_shipments,
)
from services.fulfillment.application.open_fulfillment_orders import (
    OpenFulfillmentOrders,
    open_fulfillment_orders,
)
from services.fulfillment.application.watch_offers import watch_offers
from services.fulfillment.domain.values import (
    FulfillmentOrderStatus,
    Goods,
    LocationId,
    OrderId,
    ProviderId,
    ShipmentId,
)
from services.fulfillment.entrypoints.notices import NatsOfferNotices
from tests.integration.counting import counted
from tests.integration.fulfillment.conftest import HOME
from tests.integration.fulfillment.test_watching_offers import running

ROUNDS = 15
ACE = ProviderId("ace")
ELSEWHERE = replace(HOME, city="Leeds")


@pytest.fixture(autouse=True)
async def one_provider(fulfillment):
    await fulfillment.given_provider("ace")


def lamps(**at_location):
    return {
        LocationId(location): (Goods(Sku("LAMP"), Quantity(units)),)
        for location, units in at_location.items()
    }


def change_of(order_id, number, **at_location):
    goods = lamps(**at_location)
    return ChangeFulfillment(order_id=order_id, number=number, ship_to=ELSEWHERE, goods=goods)


async def outcome(call):
    (answer,) = await call
    return getattr(answer, "reason", "")


def change(fulfillment, order_id, number, **at_location):
    command = change_of(order_id, number, **at_location)
    return outcome(change_fulfillment([command], uow=fulfillment.uow))


def cancel(fulfillment, order_id):
    command = CancelFulfillment(order_id=order_id)
    return outcome(cancel_fulfillment([command], **fulfillment.asking))


def accept(fulfillment, *work):
    commands = [AcceptOffer(offer_id=w.live_offer.id, provider_id=ACE) for w in work]
    return accept_offers(commands, **fulfillment.offering)


def dispatch(fulfillment, work, shipment_id=None):
    command = DispatchShipment(
        shipment_id=shipment_id or ShipmentId(new_id()),
        fulfillment_order_id=work.id,
        provider_id=ACE,
        goods=(),
        tracking_number="",
    )
    return dispatch_shipments([command], uow=fulfillment.uow, clock=fulfillment.clock)


async def given_split_work(fulfillment, *, accepted=True):
    """
    Return work of one order at two locations, three lamps each.
    """
    order_id = OrderId(new_id())
    command = OpenFulfillmentOrders(
        order_id=order_id,
        ship_to=HOME,
        goods=tuple((at, some) for at, (some,) in lamps(leeds=3, york=3).items()),
    )
    async with fulfillment.database.begin() as tx:
        await open_fulfillment_orders(
            [command],
            tx=fulfillment.join(tx),
            clock=fulfillment.clock,
            answer_within=fulfillment.answer_within,
        )
    if accepted:
        await accept(fulfillment, *await fulfillment.work_on(order_id))
    return order_id, *await by_location(fulfillment, order_id)


async def by_location(fulfillment, order_id):
    work = {order.location_id: order for order in await fulfillment.work_on(order_id)}
    return work["leeds"], work["york"]


def state_of(work):
    units = sum(some.quantity.units for some in work.goods)
    return units, work.change_number, work.ship_to.city


UNCHANGED, CHANGED, GONE = (3, 0, "Hull"), (1, 1, "Leeds"), (0, 1, "Leeds")


async def test_changed_work_comes_back_as_it_was_saved(fulfillment):
    order_id, *_ = await given_split_work(fulfillment, accepted=False)

    assert await change(fulfillment, order_id, 1, leeds=1) == ""

    leeds, york = await by_location(fulfillment, order_id)
    assert (state_of(leeds), state_of(york)) == (CHANGED, GONE)
    assert leeds.live_offer.change_number == 1
    assert york.status is FulfillmentOrderStatus.CANCELLED
    assert (await fulfillment.told_of(leeds.id))[2:] == ["FulfillmentOrderChanged"]
    assert (await fulfillment.told_of(york.id))[2:] == ["FulfillmentOrderCancelled"]


async def test_a_parcel_leaves_before_a_change_or_after_it_and_says_so(fulfillment):
    for _ in range(ROUNDS):
        order_id, leeds, _york = await given_split_work(fulfillment)

        (sent,), refusal = await asyncio.gather(
            dispatch(fulfillment, leeds), change(fulfillment, order_id, 1, leeds=1)
        )

        # The parcel leaves in any case: with all of it before the change, or with the rest after.
        assert not isinstance(sent, DomainError)
        leeds, york = await by_location(fulfillment, order_id)
        (parcel,) = leeds.shipments
        expected = (UNCHANGED, UNCHANGED) if refusal else (CHANGED, GONE)
        assert refusal in ("", "ALREADY_DISPATCHED")
        assert (state_of(leeds), state_of(york)) == expected
        assert parcel.goods == leeds.goods
        end = (
            ["ShipmentDispatched"] if refusal else ["FulfillmentOrderChanged", "ShipmentDispatched"]
        )
        assert (await fulfillment.told_of(leeds.id))[3:] == end


async def test_work_at_a_place_that_falls_out_is_dispatched_or_cancelled(fulfillment):
    for _ in range(ROUNDS):
        order_id, _leeds, york = await given_split_work(fulfillment)

        (sent,), refusal = await asyncio.gather(
            dispatch(fulfillment, york), change(fulfillment, order_id, 1, leeds=1)
        )

        leeds, york = await by_location(fulfillment, order_id)
        if refusal:
            assert refusal == "ALREADY_DISPATCHED"
            assert (state_of(leeds), len(york.shipments)) == (UNCHANGED, 1)
        else:
            assert sent.reason == "FULFILLMENT_ORDER_NOT_ACCEPTED"
            assert (state_of(leeds), state_of(york)) == (CHANGED, GONE)


async def test_whoever_accepts_meanwhile_accepts_the_work_as_it_is_then(fulfillment):
    for _ in range(ROUNDS):
        order_id, leeds, york = await given_split_work(fulfillment, accepted=False)

        answers, refusal = await asyncio.gather(
            accept(fulfillment, leeds, york), change(fulfillment, order_id, 1, leeds=1)
        )

        assert refusal == ""
        assert not isinstance(answers[0], DomainError)
        leeds, york = await by_location(fulfillment, order_id)
        assert leeds.status is FulfillmentOrderStatus.IN_PROGRESS
        assert york.status is FulfillmentOrderStatus.CANCELLED
        assert (state_of(leeds), state_of(york)) == (CHANGED, GONE)


async def test_a_change_never_revives_what_was_cancelled(fulfillment):
    for _ in range(ROUNDS):
        order_id, *_ = await given_split_work(fulfillment, accepted=False)

        given_up, refusal = await asyncio.gather(
            cancel(fulfillment, order_id), change(fulfillment, order_id, 1, leeds=1)
        )

        assert given_up == ""
        leeds, york = await by_location(fulfillment, order_id)
        assert {leeds.status, york.status} == {FulfillmentOrderStatus.CANCELLED}
        expected = (UNCHANGED, UNCHANGED) if refusal else (CHANGED, GONE)
        assert refusal in ("", "FULFILLMENT_CANCELLED")
        assert (state_of(leeds), state_of(york)) == expected


async def test_a_change_asked_twice_at_once_is_made_once(fulfillment):
    for _ in range(ROUNDS):
        order_id, *_ = await given_split_work(fulfillment)

        answers = await asyncio.gather(
            *(change(fulfillment, order_id, 1, leeds=1) for _ in range(4))
        )

        leeds, york = await by_location(fulfillment, order_id)
        assert set(answers) == {""}
        assert (state_of(leeds), state_of(york)) == (CHANGED, GONE)
        assert (await fulfillment.told_of(leeds.id))[3:] == ["FulfillmentOrderChanged"]


async def test_of_two_changes_the_later_one_counts_whichever_comes_first(fulfillment):
    for _ in range(ROUNDS):
        order_id, *_ = await given_split_work(fulfillment)

        answers = await asyncio.gather(
            change(fulfillment, order_id, 1, leeds=2, york=1),
            change(fulfillment, order_id, 2, leeds=1, york=1),
        )

        assert answers == ["", ""]
        assert [state_of(w) for w in await by_location(fulfillment, order_id)] == [
            (1, 2, "Leeds"),
            (1, 2, "Leeds"),
        ]


async def test_a_change_is_made_once_the_order_is_confirmed_and_never_before(fulfillment):
    for _ in range(ROUNDS):
        order_id = OrderId(new_id())

        refusal, _ = await asyncio.gather(
            change(fulfillment, order_id, 1, leeds=1), fulfillment.confirm(order_id)
        )

        (work,) = await fulfillment.work_on(order_id)
        assert refusal in ("", "FULFILLMENT_NOT_OPEN")
        assert state_of(work) == (UNCHANGED if refusal else CHANGED)
        assert await change(fulfillment, order_id, 1, leeds=1) == ""


async def test_overlapping_batches_do_not_wait_for_each_other_in_a_circle(fulfillment):
    ids = [OrderId(new_id()) for _ in range(ROUNDS)]
    all_work = await fulfillment.given_accepted_work(*ids)
    commands = [change_of(order_id, 1, leeds=1) for order_id in ids]

    answers = await asyncio.gather(
        *(change_fulfillment(commands[::step], uow=fulfillment.uow) for step in (1, -1, 1, -1)),
        *(dispatch(fulfillment, work) for work in all_work),
    )

    refused = [getattr(answer, "reason", "") for some in answers for answer in some]
    assert set(refused) <= {"", "ALREADY_DISPATCHED"}


async def test_a_batch_takes_as_many_statements_for_many_as_for_one(fulfillment):
    async def statements(count):
        ids = [OrderId(new_id()) for _ in range(count)]
        await fulfillment.given_work(*ids)
        commands = [change_of(order_id, 1, leeds=1) for order_id in [*ids, OrderId(new_id())]]
        with counted(fulfillment.database) as sent:
            await change_fulfillment(commands, uow=fulfillment.uow)
        return len(sent)

    few, many = await statements(2), await statements(200)

    assert few == many


@pytest.mark.parametrize(
    "planted",
    [
        "UPDATE fulfillment_orders SET ordered_units = 0",
        "UPDATE fulfillment_orders SET ordered_units = 0, status = 'CLOSED'",
    ],
)
async def test_the_database_knows_work_without_goods_only_if_it_is_cancelled(fulfillment, planted):
    await fulfillment.given_work(OrderId(new_id()))

    with pytest.raises(IntegrityError, match="ck_fulfillment_orders"):
        async with fulfillment.database.begin() as tx:
            await tx.run(text(planted))


async def next_offers(watch):
    async with asyncio.timeout(5):
        offers = (await anext(watch)).offers
        return {(w.offer.id, w.order.goods[0].quantity.units) for w in offers}


async def test_a_changed_offer_reaches_the_watcher_once_more_by_its_notice(
    fulfillment, broker, order_id
):
    notices = NatsOfferNotices(broker, sweep_seconds=60)
    (work,) = await fulfillment.given_work(order_id)

    async with running(notices.listen()):
        watch = watch_offers(ACE, uow=fulfillment.uow, notices=notices)
        first = await next_offers(watch)
        await change(fulfillment, order_id, 1, leeds=1)
        await relay_batch(fulfillment.database, broker, context="fulfillment")
        then = await next_offers(watch)
        await watch.aclose()

    assert (first, then) == ({(work.live_offer.id, 3)}, {(work.live_offer.id, 1)})


async def test_a_changed_offer_without_a_notice_is_found_by_the_sweep(
    fulfillment, broker, order_id
):
    notices = NatsOfferNotices(broker, sweep_seconds=0.1)
    (work,) = await fulfillment.given_work(order_id)

    watch = watch_offers(ACE, uow=fulfillment.uow, notices=notices)
    first = await next_offers(watch)
    await change(fulfillment, order_id, 1, leeds=1)
    then = await next_offers(watch)
    await watch.aclose()

    assert (first, then) == ({(work.live_offer.id, 3)}, {(work.live_offer.id, 1)})


async def test_the_sweep_of_a_watcher_finds_all_it_needs_in_the_index_of_open_offers(fulfillment):
    async with fulfillment.database.begin() as tx:
        rows = await tx.rows(
            text(
                "SELECT pg_get_indexdef(indexrelid) AS definition FROM pg_index"
                " WHERE indexrelid = 'ix_offers_open'::regclass"
            )
        )

    (definition,) = [row.definition for row in rows]
    assert "INCLUDE (change_number)" in definition
