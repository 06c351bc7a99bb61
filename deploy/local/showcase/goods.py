"""What the made-up shop sells, and where it lies."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.money import Money
from deploy.local.world.catalogue import Delivery, NewProduct


def pounds(minor_units: int) -> Money:
    return Money(minor_units, "GBP")


@dataclass(frozen=True, slots=True)
class Goods:
    """
    One variant: its price in pence, and how many there are at each location.
    """

    code: str
    title: str
    price: int
    main: int = 0
    north: int = 0


GOODS = (
    Goods("MUG-RED", "Enamel mug", 850, main=100),
    Goods("MUG-BLUE", "Enamel mug", 850, main=100),
    Goods("LANTERN-S", "Storm lantern", 1200, main=60, north=40),
    Goods("LANTERN-L", "Storm lantern", 1850, main=60, north=40),
    # More is ordered of the grey one than either location has.
    Goods("BLANKET-GREY", "Wool blanket", 4500, main=30, north=20),
    Goods("BLANKET-GREEN", "Wool blanket", 4500, main=20),
    # And less of this one is there than is ordered.
    Goods("KETTLE", "Copper kettle", 3990, main=2),
    Goods("DOORMAT-PLAIN", "Coir doormat", 1525, main=50),
    Goods("DOORMAT-BLACK", "Coir doormat", 1525, main=50),
    Goods("TEAPOT", "Stoneware teapot", 2400, main=20),
    Goods("SCARF", "Lambswool scarf", 1900, main=20),
    Goods("SHAWL", "Lambswool shawl", 2900, main=20),
    Goods("POSTCARDS", "Set of postcards", 320, north=500),
)


class Shop:
    """
    The goods of one run: every run has SKUs of its own, so that none disturbs another.
    """

    def __init__(self, run: str) -> None:
        self.run = run

    def sku(self, code: str) -> str:
        return f"DEMO-{self.run}-{code}".upper()

    @property
    def products(self) -> Sequence[NewProduct]:
        titles = dict.fromkeys(goods.title for goods in GOODS)
        return [
            NewProduct(
                title=title,
                prices={self.sku(g.code): pounds(g.price) for g in GOODS if g.title == title},
            )
            for title in titles
        ]

    @property
    def deliveries(self) -> Sequence[Delivery]:
        return [
            Delivery(sku=self.sku(goods.code), location_id=location_id, units=units)
            for goods in GOODS
            for location_id, units in (("main", goods.main), ("north", goods.north))
            if units
        ]


def price_of(code: str) -> int:
    return next(goods.price for goods in GOODS if goods.code == code)


def units_of(code: str) -> int:
    return next(goods.main + goods.north for goods in GOODS if goods.code == code)
