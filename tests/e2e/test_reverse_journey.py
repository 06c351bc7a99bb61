"""What goes wrong on the way, and what comes back: through gRPC only, and to the cent."""

import asyncio
from uuid import uuid4

import grpc
import pytest

from deploy.local.verify import verify
from retail.fulfillment.v1 import fulfillment_service_pb2 as fulfillment_pb
from retail.fulfillment.v1 import return_service_pb2 as returns_pb
from retail.order.v1 import exchange_service_pb2 as exchange_pb
from retail.order.v1 import order_service_pb2 as pb
from retail.payment.v1 import payment_service_pb2 as payment_pb
from retail.product.v1 import stock_service_pb2 as stock_pb
from tests.e2e.by_hand import Returns, by_hand
from tests.e2e.conftest import Shop, pounds, refusal_of
from tests.e2e.test_forward_journey import payment_of

SELLABLE = returns_pb.DISPOSITION_SELLABLE
DAMAGED = returns_pb.DISPOSITION_DAMAGED
MISSING = returns_pb.DISPOSITION_MISSING
REFUSED = returns_pb.DISPOSITION_REFUSED


@pytest.fixture(autouse=True)
async def sound(cluster):
    """
    After each journey every invariant holds, money matches goods among them.
    """
    yield
    verdict = await verify(cluster, wait_seconds=10)
    assert verdict.violated == []


@pytest.fixture
def returns(shop):
    return Returns(shop)


async def delivered(shop, services, sku, units, **more):
    """
    Return an order of some units that was delivered in one parcel.
    """
    async with by_hand(services, f"hand-{uuid4().hex[:8]}") as (provider,):
        placed = await shop.place(sku, units, **more)
        work = await provider.accept(placed.order_id)
        await provider.deliver(work, await provider.dispatch(work))
        return await shop.outcome_of(placed.order_id)


async def with_money(shop, order_id, status):
    """
    Return the order once its payment has a *status*: it hears of refunds by events.
    """
    async with asyncio.timeout(30):
        while (order := await shop.get(order_id)).payment_status != status:
            await asyncio.sleep(0.05)
    return order


async def order_for(shop, return_id):
    """
    Return the order that makes a return good, once it is placed.
    """
    request = pb.ListOrdersRequest(account_id=shop.account)
    async with asyncio.timeout(30):
        while True:
            for order in (await shop.services.order.ListOrders(request)).orders:
                if order.for_return_id == return_id:
                    return order
            await asyncio.sleep(0.05)


async def stock_of(services, sku):
    request = stock_pb.ListStockMovementsRequest(sku=sku)
    moved = (await services.stock.ListStockMovements(request)).movements
    return (
        sum(movement.delta_on_hand for movement in moved),
        sum(movement.delta_damaged for movement in moved),
    )


async def test_the_next_provider_does_what_the_first_rejects(shop, services):
    sku = await shop.lamps(5)

    async with by_hand(services, "hand-first", "hand-second") as (first, second):
        placed = await shop.place(sku, 1)
        await first.reject(placed.order_id)
        work = await second.accept(placed.order_id)
        await second.deliver(work, await second.dispatch(work))
        order = await shop.outcome_of(placed.order_id)

    assert order.status == pb.ORDER_STATUS_COMPLETED
    request = fulfillment_pb.ListFulfillmentOrdersRequest(order_id=order.order_id)
    (work,) = (await services.fulfillment.ListFulfillmentOrders(request)).fulfillment_orders
    assert [(offer.provider_id, offer.state) for offer in work.offers] == [
        ("hand-first", fulfillment_pb.OFFER_STATE_REJECTED),
        ("hand-second", fulfillment_pb.OFFER_STATE_ACCEPTED),
    ]


async def test_what_all_reject_is_cancelled_with_stock_and_money_free(shop, services):
    sku = await shop.lamps(5)

    # To where nobody else goes.
    elsewhere = {"name": "Ada", "country_code": "FO"}
    async with by_hand(services, "hand-first", "hand-second") as providers:
        placed = await shop.place(sku, 2, ship_to=elsewhere)
        for provider in providers:
            await provider.reject(placed.order_id)
        order = await shop.outcome_of(placed.order_id)

    assert (order.status, order.reason) == (pb.ORDER_STATUS_CANCELLED, "UNFULFILLABLE")
    assert (await payment_of(services, order.order_id)).voided == pounds(20)
    assert await shop.available(sku) == 5


