"""Returns on PostgreSQL: kept whole, raced for, and read at a cost that does not grow."""

import asyncio

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError

from chassis.kernel.errors import Conflict, DomainError
from chassis.kernel.ids import new_id
from chassis.kernel.money import Money
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.fulfillment.adapters.zpl_labels import ZplLabels
from services.fulfillment.application.deliver_shipments import DeliverShipment, deliver_shipments
from services.fulfillment.application.dispatch_shipments import (
    DispatchShipment,
    dispatch_shipments,
)
from services.fulfillment.application.returns.approve_returns import (
    ApproveReturn,
    approve_returns,
)
from services.fulfillment.application.returns.close_returns import CloseReturn, close_returns
from services.fulfillment.application.returns.expire_returns import expire_returns
from services.fulfillment.application.returns.get_return_label import get_return_label
from services.fulfillment.application.returns.open_parcel_returns import (
    GoneParcel,
    open_parcel_returns,
)
from services.fulfillment.application.returns.ports import Place, Receipt
from services.fulfillment.application.returns.receive_returns import receive_returns
from services.fulfillment.application.returns.request_claims import RequestClaim, request_claims
from services.fulfillment.application.returns.request_returns import (
    RequestReturn,
    request_returns,
)
from services.fulfillment.application.returns.send_returns_back import (
    SendReturnBack,
    send_returns_back,
)
from services.fulfillment.domain.returns.line import Count, WantedLine
from services.fulfillment.domain.returns.policy import ReturnPolicy
from services.fulfillment.domain.returns.values import (
    AccountId,
    Disposition,
    ReceiptId,
    Resolution,
    ReturnId,
    ReturnReason,
    ReturnState,
)
from services.fulfillment.domain.values import LocationId, OrderId, ProviderId, ShipmentId
from tests.integration.counting import counted

ROUNDS = 10
SHOP = AccountId("shop-1")
POLICY = ReturnPolicy()
ASKED = ["ReturnRequested", "ReturnApproved"]


@pytest.fixture(autouse=True)
async def one_provider(fulfillment):
    await fulfillment.given_provider("ace")


@pytest.fixture
def timed(fulfillment):
    return {"uow": fulfillment.uow, "clock": fulfillment.clock}


@pytest.fixture
def sent(fulfillment, timed):
    """
    Sends orders of three lamps each, and returns their parcels.
    """

    async def send(*order_ids):
        work = await fulfillment.given_accepted_work(*order_ids)
        parcels = [
            DispatchShipment(
                shipment_id=ShipmentId(new_id()),
                fulfillment_order_id=some.id,
                provider_id=ProviderId("ace"),
                goods=(),
                tracking_number="",
            )
            for some in work
        ]
        await dispatch_shipments(parcels, **timed)
        return parcels

    return send


@pytest.fixture
def delivered(sent, timed):
    async def deliver(*order_ids):
        arrivals = [
            DeliverShipment(fulfillment_order_id=p.fulfillment_order_id, shipment_id=p.shipment_id)
            for p in await sent(*order_ids)
        ]
        await deliver_shipments(arrivals, **timed)

    return deliver


def lamps(units, reason=ReturnReason.OTHER):
    return (WantedLine(sku=Sku("LAMP"), quantity=Quantity(units), reason=reason, comment="“dim”"),)


def wish(order_id, units, return_id=None):
    return RequestReturn(
        return_id=ReturnId(return_id or new_id()),
        order_id=order_id,
        account_id=SHOP,
        lines=lamps(units),
    )


def receipt(return_id, units, *, condition=Disposition.SELLABLE, is_last=False):
    count = Count(sku=Sku("LAMP"), quantity=Quantity(units), disposition=condition)
    return Receipt(id=ReceiptId(new_id()), return_id=return_id, counts=(count,), is_last=is_last)


def printer(fulfillment):
    return ZplLabels(fulfillment.database, company_prefix="9521234")


async def found(fulfillment, return_id):
    async with fulfillment.uow() as tx:
        return await tx.returns.find(return_id)


async def test_a_return_is_read_as_it_was_written(fulfillment, delivered, timed, order_id):
    await delivered(order_id)
    (some,) = await request_returns([wish(order_id, 3)], policy=POLICY, **timed)
    await get_return_label(some.id, SHOP, uow=fulfillment.uow, labels=printer(fulfillment))
    counts = [receipt(some.id, 1, condition=Disposition.REFUSED), receipt(some.id, 1, is_last=True)]
    for count in counts:
        await receive_returns([count], **timed)
    back = SendReturnBack(return_id=some.id, tracking_number="BACK-1")
    await send_returns_back([back], uow=fulfillment.uow)
    closing = CloseReturn(
        return_id=some.id,
        refunded=Money(10_00, "GBP"),
        replacement_order_id=OrderId(new_id()),
    )
    (closed,) = await close_returns([closing], **timed)

    read = await found(fulfillment, some.id)

    assert vars(read) == vars(closed)
    assert read.tracking_number
    assert (read.lines[0].sellable, read.lines[0].refused, read.lines[0].missing) == (1, 1, 1)
    assert await fulfillment.told_of(some.id) == [*ASKED, "ReturnReceived", "ReturnClosed"]
    async with fulfillment.uow() as tx:
        assert set((await tx.returns.receipts([c.id for c in counts])).values()) == set(counts)


