import re
from dataclasses import replace
from uuid import UUID

import pytest

from services.fulfillment.adapters.sscc import check_digit, sscc
from services.fulfillment.adapters.zpl import zpl_label
from services.fulfillment.application.labels import LabelRequest
from services.fulfillment.domain.values import Address

CODE = sscc("9521234", 1)
REQUEST = LabelRequest(
    parcel_id=UUID(int=1),
    ship_from="leeds",
    ship_to=Address(
        name="A. Consignee", lines=("1 High St",), city="Hull", postal_code="HU1", country_code="GB"
    ),
    units=3,
    weight_grams=750,
    carrier="post",
    reference="0000",
)


def printed(label):
    """
    Return the texts of *label* as a printer reads them.
    """
    fields = re.findall(r"\^FH_\^FD(.*?)\^FS", label.decode())
    return [
        re.sub(rb"_([0-9A-F]{2})", lambda m: bytes.fromhex(m[1].decode()), field.encode()).decode()
        for field in fields
    ]


# The one that GS1 shows in its Tag Data Standard, and one that ends in 0.
@pytest.mark.parametrize("code", ["106141412345678908", "340123450000000000"])
def test_the_check_digit_is_that_of_gs1(code):
    assert check_digit(code[:-1]) == code[-1]


def test_a_code_has_eighteen_digits_and_holds_the_company_and_the_serial_number():
    code = sscc("9521234", 1_000_000_002)

    assert len(code) == 18
    assert code.startswith("1" + "9521234" + "000000002")


@pytest.mark.parametrize("prefix", ["9521234", "9521234567"])
def test_serial_numbers_that_differ_make_codes_that_differ(prefix):
    width = 17 - len(prefix)
    serials = [0, 1, 9, 10, 10 ** (width - 1), 10**width - 1]

    assert len({sscc(prefix, serial) for serial in serials}) == len(serials)
    assert sscc(prefix, 10**width) == sscc(prefix, 0)


def test_a_label_says_where_to_and_what():
    texts = printed(zpl_label(REQUEST, CODE))

    assert texts[:5] == ["SHIP TO", "A. Consignee", "1 High St", "HU1 Hull", "GB"]
    assert {"Order 0000", "From leeds", "By post", "Units 3", "Weight 750 g"} < set(texts)
    assert texts[-1] == f"(00) {CODE}"


def test_the_barcode_is_a_gs1_128_of_the_code():
    assert f"^BCN,220,N,N,N^FD>;>800{CODE}^FS".encode() in zpl_label(REQUEST, CODE)


@pytest.mark.parametrize("name", ["^XZ ~JA ^FS", "_41_", "O'Brien & Søn \\& 張", 'a"b>c<d'])
def test_what_people_write_is_printed_and_never_obeyed(name):
    plain = zpl_label(REQUEST, CODE)
    label = zpl_label(replace(REQUEST, ship_to=replace(REQUEST.ship_to, name=name)), CODE)

    assert printed(label)[1] == name
    # Not one command more.
    assert (label.count(b"^"), label.count(b"~")) == (plain.count(b"^"), plain.count(b"~"))


def test_long_addresses_are_broken_and_never_run_into_the_barcode():
    lines = tuple(f"{number} {'very ' * 30}long street" for number in range(9))
    label = zpl_label(replace(REQUEST, ship_to=replace(REQUEST.ship_to, lines=lines)), CODE)

    heights = [int(y) for y in re.findall(r"\^FO\d+,(\d+)\^A0N,36", label.decode())]
    assert max(heights[:-1]) < 640
    assert all(len(text) <= 44 for text in printed(label))


def test_line_breaks_in_an_address_do_not_break_the_label():
    ship_to = replace(REQUEST.ship_to, name="A.\r\nConsignee")

    assert printed(zpl_label(replace(REQUEST, ship_to=ship_to), CODE))[1] == "A. Consignee"
