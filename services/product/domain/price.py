"""What a unit costs: always, in other currencies, from some quantity on, or for a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.errors import InvalidInput
from chassis.kernel.money import Money

MOST_PRICES = 100


class PriceNotPositive(InvalidInput):
    pass


class MinQuantityNegative(InvalidInput):
    pass


class PriceEndsBeforeStart(InvalidInput):
    pass


class PricesOutOfRange(InvalidInput):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """
    What a unit costs under some condition.

    Attributes:
        min_quantity: From so many units on; 0 and 1 mean any number.
        starts_at: From when on; `None`: ever since.
        ends_at: Until when, exclusively; `None`: for ever.
    """

    amount: Money
    min_quantity: int = 1
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.amount.minor_units < 1:
            raise PriceNotPositive(f"a price is above zero, not {self.amount}", field="amount")
        if self.min_quantity < 0:
            raise MinQuantityNegative("a price is for 0 units or more", field="min_quantity")
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            raise PriceEndsBeforeStart("a price ends after it has started", field="end_time")

    def holds_at(self, now: datetime) -> bool:
        return (self.starts_at is None or self.starts_at <= now) and (
            self.ends_at is None or now < self.ends_at
        )

    @property
    def moments(self) -> Iterator[datetime]:
        """
        When it begins or ceases to hold.
        """
        yield from (moment for moment in (self.starts_at, self.ends_at) if moment is not None)


# The standing price of a variant, and the others.
Prices = tuple[Money, tuple[Price, ...]]


@dataclass(frozen=True, slots=True)
class PriceList:
    """
    All prices of one variant.

    Whoever buys pays the lowest price among the quantities reached, where of two for one quantity
    and currency the one that started last holds; of two that started at once, the later one in
    the list.

    Attributes:
        standing: For any number of units at any time, unless others say otherwise.
    """

    standing: Money
    others: tuple[Price, ...] = ()

    def price_of(self, quantity: int, currency: str, now: datetime) -> Money | None:
        """
        Return what each of *quantity* units costs now; `None` if there is no price for so few,
        or none in *currency*.
        """
        reached = [p for least, p in self._holding(currency, now).items() if least <= quantity]
        return min(reached, key=lambda price: price.minor_units, default=None)

    def prices_at(self, now: datetime) -> Iterator[Money]:
        """
        Yield what one unit costs now, in every currency that it has a price in.
        """
        for currency in {self.standing.currency, *(p.amount.currency for p in self.others)}:
            if price := self.price_of(1, currency, now):
                yield price

    def breaks(self, currency: str, now: datetime) -> tuple[tuple[int, Money], ...]:
        """
        Return from how many units on each of them costs what: ever more units, ever cheaper.
        """
        breaks: list[tuple[int, Money]] = []
        for least, price in sorted(self._holding(currency, now).items()):
            if not breaks or price.minor_units < breaks[-1][1].minor_units:
                breaks.append((least, price))
        return tuple(breaks)

    def next_change_after(self, now: datetime) -> datetime | None:
        """
        Return when the next price begins or ceases to hold.
        """
        return min((at for p in self.others for at in p.moments if at > now), default=None)

    def changes_between(self, first: datetime, last: datetime) -> bool:
        """
        Return whether a price begins or ceases to hold from *first* to *last*, both included.
        """
        return any(first <= at <= last for price in self.others for at in price.moments)

    def _holding(self, currency: str, now: datetime) -> dict[int, Money]:
        """
        Return the price that holds now for each of the quantities that have one.
        """
        holding: dict[int, tuple[datetime | None, Money]] = {}
        if currency == self.standing.currency:
            holding[1] = (None, self.standing)
        for price in self.others:
            if price.amount.currency != currency or not price.holds_at(now):
                continue
            least = max(price.min_quantity, 1)
            earlier = holding.get(least)
            if earlier is None or _is_no_later(earlier[0], price.starts_at):
                holding[least] = (price.starts_at, price.amount)
        return {least: amount for least, (_, amount) in holding.items()}


def check_prices(prices: tuple[Price, ...]) -> None:
    """
    Raises:
        PricesOutOfRange: There are more than one variant may have.
    """
    if len(prices) > MOST_PRICES:
        raise PricesOutOfRange(f"a variant has at most {MOST_PRICES} prices", field="prices")


def _is_no_later(one: datetime | None, other: datetime | None) -> bool:
    return one is None or (other is not None and one <= other)
