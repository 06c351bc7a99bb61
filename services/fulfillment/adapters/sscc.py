"""The Serial Shipping Container Code of GS1: eighteen digits that no other parcel has."""

# Of the extension digit, the company's prefix and the serial number; the check digit follows.
_DIGITS = 17


def sscc(company_prefix: str, serial: int) -> str:
    """
    Return the code of the parcel that is the *serial*-th of a company.

    The serial number runs on into the extension digit, which means nothing by itself. When all are
    used up it begins anew; a code may be used again after a year.
    """
    width = _DIGITS - len(company_prefix)
    digits = f"{serial % 10**width:0{width}d}"
    code = f"{digits[0]}{company_prefix}{digits[1:]}"
    return code + check_digit(code)


def check_digit(code: str) -> str:
    """
    Return the digit that makes up the weighted sum of *code* to a multiple of ten: from the right,
    its digits count three times and once in turn.
    """
    total = sum(int(digit) * (1 if n % 2 else 3) for n, digit in enumerate(reversed(code)))
    return str(-total % 10)
