"""What invoices become, line by line."""

from datetime import datetime
from decimal import Decimal

import pytest

from chassis.kernel.money import Money
from deploy.local.invoices.mapping import map_invoices
from deploy.local.invoices.placing import request_of
from deploy.local.invoices.reading import DataUnreadable, InvoiceLine, files_in, lines_of

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"


def line(invoice="536365", code="85123A", quantity=6, price="2.55", **more):
    return InvoiceLine(
        invoice=invoice,
        code=code,
        description=more.get("description", "A HEART"),
        quantity=quantity,
        date=more.get("date", datetime(2010, 12, 1, 8, 26)),  # noqa: DTZ001  as in the data
        price=Decimal(price),
        customer=more.get("customer", "17850"),
        country=more.get("country", "United Kingdom"),
    )


def pounds(minor_units):
    return Money(minor_units, "GBP")


def test_an_invoice_becomes_an_order_with_agreed_prices():
    mapping = map_invoices([line(), line(code="71053", quantity=2, price="3.39")])

    (order,) = mapping.orders
    assert order.account_id == "customer-17850"
    assert order.country_code == "GB"
    assert [(w.sku, w.quantity.units, w.price) for w in order.lines] == [
        ("85123A", 6, pounds(255)),
        ("71053", 2, pounds(339)),
    ]
    assert order.total == pounds(6 * 255 + 2 * 339)


def test_one_code_at_two_prices_stays_two_lines():
    (order,) = map_invoices([line(price="2.55"), line(price="2.10")]).orders

    assert [w.price for w in order.lines] == [pounds(255), pounds(210)]


def test_postage_becomes_shipping_and_discount_discount():
    lines = [line(), line(code="POST", quantity=3, price="18"), line(code="D", quantity=-1)]

    (order,) = map_invoices(lines).orders

    assert order.shipping == pounds(5400)
    assert order.discount == pounds(255)
    assert len(order.lines) == 1


def test_what_is_no_product_is_counted_by_reason():
    mapping = map_invoices([line(), line(code="m"), line(code="gift_0001_20"), line(code="DCGS1")])

    assert mapping.accounts.skipped_lines == {
        "no product: manual entry": 1,
        "no product: gift voucher": 1,
        "no product: oddment": 1,
    }


@pytest.mark.parametrize(
    ("skipped", "reason"),
    [
        (line(invoice="A563185"), "bad debt (later: adjustments)"),
        (line(quantity=-9, price="0"), "stock write-off (later: stock adjustments)"),
        (line(code="POST"), "nothing on it but postage and discount"),
        (line(price="0"), "nothing to pay on the invoice"),
        (line(code="BANK CHARGES"), "no product: bank charges"),
    ],
)
def test_an_invoice_with_nothing_left_is_counted_by_reason(skipped, reason):
    mapping = map_invoices([skipped])

    assert not mapping.orders
    assert mapping.accounts.skipped_invoices == {reason: 1}
    assert mapping.accounts.skipped_lines == {reason: 1}


def test_every_line_is_accounted_for():
    lines = [
        line(),
        line(code="M"),
        line(invoice="C1", quantity=-1),
        line(invoice="C1", quantity=-7),
        line(invoice="C2", code="POST", quantity=-1),
        line(invoice="2", quantity=-1, price="0"),
        line(invoice="3", price="0"),
        line(invoice="3", code="DOT"),
    ]

    accounts = map_invoices(lines).accounts

    assert accounts.lines == 8
    assert accounts.mapped_lines.total() + accounts.skipped_lines.total() == 8
    assert accounts.invoices == 5
    assert accounts.orders + accounts.cancellations + accounts.skipped_invoices.total() == 5
    assert accounts.returned_units + accounts.unmatched_units.total() == accounts.cancelled_units


def test_a_price_finer_than_a_penny_is_rounded_half_up_and_counted():
    mapping = map_invoices([line(price="0.125"), line(price="0.124")])

    assert [w.price for w in mapping.orders[0].lines] == [pounds(13), pounds(12)]
    assert mapping.accounts.notes["lines whose unit price was rounded half up to the penny"] == 2


def test_a_product_has_its_median_price_and_most_frequent_description():
    mapping = map_invoices(
        [
            line(price="1.00", description="HEART"),
            line(price="9.00", description="HAERT"),
            line(price="2.00", description="HEART"),
        ]
    )

    (product,) = mapping.products
    assert product.title == "HEART"
    assert product.prices == {"85123A": pounds(200)}
    assert mapping.units == {"85123A": 18}


def test_small_letters_in_codes_are_put_in_capitals():
    mapping = map_invoices([line(code="85123a"), line()])

    assert {w.sku for w in mapping.orders[0].lines} == {"85123A"}
    assert len(mapping.products) == 1


def test_a_limit_takes_the_first_invoices_whole():
    lines = [line(invoice="1"), line(invoice="2"), line(invoice="1", code="71053")]

    accounts = map_invoices(lines, limit=1).accounts

    assert (accounts.invoices, accounts.lines) == (1, 2)


def test_an_unknown_country_is_nowhere_and_counted():
    mapping = map_invoices([line(country="Unspecified", customer="")])

    (order,) = mapping.orders
    assert (order.country_code, order.account_id) == ("ZZ", "anonymous")
    assert mapping.accounts.notes == {"invoices whose country is ZZ: Unspecified": 1}


def test_the_same_invoice_is_always_the_same_request():
    (order,) = map_invoices([line()]).orders
    (again,) = map_invoices([line()]).orders

    assert request_of(order) == request_of(again)


def test_files_are_read_as_published(tmp_path):
    row = "536365,85123A,A HEART,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n"
    (tmp_path / "b.csv").write_text(HEADER + row)
    (tmp_path / "a.txt").write_text("no data")

    (file,) = files_in(tmp_path)

    assert list(lines_of(file)) == [line()]


def test_an_empty_folder_says_what_is_wanted(tmp_path):
    with pytest.raises(DataUnreadable, match=r"InvoiceNo"):
        files_in(tmp_path)


def test_a_row_that_makes_no_sense_is_named(tmp_path):
    file = tmp_path / "x.csv"
    file.write_text(HEADER + "1,2,3,many,2010-12-01 08:26:00,1,,EIRE\n")

    with pytest.raises(DataUnreadable, match="line 2"):
        list(lines_of(file))


def test_a_file_without_the_columns_names_those_that_are_missing(tmp_path):
    file = tmp_path / "x.csv"
    file.write_text("InvoiceNo,StockCode\n1,2\n")

    with pytest.raises(DataUnreadable, match="Country, CustomerID"):
        list(lines_of(file))
