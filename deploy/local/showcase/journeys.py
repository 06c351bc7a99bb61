"""The orders of the showcase, each with what is to become of it."""

from dataclasses import dataclass
from uuid import uuid4

from chassis.rpc.money import money_to_wire
from deploy.local.showcase import carriers
from deploy.local.showcase.goods import Shop, pounds, price_of
from retail.common.v1.address_pb2 import Address
from retail.fulfillment.v1.return_service_pb2 import (
    RETURN_REASON_CHANGED_MIND,
    WantedReturnLine,
)
from retail.order.v1 import order_service_pb2 as pb


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """
    Attributes:
        agreed: The agreed unit price in pence; `None`: the catalogue's.
    """

    code: str
    units: int
    agreed: int | None = None

    @property
    def value(self) -> int:
        price = price_of(self.code) if self.agreed is None else self.agreed
        return price * self.units


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """
    How an order is to end.

    Attributes:
        offers: The states of its offers, oldest first; of all its work.
        captures: How many times money is taken.
        given_back: Goods that must all be free again, but for so many that stay `sold`.
        refunded: What is paid back, in pence.
    """

    status: str
    payment: str
    fulfillment: str
    reason: str = ""
    parcels: int = 1
    captures: int = 1
    offers: tuple[str, ...] = ("ACCEPTED",)
    given_back: str = ""
    sold: int = 0
    refunded: int = 0

    @property
    def words(self) -> str:
        return f"{self.status} {self.reason}".strip()