async def test_what_leaves_in_two_parcels_is_charged_in_two_captures(shop, services):
    sku = await shop.lamps(5)

    async with by_hand(services, "hand-twice") as (provider,):
        placed = await shop.place(sku, 5, shipping=pounds(3))
        work = await provider.accept(placed.order_id)
        packed = await provider.pack(work, (sku, 2))
        await provider.dispatch(work, shipment_id=packed)
        await provider.deliver(work, await provider.dispatch(work))
        await provider.track(packed, fulfillment_pb.TRACKING_STATE_DELIVERED)
        order = await shop.outcome_of(placed.order_id)

    assert order.status == pb.ORDER_STATUS_COMPLETED
    assert order.fulfillment_status == pb.FULFILLMENT_STATUS_DELIVERED
    assert len(order.shipments) == 2
    payment = await payment_of(services, order.order_id)
    captures = [
        each for each in payment.transactions if each.kind == payment_pb.TRANSACTION_KIND_CAPTURE
    ]
    assert len(captures) == 2
    assert payment.captured == pounds(53)


async def test_a_lost_parcel_is_paid_back_with_its_shipping(shop, services, returns):
    sku = await shop.lamps(5)

    async with by_hand(services, "hand-loses") as (provider,):
        placed = await shop.place(sku, 2, shipping=pounds(3))
        work = await provider.accept(placed.order_id)
        await provider.lose(work, await provider.dispatch(work))
        order = await shop.outcome_of(placed.order_id)
    closed = await returns.closed(order_id=order.order_id)
    order = await with_money(shop, order.order_id, pb.PAYMENT_STATUS_REFUNDED)

    assert order.status == pb.ORDER_STATUS_COMPLETED
    assert order.fulfillment_status == pb.FULFILLMENT_STATUS_RETURNED
    assert (closed.kind, closed.refunded) == (returns_pb.RETURN_KIND_CLAIM, pounds(23))
    # What was lost is gone.
    assert await stock_of(services, sku) == (3, 0)


async def test_one_of_two_parcels_is_lost(shop, services, returns):
    sku = await shop.lamps(5)

    async with by_hand(services, "hand-loses-one") as (provider,):
        placed = await shop.place(sku, 3)
        work = await provider.accept(placed.order_id)
        lost = await provider.dispatch(work, (sku, 1))
        await provider.deliver(work, await provider.dispatch(work))
        await provider.lose(work, lost)
        order = await shop.outcome_of(placed.order_id)
    closed = await returns.closed(order_id=order.order_id)
    order = await with_money(shop, order.order_id, pb.PAYMENT_STATUS_PARTIALLY_REFUNDED)

    assert closed.refunded == pounds(10)
    assert order.fulfillment_status == pb.FULFILLMENT_STATUS_PARTIALLY_RETURNED


async def test_a_parcel_that_comes_back_undelivered_is_restocked_and_paid_back(
    shop, services, returns
):
    sku = await shop.lamps(5)

    async with by_hand(services, "hand-back") as (provider,):
        placed = await shop.place(sku, 2, shipping=pounds(3))
        work = await provider.accept(placed.order_id)
        parcel = await provider.dispatch(work)
        await provider.track(parcel, fulfillment_pb.TRACKING_STATE_RETURN_TO_SENDER)
    back = await returns.until(returns_pb.RETURN_STATE_APPROVED, order_id=placed.order_id)
    await returns.receive(back.return_id, (sku, 1, SELLABLE), (sku, 1, DAMAGED))
    closed = await returns.closed(order_id=placed.order_id)

    assert (closed.kind, closed.refunded) == (returns_pb.RETURN_KIND_UNDELIVERED, pounds(23))
    assert await stock_of(services, sku) == (5, 1)
    assert await shop.available(sku) == 4
    order = await with_money(shop, placed.order_id, pb.PAYMENT_STATUS_REFUNDED)
    assert order.status == pb.ORDER_STATUS_COMPLETED


