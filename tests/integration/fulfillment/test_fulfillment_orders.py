from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError

from chassis.kernel.errors import Conflict
from chassis.kernel.ids import new_id
from chassis.telemetry.tracing import item_spans, trace_id_of
from services.fulfillment.application.accept_offers import AcceptOffer, accept_offers
from services.fulfillment.application.deliver_shipments import DeliverShipment, deliver_shipments
from services.fulfillment.application.dispatch_shipments import (
    DispatchShipment,
    dispatch_shipments,
)
from services.fulfillment.application.expire_offers import expire_offers
from services.fulfillment.domain.provider import Provider
from services.fulfillment.domain.values import OfferState, OrderId, ProviderId, ShipmentId


def parcel(work, shipment_id):
    return DispatchShipment(
        shipment_id=shipment_id,
        fulfillment_order_id=work.id,
        provider_id=ProviderId("ace"),
        goods=(),
        tracking_number="T1",
    )


async def test_an_order_comes_back_as_it_was_saved(fulfillment, order_id):
    await fulfillment.given_provider("ace")
    (work,) = await fulfillment.given_accepted_work(order_id)
    shipment_id = ShipmentId(new_id())
    calls = {"uow": fulfillment.uow, "clock": fulfillment.clock}
    await dispatch_shipments([parcel(work, shipment_id)], **calls)
    delivery = DeliverShipment(fulfillment_order_id=work.id, shipment_id=shipment_id)
    (answered,) = await deliver_shipments([delivery], **calls)

    (read,) = await fulfillment.work_on(order_id)

    assert vars(read) == vars(answered)


async def test_an_order_and_its_events_are_saved_together_or_not_at_all(fulfillment, order_id):
    await fulfillment.given_provider("ace")
    (work,) = await fulfillment.given_work(order_id)

    async def accept_and_fail():
        async with fulfillment.uow() as tx:
            (order,) = await tx.fulfillment_orders.with_ids([work.id])
            ace = Provider(id=ProviderId("ace"), name="Ace")
            order.accept(order.live_offer.id, ace, fulfillment.now.date(), taken=0)
            await tx.fulfillment_orders.save([order])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await accept_and_fail()

    (read,) = await fulfillment.work_on(order_id)
    assert read.live_offer.is_open
    assert await fulfillment.told_of(work.id) == ["FulfillmentOrderOpened", "OfferSubmitted"]


async def test_all_that_is_told_of_the_work_stays_in_the_trace_of_its_order(fulfillment):
    await fulfillment.given_provider("ace")
    ids = [OrderId(new_id()) for _ in range(2)]
    traces = {id_: f"00-{id_.hex}-00f067aa0ba902b7-01" for id_ in ids}

    with item_spans("process OrderConfirmed", traces):
        await fulfillment.confirm(*ids)

    for work in await fulfillment.given_accepted_work(*ids):
        assert trace_id_of(work.trace) == work.order_id.hex
    async with fulfillment.database.begin() as tx:
        told = await tx.rows(text("SELECT DISTINCT trace FROM outbox"))
    assert {trace_id_of(row.trace) for row in told} == {id_.hex for id_ in ids}


async def test_what_has_not_changed_is_not_written(fulfillment, order_id):
    await fulfillment.given_provider("ace")
    (work,) = await fulfillment.given_work(order_id)

    async with fulfillment.uow() as tx:
        await tx.fulfillment_orders.save(await tx.fulfillment_orders.with_ids([work.id]))

    (read,) = await fulfillment.work_on(order_id)
    assert read.version == work.version


async def test_a_save_over_a_version_that_was_not_read_is_a_conflict(fulfillment, order_id):
    await fulfillment.given_provider("ace")
    (stale,) = await fulfillment.given_work(order_id)
    await fulfillment.given_accepted_work(order_id)

    stale.cancel()
    with pytest.raises(Conflict):
        async with fulfillment.uow() as tx:
            await tx.fulfillment_orders.save([stale])


async def test_the_database_keeps_more_than_was_ordered_from_leaving(fulfillment, order_id):
    await fulfillment.given_provider("ace")
    (work,) = await fulfillment.given_accepted_work(order_id)
    await dispatch_shipments(
        [parcel(work, ShipmentId(new_id()))], uow=fulfillment.uow, clock=fulfillment.clock
    )

    with pytest.raises(IntegrityError, match="ck_fulfillment_orders_dispatched"):
        async with fulfillment.uow() as tx:
            (order,) = await tx.fulfillment_orders.with_ids([work.id])
            # As a mistake in the rules would do it.
            (sent,) = order.shipments
            order.shipments = (sent, replace(sent, id=ShipmentId(new_id())))
            order.deliver(sent.id, fulfillment.now)
            await tx.fulfillment_orders.save([order])