async def test_of_two_returns_of_the_last_unit_one_wins(delivered, timed):
    ids = [OrderId(new_id()) for _ in range(ROUNDS)]
    await delivered(*ids)
    for order_id in ids:
        wishes = [wish(order_id, 2) for _ in range(3)]
        answers = await asyncio.gather(
            *(request_returns([each], policy=POLICY, **timed) for each in wishes)
        )

        refusals = [a for (a,) in answers if isinstance(a, DomainError)]
        assert [refusal.reason for refusal in refusals] == ["RETURNS_EXCEED_DELIVERED"] * 2


async def test_one_return_that_is_asked_for_at_once_is_one(fulfillment, delivered, timed):
    ids = [OrderId(new_id()) for _ in range(ROUNDS)]
    await delivered(*ids)
    for order_id in ids:
        again = wish(order_id, 2)
        answers = await asyncio.gather(
            *(request_returns([again], policy=POLICY, **timed) for _ in range(3))
        )

        assert {answer.id for (answer,) in answers} == {again.return_id}
        assert await fulfillment.told_of(again.return_id) == ASKED


async def test_one_id_for_the_returns_of_two_orders_is_of_one_of_them(
    fulfillment, delivered, timed
):
    ids = [OrderId(new_id()) for _ in range(2)]
    await delivered(*ids)
    id_ = ReturnId(new_id())

    answers = await asyncio.gather(
        *(request_returns([wish(i, 1, id_)], policy=POLICY, **timed) for i in ids),
        return_exceptions=True,
    )

    refused = [a for a in answers if isinstance(a, Conflict) or isinstance(a[0], DomainError)]
    assert len(refused) == 1
    assert await fulfillment.told_of(id_) == ASKED


async def test_a_receipt_told_at_once_counts_once(fulfillment, delivered, timed):
    ids = [OrderId(new_id()) for _ in range(ROUNDS)]
    await delivered(*ids)
    asked = await request_returns([wish(id_, 2) for id_ in ids], policy=POLICY, **timed)
    for some in asked:
        last = receipt(some.id, 1, is_last=True)
        answers = await asyncio.gather(*(receive_returns([last], **timed) for _ in range(3)))

        assert {(a.state, a.lines[0].sellable) for (a,) in answers} == {(ReturnState.RECEIVED, 1)}
        assert await fulfillment.told_of(some.id) == [*ASKED, "ReturnReceived"]


async def test_what_is_claimed_and_given_up_at_once_is_made_good_once(fulfillment, sent, timed):
    ids = [OrderId(new_id()) for _ in range(ROUNDS)]
    parcels = await sent(*ids)
    fulfillment.later(days=20)

    async def claim(order_id):
        command = RequestClaim(
            return_id=ReturnId(new_id()),
            order_id=order_id,
            account_id=SHOP,
            resolution=Resolution.REFUND,
            lines=lamps(2, ReturnReason.LOST),
        )
        await request_claims([command], policy=POLICY, **timed)

    async def give_up(parcel):
        async with fulfillment.uow() as tx:
            (work,) = await tx.fulfillment_orders.with_ids([parcel.fulfillment_order_id])
            gone = GoneParcel(
                order_id=work.order_id,
                account_id=work.account_id,
                shipment_id=parcel.shipment_id,
                location_id=work.location_id,
                goods=work.goods,
                lost=True,
            )
            await open_parcel_returns([gone], tx=tx, now=fulfillment.now)

    orders = {work.id: work.order_id for work in await fulfillment.work_on(*ids)}
    for parcel in parcels:
        order_id = orders[parcel.fulfillment_order_id]
        await asyncio.gather(claim(order_id), give_up(parcel), give_up(parcel))

        async with fulfillment.uow() as tx:
            opened = await tx.returns.of_orders([order_id])
        assert sum(some.units for some in opened) == 3


async def test_damage_is_counted_on_the_day_of_whoever_sent_it(fulfillment, delivered, timed):
    ids = [OrderId(new_id()) for _ in range(2)]
    await delivered(*ids)
    asked = await request_returns([wish(id_, 2) for id_ in ids], policy=POLICY, **timed)
    counts = [receipt(some.id, 2, condition=Disposition.DAMAGED) for some in asked]
    for _ in range(2):
        await receive_returns(counts, **timed)

    async with fulfillment.uow() as tx:
        recent = await tx.provider_days.recent([ProviderId("ace")], fulfillment.now)
    assert recent[ProviderId("ace")].damaged == 4


