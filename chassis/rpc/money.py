"""Money on the wire: google.type.Money."""

from google.type.money_pb2 import Money as WireMoney

from chassis.kernel.errors import InvalidInput
from chassis.kernel.money import MOST_MINOR_UNITS, Money, decimals_of

NANOS = 1_000_000_000


class AmountNotExact(InvalidInput):
    pass


class AmountOutOfRange(InvalidInput):
    pass


def money_to_wire(money: Money) -> WireMoney:
    scale = 10 ** decimals_of(money.currency)
    sign = -1 if money.minor_units < 0 else 1
    units, part = divmod(abs(money.minor_units), scale)
    return WireMoney(
        currency_code=money.currency, units=sign * units, nanos=sign * part * (NANOS // scale)
    )


def money_from_wire(wire: WireMoney, field: str) -> Money:
    """
    Return *wire* in minor units.

    Raises:
        CurrencyUnknown: Its currency code is not three capital letters.
        AmountNotExact: It is finer than the currency's minor unit.
        AmountOutOfRange: It is beyond ±10¹³ minor units, or its parts are malformed.
    """
    if not -NANOS < wire.nanos < NANOS or wire.units * wire.nanos < 0:
        raise AmountOutOfRange(
            f"{field}: nanos must be below 10⁹ and of the same sign as units", field=field
        )
    try:
        scale = 10 ** decimals_of(wire.currency_code)
        part, rest = divmod(abs(wire.nanos), NANOS // scale)
        if rest:
            raise AmountNotExact(
                f"{field} is finer than the minor unit of {wire.currency_code}", field=field
            )
        minor_units = abs(wire.units) * scale + part
        if minor_units > MOST_MINOR_UNITS:
            raise AmountOutOfRange(f"{field} is beyond 10¹³ minor units", field=field)
        sign = -1 if wire.units < 0 or wire.nanos < 0 else 1
        return Money(sign * minor_units, wire.currency_code)
    except InvalidInput as error:
        error.field = field
        raise