async def test_the_database_knows_nobody_who_is_asked_to_give_up_what_has_left(
    fulfillment, order_id
):
    await fulfillment.given_provider("ace")
    (work,) = await fulfillment.given_accepted_work(order_id)
    await dispatch_shipments(
        [parcel(work, ShipmentId(new_id()))], uow=fulfillment.uow, clock=fulfillment.clock
    )

    with pytest.raises(IntegrityError, match="ck_fulfillment_orders_asked"):
        async with fulfillment.uow() as tx:
            (order,) = await tx.fulfillment_orders.with_ids([work.id])
            # As a mistake in the rules would do it.
            order.request_cancellation(fulfillment.now)
            await tx.fulfillment_orders.save([order])


async def test_the_database_keeps_two_providers_from_one_work(fulfillment, order_id):
    await fulfillment.given_provider("ace")
    await fulfillment.given_work(order_id)

    with pytest.raises(IntegrityError, match="uq_offers_live"):
        async with fulfillment.database.begin() as tx:
            await tx.run(
                text(
                    "INSERT INTO offers SELECT gen_random_uuid(), fulfillment_order_id, 'other',"
                    " state, expires_at, reason FROM offers"
                )
            )


async def test_the_statements_do_not_grow_with_the_batch(fulfillment):
    await fulfillment.given_provider("ace")
    engine = fulfillment.database._engine.sync_engine
    calls = {"uow": fulfillment.uow, "clock": fulfillment.clock}
    counted = []
    event.listen(engine, "before_cursor_execute", lambda *args: counted.append(args[2]))

    async def statements(running):
        counted.clear()
        await running
        return len(counted)

    async def journey(size):
        ids = [OrderId(new_id()) for _ in range(size)]
        opening = await statements(fulfillment.confirm(*ids))
        all_work = await fulfillment.work_on(*ids)
        accepts = [
            AcceptOffer(offer_id=work.live_offer.id, provider_id=ProviderId("ace"))
            for work in all_work
        ]
        accepting = await statements(accept_offers(accepts, **fulfillment.offering))
        parcels = [parcel(work, ShipmentId(new_id())) for work in all_work]
        dispatching = await statements(dispatch_shipments(parcels, **calls))
        arrivals = [
            DeliverShipment(fulfillment_order_id=p.fulfillment_order_id, shipment_id=p.shipment_id)
            for p in parcels
        ]
        delivering = await statements(deliver_shipments(arrivals, **calls))
        return opening, accepting, dispatching, delivering

    assert await journey(1) == await journey(200) == (4, 5, 6, 4)


async def test_each_replica_expires_what_no_other_has_locked(fulfillment):
    await fulfillment.given_provider("ace")
    held, *_ = await fulfillment.given_work(*(OrderId(new_id()) for _ in range(3)))
    fulfillment.later(seconds=30)

    async with fulfillment.uow() as tx:
        await tx.fulfillment_orders.with_ids([held.id])
        expired = await expire_offers(**fulfillment.offering)

    assert expired == 2
    assert await expire_offers(**fulfillment.offering) == 1


async def test_an_expired_offer_makes_room_for_the_next_in_one_step(fulfillment, order_id):
    await fulfillment.given_provider("first", rank=1)
    await fulfillment.given_provider("second", rank=2)
    (work,) = await fulfillment.given_work(order_id)
    fulfillment.later(seconds=30)

    await expire_offers(**fulfillment.offering)

    (read,) = await fulfillment.work_on(order_id)
    assert [offer.state for offer in read.offers] == [OfferState.EXPIRED, OfferState.SUBMITTED]
    assert await fulfillment.told_of(work.id) == [
        "FulfillmentOrderOpened",
        "OfferSubmitted",
        "OfferExpired",
        "OfferSubmitted",
    ]


async def test_open_offers_are_read_with_their_work_and_only_by_their_provider(
    fulfillment, order_id
):
    await fulfillment.given_provider("ace")
    (work,) = await fulfillment.given_work(order_id)
    offer_id = work.live_offer.id

    async with fulfillment.uow() as tx:
        ids = await tx.open_offers.of(ProviderId("ace"))
        (offered,) = await tx.open_offers.read(ProviderId("ace"), [offer_id, UUID(int=0)])
        foreign = await tx.open_offers.read(ProviderId("other"), [offer_id])
        first = await tx.open_offers.next_expiry()

    assert ids == {offer_id: 0}
    assert vars(offered.order) == vars(work)
    assert offered.offer == work.live_offer
    assert foreign == []
    assert first == work.live_offer.expires_at


async def test_a_provider_is_replaced_as_a_whole(fulfillment):
    await fulfillment.given_provider("ace", regions=frozenset({"GB", "IE"}), rank=1)

    await fulfillment.given_provider("ace", regions=frozenset({"FR"}), suspended=False)

    async with fulfillment.uow() as tx:
        (ace,) = await tx.providers.all()
        assert await tx.providers.with_ids([ProviderId("ace")]) == [ace]
    assert (ace.rank, ace.regions) == (0, frozenset({"FR"}))
