"""What an audit expects of invoices, and which differences it sees."""

from collections import Counter
from datetime import datetime
from decimal import Decimal
from uuid import uuid4

import pytest

from deploy.local.auditing.comparing import compare
from deploy.local.auditing.expected import expected_of
from deploy.local.auditing.found import Found, FoundReturn
from deploy.local.invoices.mapping import map_invoices
from deploy.local.invoices.reading import InvoiceLine


def line(invoice, quantity, price="2.50", *, code="A"):
    return InvoiceLine(
        invoice=invoice,
        code=code,
        description="A HEART",
        quantity=quantity,
        date=datetime(2010, 12, 1),  # noqa: DTZ001  as in the data
        price=Decimal(price),
        customer="1",
        country="United Kingdom",
    )


def expected(*lines):
    (only,) = expected_of(map_invoices(lines))
    return only


def test_an_invoice_is_charged_what_stands_on_it():
    invoice = expected(
        line("1", 3), line("1", 1, "18", code="POST"), line("1", -1, "1.50", code="D")
    )

    assert (invoice.charged, invoice.refunded) == (3 * 250 + 1800 - 150, 0)


def test_what_comes_back_is_worth_its_price_less_its_share_of_the_discount():
    # 3 × 1.00 cost 2.00, so 2 of them 1.33⅓: rounded down.
    invoice = expected(
        line("1", 3, "1.00"), line("1", -1, "1.00", code="D"), line("C2", -2, "1.00")
    )

    assert invoice.refunded == 133


def test_returns_of_one_invoice_are_rounded_together():
    invoice = expected(
        line("1", 3, "1.00"),
        line("1", -1, "1.00", code="D"),
        line("C2", -1, "1.00"),
        line("C3", -1, "1.00"),
        line("C4", -1, "1.00"),
    )

    assert (len(invoice.returns), invoice.refunded) == (3, 200)


def test_postage_is_not_paid_back():
    invoice = expected(line("1", 3), line("1", 1, "18", code="POST"), line("C2", -3))

    assert invoice.refunded == 750


def test_of_a_sku_on_several_lines_the_first_ones_come_back_first():
    invoice = expected(line("1", 2, "1.00"), line("1", 2, "3.00"), line("C2", -3, "3.00"))

    assert invoice.refunded == 100 + 100 + 300


def test_a_discount_above_the_goods_leaves_nothing_to_pay_back():
    invoice = expected(
        line("1", 1, "1.00"),
        line("1", 1, "5.00", code="POST"),
        line("1", -1, "2.00", code="D"),
        line("C2", -1, "1.00"),
    )

    assert (invoice.charged, invoice.refunded) == (400, 0)


INVOICE = (line("1", 3), line("1", 2, "1.00", code="B"), line("C2", -2))


def as_it_should_be():
    """
    Return the invoice as it stands in the databases when nothing is wrong.
    """
    invoice = expected(*INVOICE)
    (return_id,) = invoice.returns
    units = Counter(invoice.units)
    back = FoundReturn(
        state="CLOSED", noted=500, paid=500, units=Counter({"A": 2}), restocked=Counter({"A": 2})
    )
    order = Found(
        order_id=uuid4(),
        status="COMPLETED",
        reason="",
        ordered=units.copy(),
        shipped=units.copy(),
        booked_out=units.copy(),
        captured=950,
        refunded=500,
    )
    order.returns[return_id] = back
    return invoice, order, back


def test_what_agrees_is_no_difference():
    invoice, order, _ = as_it_should_be()

    audit = compare([invoice], {"1": [order]})

    assert audit.differences == []
    assert audit.file == audit.databases
    assert audit.file["units restocked"] == 2


def change_status(order, _back):
    order.status = "PLACED"


def change_ordered(order, _back):
    order.ordered["B"] -= 1


def change_shipped(order, _back):
    order.shipped["C"] += 1


def change_booked_out(order, _back):
    order.booked_out["A"] += 1


def change_captured(order, _back):
    order.captured += 1


def change_refunded(order, _back):
    order.refunded -= 1


def lose_return(order, _back):
    order.returns.clear()


def add_return(order, _back):
    order.returns[str(uuid4())] = FoundReturn(state="CLOSED")


def leave_return_open(_order, back):
    back.state = "RECEIVED"


def change_units(_order, back):
    back.units["A"] -= 1


def change_restocked(_order, back):
    back.restocked["A"] += 1


def change_noted(_order, back):
    back.noted += 1


@pytest.mark.parametrize(
    ("mistake", "what"),
    [
        (change_status, "status"),
        (change_ordered, "units ordered of B"),
        (change_shipped, "units shipped of C"),
        (change_booked_out, "units booked out of A"),
        (change_captured, "captured"),
        (change_refunded, "refunded"),
        (lose_return, "return"),
        (add_return, "return"),
        (leave_return_open, "return"),
        (change_units, "return"),
        (change_restocked, "return"),
        (change_noted, "return"),
    ],
)
def test_every_mistake_is_a_difference(mistake, what):
    invoice, order, back = as_it_should_be()
    mistake(order, back)

    (difference,) = compare([invoice], {"1": [order]}).differences

    assert difference.invoice == "1"
    assert difference.what.startswith(what)


def test_an_invoice_without_an_order_and_one_with_two_are_differences():
    invoice, order, _ = as_it_should_be()

    assert len(compare([invoice], {}).differences) == 1
    assert len(compare([invoice], {"1": [order, order]}).differences) == 1


def test_an_order_that_came_to_nothing_is_counted_and_has_moved_nothing():
    invoice, order, _ = as_it_should_be()
    order.status, order.reason = "REJECTED", "OUT_OF_STOCK"

    moved = compare([invoice], {"1": [order]})
    order.shipped, order.booked_out, order.captured, order.refunded = Counter(), Counter(), 0, 0
    order.returns.clear()
    unmoved = compare([invoice], {"1": [order]})

    assert len(moved.differences) == 2 + 2 + 2 + 1
    assert (unmoved.unsold, unmoved.differences) == ({"REJECTED OUT_OF_STOCK": 1}, [])
