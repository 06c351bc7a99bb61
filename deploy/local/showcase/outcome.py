"""What became of an order of the showcase, as all four services tell it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chassis.kernel.money import Money
from chassis.rpc.money import money_from_wire
from deploy.local.showcase.goods import Shop, units_of
from deploy.local.showcase.journeys import Expectation, Journey
from deploy.local.showcase.making_good import return_problems
from deploy.local.world.patience import CallRefused, Patience
from deploy.local.world.services import Services
from retail.fulfillment.v1 import fulfillment_service_pb2 as fulfillment_pb
from retail.order.v1 import order_service_pb2 as pb
from retail.payment.v1 import payment_service_pb2 as payment_pb
from retail.product.v1 import product_service_pb2 as product_pb


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """
    Attributes:
        problems: What is not as it was to be.
        trace_id: The trace that the order was placed in.
    """

    journey: Journey
    order: pb.Order
    captured: Money
    refunded: Money
    problems: Sequence[str]
    trace_id: str

    @property
    def axes(self) -> str:
        return " · ".join(
            (
                pb.OrderStatus.Name(self.order.status).removeprefix("ORDER_STATUS_"),
                pb.PaymentStatus.Name(self.order.payment_status).removeprefix("PAYMENT_STATUS_"),
                pb.FulfillmentStatus.Name(self.order.fulfillment_status).removeprefix(
                    "FULFILLMENT_STATUS_"
                ),
            )
        )

    @property
    def total(self) -> Money:
        return money_from_wire(self.order.grand_total, "grand_total")

    def seconds_to(self, what: str) -> float | None:
        """
        Return how long after the order was placed *what* is on its timeline, if it is.
        """
        for entry in self.order.timeline:
            if entry.what.startswith(what):
                began = self.order.timeline[0].time.ToNanoseconds()
                return (entry.time.ToNanoseconds() - began) / 1e9
        return None


async def outcome_of(
    journey: Journey,
    order: pb.Order,
    trace_id: str,
    *,
    shop: Shop,
    services: Services,
    patience: Patience,
) -> Outcome:
    """
    Ask every service about *order*, and compare with what was to become of it.
    """
    captured, left, captures = Money(0, "GBP"), Money(0, "GBP"), 0
    refunded = Money(0, "GBP")
    try:
        payment = await patience(
            services.payment.GetPayment, payment_pb.GetPaymentRequest(payment_id=order.order_id)
        )
    except CallRefused as refusal:
        if refusal.reason != "PAYMENT_NOT_FOUND":
            raise
    else:
        money = payment.payment
        if money.authorized.currency_code == "GBP":
            captured = money_from_wire(money.captured, "captured")
            refunded = money_from_wire(money.refunded, "refunded")
            left = (
                money_from_wire(money.authorized, "authorized")
                - captured
                - money_from_wire(money.voided, "voided")
            )
        captures = sum(
            1
            for each in money.transactions
            if each.kind == payment_pb.TRANSACTION_KIND_CAPTURE
            and each.state == payment_pb.TRANSACTION_STATE_SUCCEEDED
        )
    work = await patience(
        services.fulfillment.ListFulfillmentOrders,
        fulfillment_pb.ListFulfillmentOrdersRequest(order_id=order.order_id),
    )
    offers = tuple(
        fulfillment_pb.OfferState.Name(offer.state).removeprefix("OFFER_STATE_")
        for each in work.fulfillment_orders
        for offer in each.offers
    )
    outcome = Outcome(
        journey=journey,
        order=order,
        captured=captured,
        refunded=refunded,
        problems=(),
        trace_id=trace_id,
    )
    expect = journey.expect
    wanted = {
        "status": (f"{expect.status} · {expect.payment} · {expect.fulfillment}", outcome.axes),
        "reason": (expect.reason, order.reason),
        "total": (journey.total, outcome.total.minor_units),
        "captured": (journey.captured, captured.minor_units),
        "refunded": (expect.refunded, refunded.minor_units),
        "captures": (expect.captures, captures),
        "still set aside": (0, left.minor_units),
        "parcels": (expect.parcels, len(order.shipments)),
        "offers": (expect.offers, offers),
    }
    problems = [
        f"{what}: {is_} instead of {was_to_be}"
        for what, (was_to_be, is_) in wanted.items()
        if is_ != was_to_be
    ]
    if expect.given_back:
        problems += await stock_problems(expect, shop, services, patience)
    problems += await return_problems(order, services=services, patience=patience)
    return replace(outcome, problems=problems)


async def stock_problems(
    expect: Expectation, shop: Shop, services: Services, patience: Patience
) -> Sequence[str]:
    """
    Say what is still taken of the goods that an order gave back.
    """
    code = expect.given_back
    request = product_pb.BatchGetStockRequest(skus=[shop.sku(code)])
    levels = (await patience(services.product.BatchGetStock, request)).stock_levels
    free = sum(level.available for level in levels)
    whole = units_of(code) - expect.sold
    return [] if free == whole else [f"stock: {free} of {whole} {code} are free"]