COMPLETED = Expectation(status="COMPLETED", payment="PAID", fulfillment="DELIVERED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """
    An order to place.

    Attributes:
        shipping: In pence; `discount` likewise.
        sends_back: What the customer sends back when it has come.
        instead: The order that the customer gets for it: an exchange.
    """

    name: str
    lines: tuple[Line, ...]
    expect: Expectation = COMPLETED
    business: bool = False
    shipping: int = 0
    discount: int = 0
    country_code: str = carriers.EVERYDAY
    psp_token: str = "tok_visa"
    sends_back: tuple[Line, ...] = ()
    instead: "Journey | None" = None

    @property
    def comes_back(self) -> bool:
        """
        Whether something of it is made good after its end.
        """
        return self.expect.refunded > 0

    @property
    def total(self) -> int:
        return sum(line.value for line in self.lines) + self.shipping - self.discount

    @property
    def captured(self) -> int:
        """
        How much is to be taken for it.
        """
        return self.total if self.expect.status == "COMPLETED" else 0

    def request(self, shop: Shop) -> pb.PlaceOrderRequest:
        """
        Return the request that places it, under an id of its own.
        """
        return pb.PlaceOrderRequest(
            request_id=str(uuid4()),
            account_id=f"demo-{shop.run}",
            channel=pb.CHANNEL_BUSINESS if self.business else pb.CHANNEL_CONSUMER,
            lines=[
                pb.OrderLineRequest(
                    sku=shop.sku(line.code),
                    quantity=line.units,
                    agreed_unit_price=(
                        None if line.agreed is None else money_to_wire(pounds(line.agreed))
                    ),
                )
                for line in self.lines
            ],
            shipping=money_to_wire(pounds(self.shipping)),
            discount=money_to_wire(pounds(self.discount)),
            expected_total=money_to_wire(pounds(self.total)),
            psp_token=self.psp_token,
            ship_to=Address(
                name="A. Demo",
                lines=["1 Example Street"],
                city="Exampleton",
                postal_code="0001",
                country_code=self.country_code,
            ),
            reference=self.name,
        )

    def wanted_back(self, shop: Shop) -> list[WantedReturnLine]:
        return [
            WantedReturnLine(
                sku=shop.sku(line.code), quantity=line.units, reason=RETURN_REASON_CHANGED_MIND
            )
            for line in self.sends_back
        ]


JOURNEYS = (
    Journey(
        name="a gift",
        lines=(Line(code="MUG-BLUE", units=1), Line(code="LANTERN-S", units=2)),
        shipping=495,
    ),
    Journey(name="two mugs", lines=(Line(code="MUG-RED", units=2),)),
    Journey(
        name="agreed prices",
        business=True,
        lines=(Line(code="LANTERN-L", units=20, agreed=1500), Line(code="MUG-RED", units=24)),
        shipping=2500,
        discount=1000,
    ),
    Journey(
        name="from the north",
        business=True,
        lines=(Line(code="POSTCARDS", units=250, agreed=275),),
    ),
    Journey(
        name="split over two locations",
        business=True,
        lines=(Line(code="BLANKET-GREY", units=40, agreed=3875),),
        shipping=4999,
        expect=Expectation(
            status="COMPLETED",
            payment="PAID",
            fulfillment="DELIVERED",
            parcels=2,
            captures=2,
            offers=("ACCEPTED", "ACCEPTED"),
        ),
    ),
    Journey(
        name="sent in two parcels",
        lines=(Line(code="BLANKET-GREEN", units=3), Line(code="MUG-BLUE", units=5)),
        shipping=1250,
        country_code=carriers.TWO_PARCELS,
        expect=Expectation(
            status="COMPLETED", payment="PAID", fulfillment="DELIVERED", parcels=2, captures=2
        ),
    ),
    Journey(
        name="second provider takes it",
        lines=(Line(code="MUG-RED", units=3),),
        country_code=carriers.CHOOSY_FIRST,
        expect=Expectation(
            status="COMPLETED",
            payment="PAID",
            fulfillment="DELIVERED",
            offers=("REJECTED", "ACCEPTED"),
        ),
    ),
    Journey(
        name="bank answers late",
        lines=(Line(code="LANTERN-S", units=1),),
        psp_token="tok_timeoutAfterSuccess",
    ),
    Journey(
        name="out of stock",
        lines=(Line(code="KETTLE", units=3),),
        expect=Expectation(
            status="REJECTED",
            reason="OUT_OF_STOCK",
            payment="NONE",
            fulfillment="UNFULFILLED",
            parcels=0,
            captures=0,
            offers=(),
            given_back="KETTLE",
        ),
    ),
    Journey(
        name="card declined",
        lines=(Line(code="DOORMAT-BLACK", units=1),),
        psp_token="tok_chargeDeclined",
        expect=Expectation(
            status="REJECTED",
            reason="PAYMENT_DECLINED",
            payment="NONE",
            fulfillment="UNFULFILLED",
            parcels=0,
            captures=0,
            offers=(),
            given_back="DOORMAT-BLACK",
        ),
    ),
    Journey(
        name="nobody goes there",
        business=True,
        lines=(Line(code="DOORMAT-PLAIN", units=4),),
        country_code=carriers.NOBODY_GOES,
        expect=Expectation(
            status="CANCELLED",
            reason="UNFULFILLABLE",
            payment="VOIDED",
            fulfillment="UNFULFILLED",
            parcels=0,
            captures=0,
            offers=(),
            given_back="DOORMAT-PLAIN",
        ),
    ),
    Journey(
        name="one of three comes back",
        lines=(Line(code="TEAPOT", units=3),),
        shipping=495,
        sends_back=(Line(code="TEAPOT", units=1),),
        expect=Expectation(
            status="COMPLETED",
            payment="PARTIALLY_REFUNDED",
            fulfillment="PARTIALLY_RETURNED",
            given_back="TEAPOT",
            sold=2,
            refunded=2400,
        ),
    ),
    Journey(
        name="exchanged for a dearer one",
        lines=(Line(code="SCARF", units=1),),
        sends_back=(Line(code="SCARF", units=1),),
        instead=Journey(name="the dearer one", lines=(Line(code="SHAWL", units=1),)),
        expect=Expectation(
            status="COMPLETED",
            payment="REFUNDED",
            fulfillment="RETURNED",
            given_back="SCARF",
            refunded=1900,
        ),
    ),
    Journey(
        name="lost on its way",
        lines=(Line(code="MUG-RED", units=2),),
        shipping=395,
        country_code=carriers.LOSES_THEM,
        expect=Expectation(
            status="COMPLETED", payment="REFUNDED", fulfillment="RETURNED", refunded=2095
        ),
    ),
)
