import grpc
from google.type.money_pb2 import Money

from retail.order.v1 import order_service_pb2 as pb
from retail.payment.v1 import payment_service_pb2 as payment_pb
from tests.e2e.conftest import Shop, pounds, refusal_of


async def payment_of(services, order_id):
    request = payment_pb.GetPaymentRequest(payment_id=order_id)
    return (await services.payment.GetPayment(request)).payment


async def test_an_order_goes_all_the_way(shop, services, provider):
    sku = await shop.lamps(5)

    async with provider("swift"):
        placed = await shop.place(sku, 2, shipping=pounds(5))
        order = await shop.outcome_of(placed.order_id)

    assert order.status == pb.ORDER_STATUS_COMPLETED
    assert order.payment_status == pb.PAYMENT_STATUS_PAID
    assert order.fulfillment_status == pb.FULFILLMENT_STATUS_DELIVERED
    assert order.grand_total == pounds(25)
    assert (await payment_of(services, order.order_id)).captured == pounds(25)
    assert await shop.available(sku) == 3


async def test_an_order_out_of_stock_is_rejected_and_costs_nothing(shop):
    sku = await shop.lamps(2)

    placed = await shop.place(sku, 3)
    order = await shop.outcome_of(placed.order_id)

    assert (order.status, order.reason) == (pb.ORDER_STATUS_REJECTED, "OUT_OF_STOCK")
    assert await shop.available(sku) == 2


async def test_a_declined_card_gives_the_stock_back(shop):
    sku = await shop.lamps(5)

    placed = await shop.place(sku, 3, psp_token="tok_chargeDeclined")
    order = await shop.outcome_of(placed.order_id)

    assert (order.status, order.reason) == (pb.ORDER_STATUS_REJECTED, "PAYMENT_DECLINED")
    assert await shop.available(sku) == 5


async def test_an_answer_of_the_psp_that_got_lost_is_found(shop, services, provider):
    sku = await shop.lamps(5)

    async with provider("swift"):
        placed = await shop.place(sku, 1, psp_token="tok_timeoutAfterSuccess")
        order = await shop.outcome_of(placed.order_id)

    assert order.status == pb.ORDER_STATUS_COMPLETED
    assert (await payment_of(services, order.order_id)).captured == pounds(10)


async def test_the_next_provider_takes_what_the_first_one_rejects(shop, provider):
    sku = await shop.lamps(5)
    picky = provider("picky", rank=1, refuses=lambda _work: "too busy")

    async with picky, provider("patient", rank=2):
        placed = await shop.place(sku, 1)
        order = await shop.outcome_of(placed.order_id)

    assert order.status == pb.ORDER_STATUS_COMPLETED
    assert "patient" in [entry.cause for entry in order.timeline]


async def test_what_nobody_delivers_is_cancelled_and_costs_nothing(shop, services, provider):
    sku = await shop.lamps(5)

    async with provider("local", regions=("GB",)):
        elsewhere = {"name": "Ada", "country_code": "NZ"}
        placed = await shop.place(sku, 1, ship_to=elsewhere)
        order = await shop.outcome_of(placed.order_id)

    assert (order.status, order.reason) == (pb.ORDER_STATUS_CANCELLED, "UNFULFILLABLE")
    assert order.payment_status == pb.PAYMENT_STATUS_VOIDED
    assert (await payment_of(services, order.order_id)).voided == pounds(10)
    assert await shop.available(sku) == 5


async def test_goods_from_two_locations_travel_in_two_parcels(shop, services, provider):
    sku = await shop.lamps(2)
    await shop.receive(sku, 3, location="north")

    async with provider("swift"):
        placed = await shop.place(sku, 5, shipping=Money(currency_code="GBP", nanos=10_000_000))
        order = await shop.outcome_of(placed.order_id)

    assert order.status == pb.ORDER_STATUS_COMPLETED
    assert len(order.shipments) == 2
    captured = (await payment_of(services, order.order_id)).captured
    assert captured == order.grand_total
    assert await shop.available(sku) == 0


async def test_goods_that_one_location_cannot_send_are_not_charged(shop, services, provider):
    sku = await shop.lamps(2)
    await shop.receive(sku, 3, location="north")

    def only_main(work):
        return "" if work.fulfillment_order.location_id == "main" else "too far"

    async with provider("near", refuses=only_main):
        placed = await shop.place(sku, 5)
        order = await shop.outcome_of(placed.order_id)

    # Whether the one parcel left before the other work was given up is a race: both ends are fair.
    payment = await payment_of(services, order.order_id)
    if order.status == pb.ORDER_STATUS_COMPLETED:
        assert payment.captured == pounds(20)
        assert payment.voided == pounds(30)
        assert await shop.available(sku) == 3
    else:
        assert (order.status, order.reason) == (pb.ORDER_STATUS_CANCELLED, "UNFULFILLABLE")
        assert payment.voided == pounds(50)
        assert await shop.available(sku) == 5


async def test_a_repeated_request_places_one_order(shop):
    request = shop.request(await shop.lamps(5), 1)

    first = await shop.services.order.PlaceOrder(request)
    again = await shop.services.order.PlaceOrder(request)

    assert first.order.order_id == again.order.order_id


async def test_a_used_request_id_with_another_content_is_refused(shop):
    sku = await shop.lamps(5)
    request = shop.request(sku, 1)
    await shop.services.order.PlaceOrder(request)
    request.lines[0].quantity = 2

    code, reason = await refusal_of(shop.services.order.PlaceOrder(request))

    assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "REQUEST_ID_REUSED")


async def test_a_batch_answers_each_order_on_its_own(shop):
    sku = await shop.lamps(5)
    good, bad = shop.request(sku, 1), shop.request(sku, 0)

    answer = await shop.services.order.BatchPlaceOrders(
        pb.BatchPlaceOrdersRequest(requests=[good, bad])
    )

    placed, refused = answer.results
    assert placed.order.status == pb.ORDER_STATUS_PENDING
    assert "quantity" in refused.error.message


async def test_nobody_sees_anothers_order(shop, services):
    placed = await shop.place(await shop.lamps(5), 1)
    stranger = Shop(services)

    code, reason = await refusal_of(stranger.get(placed.order_id))

    assert (code, reason) == (grpc.StatusCode.NOT_FOUND, "ORDER_NOT_FOUND")


async def test_an_order_can_be_watched_to_its_end(shop, services, provider):
    sku = await shop.lamps(5)
    placed = await shop.place(sku, 1)
    request = pb.WatchOrderRequest(account_id=shop.account, order_id=placed.order_id)

    async with provider("swift"):
        seen = [news.order.status async for news in services.order.WatchOrder(request, timeout=20)]

    assert seen[-1] == pb.ORDER_STATUS_COMPLETED
    assert seen == sorted(seen)


async def test_orders_are_listed_from_new_to_old_page_by_page(shop, services):
    sku = await shop.lamps(50)
    placed = [(await shop.place(sku, 1)).order_id for _ in range(5)]

    pages, token = [], ""
    while True:
        answer = await services.order.ListOrders(
            pb.ListOrdersRequest(account_id=shop.account, page_size=2, page_token=token)
        )
        pages.append([order.order_id for order in answer.orders])
        if not (token := answer.next_page_token):
            break

    assert pages == [placed[:2:-1], placed[2:0:-1], placed[:1]]