async def test_a_part_of_a_line_comes_back_damaged(shop, services, returns):
    sku = await shop.lamps(5)
    order = await delivered(shop, services, sku, 3, shipping=pounds(3), discount=pounds(1))

    asked = await returns.request(order.order_id, (sku, 2), reason=returns_pb.RETURN_REASON_DAMAGED)
    assert asked.state == returns_pb.RETURN_STATE_APPROVED
    await returns.receive(asked.return_id, (sku, 1, DAMAGED))
    await returns.receive(asked.return_id, (sku, 1, MISSING))
    closed = await returns.closed(return_id=asked.return_id)
    order = await with_money(shop, order.order_id, pb.PAYMENT_STATUS_PARTIALLY_REFUNDED)

    # A third of the goods, less a third of the discount, rounded down.
    assert (closed.refunded.units, closed.refunded.nanos) == (9, 660_000_000)
    (line,) = closed.lines
    assert (line.sellable, line.damaged, line.missing, line.refused) == (0, 1, 1, 0)
    assert await stock_of(services, sku) == (3, 1)
    assert await shop.available(sku) == 2
    assert order.fulfillment_status == pb.FULFILLMENT_STATUS_PARTIALLY_RETURNED


async def test_goods_that_are_not_accepted_go_back_to_the_customer(shop, services, returns):
    sku = await shop.lamps(5)
    order = await delivered(shop, services, sku, 2)

    asked = await returns.request(order.order_id, (sku, 2))
    await returns.receive(asked.return_id, (sku, 1, SELLABLE), (sku, 1, REFUSED))
    closed = await returns.closed(return_id=asked.return_id)

    assert closed.refunded == pounds(10)
    assert closed.to_be_sent_back
    back = returns_pb.SendBack(return_id=asked.return_id, tracking_number="GB-1")
    answer = await services.returns.SendReturnsBack(
        returns_pb.SendReturnsBackRequest(send_backs=[back])
    )
    assert not answer.results[0].customer_return.to_be_sent_back


async def test_never_more_comes_back_than_was_delivered(shop, services, returns):
    sku = await shop.lamps(5)
    order = await delivered(shop, services, sku, 3)
    await returns.request(order.order_id, (sku, 2))

    code, reason = await refusal_of(returns.request(order.order_id, (sku, 2)))
    assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "RETURNS_EXCEED_DELIVERED")

    code, reason = await refusal_of(Returns(Shop(services)).request(order.order_id, (sku, 1)))
    assert (code, reason) == (grpc.StatusCode.NOT_FOUND, "ORDER_NOT_FOUND")


@pytest.mark.parametrize(("price", "difference"), [(14, 8), (7, -6)], ids=["up", "down"])
async def test_goods_are_exchanged_and_the_difference_is_settled(
    shop, services, returns, price, difference
):
    sku = await shop.lamps(5)
    old = await delivered(shop, services, sku, 2)
    wanted = shop.request(
        sku, 2, lines=[pb.OrderLineRequest(sku=sku, quantity=2, agreed_unit_price=pounds(price))]
    )
    asked = exchange_pb.RequestExchangeRequest(
        order_id=old.order_id,
        lines=[
            returns_pb.WantedReturnLine(
                sku=sku, quantity=2, reason=returns_pb.RETURN_REASON_DOES_NOT_FIT
            )
        ],
        order=wanted,
    )

    async with by_hand(services, f"hand-{uuid4().hex[:8]}") as (provider,):
        answer = await services.exchange.RequestExchange(asked)
        again = await services.exchange.RequestExchange(asked)
        work = await provider.accept(answer.order.order_id)
        await provider.deliver(work, await provider.dispatch(work))
        new = await shop.outcome_of(answer.order.order_id)
    await returns.receive(answer.customer_return.return_id, (sku, 2, SELLABLE))
    await returns.closed(return_id=answer.customer_return.return_id)
    old = await with_money(shop, old.order_id, pb.PAYMENT_STATUS_REFUNDED)

    assert again.order.order_id == answer.order.order_id
    assert again.customer_return.return_id == answer.customer_return.return_id
    assert new.for_return_id == answer.customer_return.return_id
    assert new.status == pb.ORDER_STATUS_COMPLETED
    paid = (await payment_of(services, new.order_id)).captured.units
    back = (await payment_of(services, old.order_id)).refunded.units
    assert paid - back == difference
    assert old.fulfillment_status == pb.FULFILLMENT_STATUS_RETURNED
    assert await shop.available(sku) == 3


