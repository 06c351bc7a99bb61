"""Parcels in PostgreSQL: packed, labelled, tracked and gone; by two at once, and by nobody."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError

from chassis.kernel.errors import DomainError
from chassis.kernel.ids import new_id
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.fulfillment.adapters.sscc import check_digit
from services.fulfillment.adapters.zpl_labels import ZplLabels
from services.fulfillment.application.answer_cancellations import (
    AnswerCancellation,
    answer_cancellations,
)
from services.fulfillment.application.cancel_fulfillment import (
    CancelFulfillment,
    cancel_fulfillment,
)
from services.fulfillment.application.dispatch_shipments import (
    DispatchShipment,
    dispatch_shipments,
)
from services.fulfillment.application.shipments.end_parcels import EndParcel
from services.fulfillment.application.shipments.get_label import get_label
from services.fulfillment.application.shipments.list_tracking import list_tracking
from services.fulfillment.application.shipments.lose_overdue_shipments import (
    lose_overdue_shipments,
)
from services.fulfillment.application.shipments.lose_shipments import lose_shipments
from services.fulfillment.application.shipments.make_labels import make_labels
from services.fulfillment.application.shipments.pack_shipments import PackShipment, pack_shipments
from services.fulfillment.application.shipments.record_tracking import (
    RecordTracking,
    record_tracking,
)
from services.fulfillment.application.shipments.unpack_shipments import (
    UnpackShipment,
    unpack_shipments,
)
from services.fulfillment.domain.tracking import TrackingEvent, TrackingState
from services.fulfillment.domain.values import (
    FulfillmentOrderStatus,
    Goods,
    OrderId,
    ProviderId,
    ShipmentId,
    ShipmentState,
)

ACE = ProviderId("ace")
LEFT = ["FulfillmentOrderOpened", "OfferSubmitted", "OfferAccepted", "ShipmentDispatched"]
ROUNDS = 10


@pytest.fixture(autouse=True)
async def one_provider(fulfillment):
    await fulfillment.given_provider("ace")


@pytest.fixture
def labels(fulfillment):
    return ZplLabels(fulfillment.database, company_prefix="9521234")


@pytest.fixture
async def work(fulfillment, order_id):
    (work,) = await fulfillment.given_accepted_work(order_id)
    return work


class NoPrinter:
    """
    Dies while it makes labels.
    """

    async def make(self, requests):
        raise OSError(f"{len(requests)} labels are lost")


def shipment_id():
    return ShipmentId(new_id())


def packing(work, id_, units=0):
    return PackShipment(
        shipment_id=id_,
        fulfillment_order_id=work.id,
        provider_id=ACE,
        goods=(Goods(Sku("LAMP"), Quantity(units)),) if units else (),
        weight_grams=500,
        carrier="post",
    )


async def pack(fulfillment, labels, *commands):
    calls = {"uow": fulfillment.uow, "clock": fulfillment.clock}
    return await pack_shipments(commands, labels=labels, **calls)


async def dispatch(fulfillment, work, id_, *, tracking=""):
    command = DispatchShipment(
        shipment_id=id_,
        fulfillment_order_id=work.id,
        provider_id=ACE,
        goods=(),
        tracking_number=tracking,
    )
    (answer,) = await dispatch_shipments([command], uow=fulfillment.uow, clock=fulfillment.clock)
    return answer


async def unpack(fulfillment, work, id_):
    command = UnpackShipment(fulfillment_order_id=work.id, shipment_id=id_, provider_id=ACE)
    (answer,) = await unpack_shipments([command], uow=fulfillment.uow)
    return answer


def said(fulfillment, state, event_id="e1", *, hours=0):
    return TrackingEvent(
        event_id=event_id,
        state=state,
        occurred_at=fulfillment.now + timedelta(hours=hours),
        place="Hull",
        description="as it is",
    )


async def tell(fulfillment, id_, *events, number=""):
    commands = [
        RecordTracking(shipment_id=id_, tracking_number=number, event=some) for some in events
    ]
    return await record_tracking(commands, uow=fulfillment.uow, clock=fulfillment.clock)


async def parcels_of(fulfillment, work):
    (read,) = await fulfillment.work_on(work.order_id)
    return {shipment.id: shipment for shipment in read.shipments}


async def test_a_parcel_comes_back_as_it_was_saved_at_every_step(fulfillment, labels, work):
    id_ = shipment_id()
    steps = [
        lambda: pack(fulfillment, labels, packing(work, id_)),
        lambda: tell(fulfillment, id_, said(fulfillment, TrackingState.PRE_TRANSIT)),
        lambda: dispatch(fulfillment, work, id_),
        lambda: tell(fulfillment, id_, said(fulfillment, TrackingState.RETURN_TO_SENDER, "e2")),
    ]
    for step in steps:
        answer = await step()
        (answered,) = answer if isinstance(answer, list) else (answer,)

        (read,) = await fulfillment.work_on(work.order_id)
        assert vars(read) == vars(answered)
    assert read.status is FulfillmentOrderStatus.CLOSED
    assert await fulfillment.told_of(work.id) == [*LEFT, "ShipmentReturnedToSender"]


async def test_a_label_is_kept_with_its_parcel_and_goes_with_it(fulfillment, labels, work):
    id_ = shipment_id()
    (answer,) = await pack(fulfillment, labels, packing(work, id_))

    label = await get_label(id_, ACE, uow=fulfillment.uow)
    with pytest.raises(DomainError, match="no packed shipment"):
        await get_label(id_, ProviderId("other"), uow=fulfillment.uow)
    await unpack(fulfillment, work, id_)

    assert label.tracking_number == answer.shipment(id_).tracking_number
    assert check_digit(label.tracking_number[:-1]) == label.tracking_number[-1]
    assert label.content.startswith(b"^XA")
    with pytest.raises(DomainError, match="no packed shipment"):
        await get_label(id_, ACE, uow=fulfillment.uow)


async def test_what_is_unpacked_makes_room_for_another_parcel(fulfillment, labels, work):
    first, second, third = shipment_id(), shipment_id(), shipment_id()
    await pack(fulfillment, labels, packing(work, first, 1), packing(work, second, 1))

    await unpack(fulfillment, work, first)
    await pack(fulfillment, labels, packing(work, third))

    parcels = await parcels_of(fulfillment, work)
    assert [parcels[id_].goods[0].quantity.units for id_ in (second, third)] == [1, 2]
    assert list(parcels) == [second, third]


async def test_whoever_dies_before_labels_are_kept_leaves_them_to_a_worker(
    fulfillment, labels, work
):
    id_ = shipment_id()
    with pytest.raises(OSError, match="1 labels"):
        await pack(fulfillment, NoPrinter(), packing(work, id_))
    calls = {"uow": fulfillment.uow, "clock": fulfillment.clock}
    early = await make_labels(labels=labels, **calls)
    fulfillment.later(seconds=15)
    with pytest.raises(OSError, match="1 labels"):
        await make_labels(labels=NoPrinter(), **calls)
    claimed = await make_labels(labels=labels, **calls)
    fulfillment.later(seconds=30)

    made = await make_labels(labels=labels, **calls)

    assert (early, claimed, made) == (0, 0, 1)
    assert (await parcels_of(fulfillment, work))[id_].state is ShipmentState.PACKED
    assert (await get_label(id_, ACE, uow=fulfillment.uow)).content
    fulfillment.later(hours=1)
    assert await make_labels(labels=labels, **calls) == 0


async def test_tracking_counts_once_and_is_listed_latest_first(fulfillment, work):
    id_ = shipment_id()
    await dispatch(fulfillment, work, id_, tracking="T1")
    moving, lost_sight = TrackingState.IN_TRANSIT, TrackingState.UNKNOWN

    await tell(fulfillment, id_, said(fulfillment, moving, "e2", hours=2))
    await tell(fulfillment, id_, said(fulfillment, lost_sight, "e2"), said(fulfillment, moving))

    events = await list_tracking(id_, uow=fulfillment.uow)
    assert events == [said(fulfillment, moving, "e2", hours=2), said(fulfillment, moving)]
    assert (await parcels_of(fulfillment, work))[id_].last_word.event_id == "e2"


async def test_a_number_used_twice_means_the_last_parcel(fulfillment, order_id):
    work, other = await fulfillment.given_accepted_work(order_id, OrderId(new_id()))
    old, new = shipment_id(), shipment_id()
    await dispatch(fulfillment, work, old, tracking="T1")
    fulfillment.later(days=1)
    await dispatch(fulfillment, other, new, tracking="T1")

    moving = said(fulfillment, TrackingState.IN_TRANSIT)
    (known,) = await tell(fulfillment, None, moving, number="T1")
    (unknown,) = await tell(fulfillment, None, moving, number="T2")

    assert known.id == other.id
    assert unknown.reason == "SHIPMENT_NOT_FOUND"


async def test_a_parcel_is_packed_once_by_many_at_once(fulfillment, labels):
    ids = [OrderId(new_id()) for _ in range(ROUNDS)]
    for work in await fulfillment.given_accepted_work(*ids):
        id_ = shipment_id()
        command = packing(work, id_)

        await asyncio.gather(*(pack(fulfillment, labels, command) for _ in range(3)))

        ((known, shipment),) = (await parcels_of(fulfillment, work)).items()
        assert (known, shipment.state) == (id_, ShipmentState.PACKED)
        label = await get_label(id_, ACE, uow=fulfillment.uow)
        assert label.tracking_number.encode() in label.content


async def test_work_is_packed_or_given_up_and_what_is_given_up_is_not_packed(fulfillment, labels):
    ids = [OrderId(new_id()) for _ in range(ROUNDS)]
    for work in await fulfillment.given_accepted_work(*ids):
        give_up = CancelFulfillment(order_id=work.order_id)

        await cancel_fulfillment([give_up], **fulfillment.asking)
        agreed = AnswerCancellation(
            fulfillment_order_id=work.id, provider_id=ACE, accepted=True, reason=""
        )

        await asyncio.gather(
            pack(fulfillment, labels, packing(work, shipment_id())),
            answer_cancellations([agreed], **fulfillment.asking),
        )

        (read,) = await fulfillment.work_on(work.order_id)
        assert (read.status, read.shipments) == (FulfillmentOrderStatus.CANCELLED, ())


async def test_a_parcel_comes_to_one_end_whoever_tells_of_it_first(fulfillment):
    ids = [OrderId(new_id()) for _ in range(ROUNDS)]
    calls = {"uow": fulfillment.uow, "clock": fulfillment.clock}
    for work in await fulfillment.given_accepted_work(*ids):
        id_ = shipment_id()
        await dispatch(fulfillment, work, id_)
        lost = EndParcel(fulfillment_order_id=work.id, shipment_id=id_)

        await asyncio.gather(
            tell(fulfillment, id_, said(fulfillment, TrackingState.DELIVERED)),
            lose_shipments([lost], **calls),
            tell(fulfillment, id_, said(fulfillment, TrackingState.DELIVERED)),
        )

        (read,) = await fulfillment.work_on(work.order_id)
        assert read.shipment(id_).has_ended
        assert len(await fulfillment.told_of(work.id)) == len(LEFT) + 1


async def test_overdue_parcels_are_lost_by_whoever_finds_them_free(fulfillment):
    ids = [OrderId(new_id()) for _ in range(3)]
    held, *others = await fulfillment.given_accepted_work(*ids)
    for work in (held, *others):
        await dispatch(fulfillment, work, shipment_id())
    fulfillment.later(days=30)
    calls = {
        "uow": fulfillment.uow,
        "clock": fulfillment.clock,
        "lost_after": timedelta(days=30),
    }

    async with fulfillment.uow() as tx:
        await tx.fulfillment_orders.with_ids([held.id])
        free = await lose_overdue_shipments(**calls)

    assert (free, await lose_overdue_shipments(**calls)) == (2, 1)
    for work in await fulfillment.work_on(*ids):
        assert work.status is FulfillmentOrderStatus.CLOSED
        async with fulfillment.uow() as tx:
            (claim,) = await tx.returns.of_orders([work.order_id])
        assert claim.kind == "CLAIM"


async def test_the_database_keeps_more_than_was_ordered_from_being_packed(
    fulfillment, labels, work
):
    await pack(fulfillment, labels, packing(work, shipment_id()))

    with pytest.raises(IntegrityError, match="ck_fulfillment_orders_dispatched"):
        async with fulfillment.uow() as tx:
            (order,) = await tx.fulfillment_orders.with_ids([work.id])
            # As a mistake in the rules would do it.
            (packed,) = order.shipments
            order.shipments = (packed, replace(packed, id=shipment_id()))
            await tx.fulfillment_orders.save([order])


async def test_the_statements_do_not_grow_with_the_batch(fulfillment, labels):
    engine = fulfillment.database._engine.sync_engine
    counted = []
    event.listen(engine, "before_cursor_execute", lambda *args: counted.append(args[2]))

    async def statements(running):
        counted.clear()
        await running
        return len(counted)

    async def journey(size):
        all_work = await fulfillment.given_accepted_work(*(OrderId(new_id()) for _ in range(size)))
        ids = [shipment_id() for _ in all_work]
        commands = [packing(work, id_) for work, id_ in zip(all_work, ids, strict=True)]
        packing_ = await statements(pack(fulfillment, labels, *commands))
        tracking = await statements(
            record_tracking(
                [
                    RecordTracking(
                        shipment_id=id_,
                        tracking_number="",
                        event=said(fulfillment, TrackingState.IN_TRANSIT),
                    )
                    for id_ in ids
                ],
                uow=fulfillment.uow,
                clock=fulfillment.clock,
            )
        )
        unpacks = [
            UnpackShipment(fulfillment_order_id=work.id, shipment_id=id_, provider_id=ACE)
            for work, id_ in zip(all_work, ids, strict=True)
        ]
        unpacking = await statements(unpack_shipments(unpacks, uow=fulfillment.uow))
        return packing_, tracking, unpacking

    assert await journey(1) == await journey(100)


async def test_few_rows_are_read_to_find_what_is_late(fulfillment):
    async with fulfillment.database.begin() as tx:
        await tx.run(text("SET LOCAL enable_seqscan = off"))
        for statement, index in [
            (
                "SELECT 1 FROM shipments WHERE state = 'DISPATCHED' AND dispatched_at <= now()"
                " ORDER BY dispatched_at LIMIT 1",
                "ix_shipments_under_way",
            ),
            (
                "SELECT 1 FROM labels WHERE content IS NULL AND due_at <= now()"
                " ORDER BY due_at LIMIT 1",
                "ix_labels_due",
            ),
            (
                "SELECT 1 FROM shipments WHERE tracking_number = 'T' AND tracking_number <> ''"
                " ORDER BY coalesce(packed_at, dispatched_at) DESC LIMIT 1",
                "ix_shipments_tracking_number",
            ),
        ]:
            plan = await tx.rows(text(f"EXPLAIN {statement}"))
            assert index in " ".join(row[0] for row in plan)