async def test_two_who_print_one_label_print_the_same(fulfillment, delivered, timed, order_id):
    await delivered(order_id)
    (some,) = await request_returns([wish(order_id, 1)], policy=POLICY, **timed)

    def printed():
        return get_return_label(some.id, SHOP, uow=fulfillment.uow, labels=printer(fulfillment))

    labels = await asyncio.gather(*(printed() for _ in range(4)))

    assert len(set(labels)) == 1
    read = await found(fulfillment, some.id)
    assert (read.tracking_number, read.version) == (labels[0].tracking_number, some.version + 1)


async def test_each_replica_lets_go_on_what_no_other_has_locked(fulfillment, delivered, timed):
    ids = [OrderId(new_id()) for _ in range(3)]
    await delivered(*ids)
    held, *_ = await request_returns([wish(id_, 1) for id_ in ids], policy=POLICY, **timed)
    fulfillment.now += POLICY.receive_within

    async with fulfillment.uow() as tx:
        await tx.returns.with_ids([held.id])
        assert await expire_returns(policy=POLICY, **timed) == 2

    assert await expire_returns(policy=POLICY, **timed) == 1
    assert await fulfillment.told_of(held.id) == [*ASKED, "ReturnCancelled"]


async def test_the_statements_do_not_grow_with_the_batch(fulfillment, delivered, timed):
    async def statements(running):
        with counted(fulfillment.database) as counting:
            answers = await running
        assert not any(isinstance(answer, DomainError) for answer in answers)
        return len(counting)

    async def journey(size):
        ids = [OrderId(new_id()) for _ in range(size)]
        await delivered(*ids)
        wishes = [wish(id_, 2) for id_ in ids]
        receipts = [receipt(each.return_id, 2) for each in wishes]
        closings = [
            CloseReturn(return_id=w.return_id, refunded=None, replacement_order_id=None)
            for w in wishes
        ]
        approvals = [ApproveReturn(return_id=w.return_id) for w in wishes]
        policy = ReturnPolicy(auto_approve_units=0)
        return (
            await statements(request_returns(wishes, policy=policy, **timed)),
            await statements(approve_returns(approvals, policy=policy, **timed)),
            await statements(receive_returns(receipts, **timed)),
            await statements(close_returns(closings, **timed)),
        )

    assert await journey(1) == await journey(100) == (5, 2, 3, 2)


async def test_the_database_keeps_no_return_of_which_too_much_is_counted(
    fulfillment, delivered, timed, order_id
):
    await delivered(order_id)
    await request_returns([wish(order_id, 1)], policy=POLICY, **timed)

    with pytest.raises(IntegrityError, match="ck_returns_counted"):
        async with fulfillment.database.begin() as tx:
            await tx.run(text("UPDATE returns SET counted_units = 2"))


# So many that to read them all would be dear: closed ones of many accounts.
HISTORY = text(
    """
    INSERT INTO returns
    SELECT gen_random_uuid(), 1, 1, '', gen_random_uuid(), 'a-' || number % 1000, 'CLAIM',
        'CLOSED', 'REFUND', '[]', 'leeds', timestamptz '2025-01-01' + number * interval '1 minute',
        timestamptz '2025-01-01' + number * interval '1 minute', NULL, '', '', NULL, NULL, NULL,
        NULL, NULL, false, 1, 0
    FROM generate_series(1, 20000) AS number
    """
)


async def test_pages_are_read_from_an_index_however_much_lies_behind(fulfillment):
    async with fulfillment.database.begin() as tx:
        await tx.run(HISTORY)
        await tx.run(text("ANALYZE returns"))
    place = await last_place(fulfillment)
    leeds, limit = LocationId("leeds"), {"limit": 51}
    asked = []
    engine = fulfillment.database._engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *args: asked.append(args[2:4]))
    async with fulfillment.uow() as tx:
        for after in (None, place):
            await tx.returns.of_account(AccountId("a-1"), None, after=after, **limit)
            for state in (ReturnState.REQUESTED, ReturnState.RECEIVED, None):
                await tx.returns.waiting(state, None, after=after, **limit)
                await tx.returns.waiting(state, leeds, after=after, **limit)
        await tx.returns.overdue(fulfillment.now, limit=200)
        await tx.returns.of_orders([OrderId(new_id())], [ReturnId(new_id())])
    queries = list(asked)

    async with fulfillment.database.begin() as tx:
        for query, values in queries:
            plan = str((await tx.connection.exec_driver_sql(f"EXPLAIN {query}", values)).all())
            assert "Seq Scan" not in plan, f"{query}\n{plan}"
    assert len(queries) == 16


async def last_place(fulfillment):
    async with fulfillment.uow() as tx:
        (last,) = await tx.returns.of_account(AccountId("a-1"), None, after=None, limit=1)
    return Place(last.created_at, last.id)