async def test_an_exchange_for_what_is_not_sold_changes_nothing(shop, services, returns):
    sku = await shop.lamps(5)
    old = await delivered(shop, services, sku, 2)
    asked = exchange_pb.RequestExchangeRequest(
        order_id=old.order_id,
        lines=[
            returns_pb.WantedReturnLine(
                sku=sku, quantity=2, reason=returns_pb.RETURN_REASON_DOES_NOT_FIT
            )
        ],
        order=shop.request("NO-SUCH-LAMP", 1),
    )

    code, _ = await refusal_of(services.exchange.RequestExchange(asked))

    assert code == grpc.StatusCode.NOT_FOUND
    await returns.until(returns_pb.RETURN_STATE_CANCELLED, order_id=old.order_id)
    # Nothing of it is left: the same goods can still go back.
    await returns.request(old.order_id, (sku, 2))


async def test_a_claim_is_paid_back_and_nothing_comes_back(shop, services, returns):
    sku = await shop.lamps(5)
    order = await delivered(shop, services, sku, 2)

    claim = await returns.claim(
        order.order_id,
        (sku, 1),
        reason=returns_pb.RETURN_REASON_DAMAGED,
        resolution=returns_pb.RESOLUTION_REFUND,
    )
    assert claim.state == returns_pb.RETURN_STATE_REQUESTED
    await returns.approve(claim.return_id)
    closed = await returns.closed(return_id=claim.return_id)

    assert closed.refunded == pounds(10)
    assert await stock_of(services, sku) == (3, 0)


async def test_a_claim_is_made_good_by_the_same_goods_again(shop, services, returns):
    sku = await shop.lamps(5)
    order = await delivered(shop, services, sku, 2, shipping=pounds(3))

    claim = await returns.claim(
        order.order_id,
        (sku, 1),
        reason=returns_pb.RETURN_REASON_WRONG_ITEM,
        resolution=returns_pb.RESOLUTION_REPLACEMENT,
    )
    async with by_hand(services, f"hand-{uuid4().hex[:8]}") as (provider,):
        await returns.approve(claim.return_id)
        placed = await order_for(shop, claim.return_id)
        work = await provider.accept(placed.order_id)
        await provider.deliver(work, await provider.dispatch(work))
        replacement = await shop.outcome_of(placed.order_id)
    closed = await returns.closed(return_id=claim.return_id)

    assert replacement.status == pb.ORDER_STATUS_COMPLETED
    assert replacement.grand_total == pounds(0)
    assert closed.replacement_order_id == replacement.order_id
    assert not closed.HasField("refunded")
    assert (await payment_of(services, order.order_id)).captured == pounds(23)
    assert await stock_of(services, sku) == (2, 0)


async def test_a_replacement_that_is_lost_is_paid_back_as_what_it_replaced(shop, services, returns):
    sku = await shop.lamps(5)
    order = await delivered(shop, services, sku, 2)

    claim = await returns.claim(
        order.order_id,
        (sku, 1),
        reason=returns_pb.RETURN_REASON_DAMAGED,
        resolution=returns_pb.RESOLUTION_REPLACEMENT,
    )
    async with by_hand(services, f"hand-{uuid4().hex[:8]}") as (provider,):
        await returns.approve(claim.return_id)
        placed = await order_for(shop, claim.return_id)
        work = await provider.accept(placed.order_id)
        await provider.lose(work, await provider.dispatch(work))
    lost = await returns.closed(order_id=placed.order_id)

    assert lost.refunded == pounds(10)
    assert (await payment_of(services, order.order_id)).refunded == pounds(10)
