"""Which goods of which invoice a cancellation gives back."""

from datetime import datetime
from decimal import Decimal

import pytest

from deploy.local.invoices.mapping import map_invoices
from deploy.local.invoices.reading import InvoiceLine


def line(invoice, quantity, *, day, code="85123A", price="2.55", customer="17850"):
    return InvoiceLine(
        invoice=invoice,
        code=code,
        description="A HEART",
        quantity=quantity,
        date=datetime(2010, 12, day),  # noqa: DTZ001  as in the data
        price=Decimal(price),
        customer=customer,
        country="United Kingdom",
    )


def returned(*lines):
    """
    Return what comes back: (cancellation, invoice, units by SKU).
    """
    mapping = map_invoices(lines)
    return [(r.cancellation, r.invoice, dict(r.units)) for r in mapping.returns]


def test_a_cancellation_gives_back_what_the_customer_bought_last():
    assert returned(
        line("1", 6, day=1), line("2", 6, day=2), line("C3", -4, day=3), line("4", 6, day=4)
    ) == [("C3", "2", {"85123A": 4})]


def test_the_same_price_comes_before_the_later_invoice():
    assert returned(
        line("1", 6, day=1, price="2.10"), line("2", 6, day=2), line("C3", -4, day=3, price="2.10")
    ) == [("C3", "1", {"85123A": 4})]


def test_a_price_finer_than_a_penny_is_the_same_price():
    assert returned(
        line("1", 6, day=1, price="0.125"),
        line("2", 6, day=2),
        line("C3", -4, day=3, price="0.125"),
    ) == [("C3", "1", {"85123A": 4})]


def test_one_line_may_give_back_goods_of_several_invoices():
    assert returned(line("1", 6, day=1), line("2", 6, day=2), line("C3", -8, day=3)) == [
        ("C3", "1", {"85123A": 2}),
        ("C3", "2", {"85123A": 6}),
    ]


def test_several_lines_of_one_invoice_come_back_as_one_return():
    assert returned(
        line("1", 6, day=1),
        line("1", 6, day=1, code="71053"),
        line("C3", -1, day=3),
        line("C3", -2, day=3),
        line("C3", -4, day=3, code="71053"),
    ) == [("C3", "1", {"71053": 4, "85123A": 3})]


def test_nothing_comes_back_twice():
    lines = [line("1", 6, day=1), line("C2", -4, day=2), line("C3", -4, day=3)]

    assert returned(*lines) == [("C2", "1", {"85123A": 4}), ("C3", "1", {"85123A": 2})]
    accounts = map_invoices(lines).accounts
    assert accounts.unmatched_units == {
        "cancelled: more than was bought, or it is back already": 2,
    }
    assert accounts.notes == {"cancelled lines of which some units only were bought": 1}


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([line("1", 6, day=1, customer="")], "by nobody who is known"),
        ([line("1", 6, day=1, customer="1")], "never bought, as far as the data go"),
        ([line("1", 6, day=9)], "bought only later"),
        ([line("1", 6, day=1, price="0")], "its invoice became no order"),
    ],
)
def test_what_matches_no_order_is_counted_by_reason(lines, reason):
    customer = "" if reason == "by nobody who is known" else "17850"

    mapping = map_invoices([*lines, line("C2", -1, day=2, customer=customer)])

    assert not mapping.returns
    assert mapping.accounts.unmatched_units == {f"cancelled: {reason}": 1}
    assert mapping.accounts.skipped_lines[f"cancelled: {reason}"] == 1
    assert mapping.accounts.skipped_invoices[f"cancelled: {reason}"] == 1


@pytest.mark.parametrize(
    ("cancelled", "reason"),
    [
        (line("C2", -1, day=2, code="POST"), "postage"),
        (line("C2", -1, day=2, code="D"), "discount"),
        (line("C2", -1, day=2, code="M"), "no product: manual entry"),
        (line("C2", 1, day=2), "nothing, the quantity is not negative"),
    ],
)
def test_what_is_no_goods_gives_nothing_back(cancelled, reason):
    mapping = map_invoices([line("1", 6, day=1), cancelled])

    assert not mapping.returns
    assert mapping.accounts.skipped_lines == {f"cancelled: {reason}": 1}


def test_the_same_cancellation_is_always_the_same_return():
    lines = [line("1", 6, day=1), line("2", 6, day=2), line("C3", -8, day=3)]

    ids = [each.return_id for each in map_invoices(lines).returns]

    assert ids == [each.return_id for each in map_invoices(lines).returns]
    assert len(set(ids)) == 2
