"""How amounts are written, and what a PSP keeps of them. All integers, in the smallest unit."""

# As Stripe counts decimals, which is not always as ISO 4217 does.
NO_DECIMALS = frozenset(
    "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split()  # noqa: SIM905
)
THREE_DECIMALS = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
# Written with two decimals that must be zero.
WHOLE_ONLY = frozenset(("ISK", "UGX"))

# Eight digits, in every currency.
LARGEST_AMOUNT = 99_999_999

CAPTURE_FEE_THOUSANDTHS = 14
CAPTURE_FEE_UNITS = 25
DISPUTE_FEE_WHOLE = 15


def step_of(currency: str) -> int:
    """
    Return what every amount in *currency* is a multiple of.

    The card networks take no third decimal, though amounts are written with it.
    """
    if currency in THREE_DECIMALS:
        return 10
    return 100 if currency in WHOLE_ONLY else 1


def minor_units(amount: int, currency: str) -> int:
    """
    Return *amount* as ISO 4217 counts it, which is how reports are written.
    """
    if currency in WHOLE_ONLY:
        return amount // step_of(currency)
    return amount * 100 if currency == "MGA" else amount


def capture_fee(amount: int, currency: str) -> int:
    """
    Return what is kept of a capture: 1.4 %, rounded to the nearest unit and half a unit up, and
    25 units; in whole ones where the currency has no others.
    """
    fee = (amount * CAPTURE_FEE_THOUSANDTHS + 500) // 1000 + CAPTURE_FEE_UNITS
    whole = step_of(currency) if currency in WHOLE_ONLY else 1
    return (fee + whole // 2) // whole * whole


def dispute_fee(currency: str) -> int:
    """
    Return what a dispute costs, whoever wins it: 15.00.
    """
    units: int = DISPUTE_FEE_WHOLE * 10 ** decimals_of(currency)
    return units


def decimals_of(currency: str) -> int:
    if currency in NO_DECIMALS:
        return 0
    return 3 if currency in THREE_DECIMALS else 2
