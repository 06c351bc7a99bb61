"""Labels in ZPL II, the language of label printers: four by six inches at 203 dots an inch."""

from textwrap import wrap

from services.fulfillment.application.labels import LabelRequest

WIDTH, HEIGHT, MARGIN = 812, 1218, 32

# What a line of the large and of the small type holds, whatever is in it.
_LARGE, _SMALL = 32, 44

# Anything else that somebody wrote is sent as the hexadecimal of its bytes, so that nothing of it
# is a command: ^ and ~ begin one, and _ such a byte. A line break would end a line.
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .,-/()")


def zpl_label(request: LabelRequest, sscc: str) -> bytes:
    """
    Return a label with where the parcel goes and what is known of it, above its code as a GS1-128
    barcode.
    """
    address = request.ship_to
    place = f"{address.postal_code} {address.city}".strip()
    lines = [address.name, *address.lines, place, address.country_code]
    rows = [row for line in lines for row in wrap(" ".join(line.split()), _LARGE)]
    facts = [
        f"Order {request.reference}",
        f"From {request.ship_from}" if request.ship_from else "",
        f"By {request.carrier}" if request.carrier else "",
        f"Units {request.units}",
        f"Weight {request.weight_grams} g" if request.weight_grams else "",
    ]
    fields = [
        _text(MARGIN, 24, "SHIP TO"),
        # What does not fit would run into the barcode.
        *(_text(MARGIN, 60 + 42 * n, row, size=36) for n, row in enumerate(rows[:13])),
        f"^FO{MARGIN},640^GB{WIDTH - 2 * MARGIN},3,3^FS",
        *(_text(MARGIN, 660 + 34 * n, row) for n, row in enumerate(_fitting(facts))),
        f"^FO{MARGIN},840^GB{WIDTH - 2 * MARGIN},3,3^FS",
        _barcode(sscc),
    ]
    # UTF-8, whatever the printer was told before.
    commands = ["^XA", "^CI28", f"^PW{WIDTH}", f"^LL{HEIGHT}", "^LH0,0", *fields, "^XZ", ""]
    return "\n".join(commands).encode()


def _fitting(facts: list[str]) -> list[str]:
    return [" ".join(fact.split())[:_SMALL] for fact in facts if fact]


def _text(x: int, y: int, words: str, *, size: int = 28) -> str:
    return f"^FO{x},{y}^A0N,{size},{size}^FH_^FD{_escaped(words)}^FS"


def _barcode(sscc: str) -> str:
    # Code set C (>;), then FNC1 (>8), which makes it GS1-128, then the application identifier of
    # an SSCC. An even count of digits: all of them go in pairs.
    bars = f"^FO110,880^BY4,2,220^BCN,220,N,N,N^FD>;>800{sscc}^FS"
    return f"{bars}\n{_text(220, 1124, f'(00) {sscc}', size=36)}"


def _escaped(words: str) -> str:
    return "".join(
        char if char in _PLAIN else "".join(f"_{byte:02X}" for byte in char.encode())
        for char in words
    )
