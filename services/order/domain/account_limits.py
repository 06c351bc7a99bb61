"""How much an account may have under way at a time: a policy, apart from any one order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from chassis.kernel.errors import InvalidInput, RuleViolated
from chassis.kernel.money import MOST_MINOR_UNITS, Money, decimals_of

MOST_OPEN_ORDERS = 1_000_000


class LimitOutOfRange(InvalidInput):
    pass


class AccountLimitReached(RuleViolated):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrders:
    """
    What an account has under way.

    Attributes:
        values: The grand totals, summed, in minor units by currency.
    """

    count: int = 0
    values: Mapping[str, int] = field(default_factory=dict)

    def plus(self, total: Money) -> "OpenOrders":
        """
        Return it with one more order of *total*.
        """
        value = self.values.get(total.currency, 0) + total.minor_units
        return OpenOrders(count=self.count + 1, values={**self.values, total.currency: value})


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLimits:
    """
    How much may be under way at a time.

    Attributes:
        open_orders: 1 to 1,000,000; 0: any number.
        open_values: The most that grand totals may add up to, of each currency that has a limit.
    """

    open_orders: int = 0
    open_values: tuple[Money, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.open_orders <= MOST_OPEN_ORDERS:
            raise LimitOutOfRange(
                f"open_orders is 0 to {MOST_OPEN_ORDERS:,}", field="limits.open_orders"
            )
        seen: set[str] = set()
        for number, value in enumerate(self.open_values):
            name = f"limits.open_values[{number}]"
            if not 0 < value.minor_units <= MOST_MINOR_UNITS:
                raise LimitOutOfRange(f"{name} is above zero", field=name)
            if value.currency in seen:
                raise LimitOutOfRange(f"{name}: {value.currency} has a limit already", field=name)
            seen.add(value.currency)

    @property
    def exist(self) -> bool:
        return bool(self.open_orders or self.open_values)

    def must_allow(self, total: Money, used: OpenOrders) -> None:
        """
        Raises:
            AccountLimitReached: One more order of *total* is too much beside those in *used*.
        """
        if self.open_orders and used.count >= self.open_orders:
            raise AccountLimitReached(
                f"open_orders: {used.count:,} of {self.open_orders:,} orders are under way"
            )
        for limit in self.open_values:
            value = Money(used.values.get(limit.currency, 0), limit.currency)
            if limit.currency == total.currency and (value + total).minor_units > limit.minor_units:
                raise AccountLimitReached(
                    f"open_values: {value} of {limit} are under way, and the order costs {total}"
                )


NO_LIMITS = AccountLimits()


def values_from_text(text: str) -> tuple[Money, ...]:
    """
    Return the amounts that *text* lists, such as `EUR 10000.00, GBP 9000.00`.

    Raises:
        LimitOutOfRange: It does not; the message says where.
    """
    return tuple(_value(entry.strip()) for entry in text.split(",") if entry.strip())


def _value(text: str) -> Money:
    currency, _, amount = text.partition(" ")
    try:
        minor_units = Decimal(amount) * 10 ** decimals_of(currency)
        if minor_units != int(minor_units):
            raise LimitOutOfRange(f"{text!r} is finer than the minor unit of its currency")
        return Money(int(minor_units), currency)
    except (InvalidOperation, ValueError, OverflowError, InvalidInput):
        raise LimitOutOfRange(f"{text!r} is no amount such as 'EUR 10000.00'") from None
