from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.kernel.errors import InvalidInput
from chassis.kernel.money import Money
from retail.payment.v1 import payment_service_pb2 as pb
from services.payment.entrypoints.servicer import PaymentServicer

HOUR = timedelta(hours=1)


def at(moment):
    wire = Timestamp()
    wire.FromDatetime(moment)
    return wire


def statement_request(**fields):
    return pb.GetAccountStatementRequest(
        **{"account": "psp_clearing", "currency_code": "EUR", **fields}
    )


def servicer(world):
    return PaymentServicer(
        uow=world.uow, psp=world.psp, accounts=world, clock=world.clock, refund_window=HOUR
    )


async def trial_balance(world, **fields):
    return await servicer(world).GetTrialBalance(pb.GetTrialBalanceRequest(**fields), None)


async def statement(world, **fields):
    return await servicer(world).GetAccountStatement(statement_request(**fields), None)


@pytest.fixture
async def captured(world, payment_id, capture_id):
    """
    A world in which 30 euros were captured an hour ago.
    """
    await world.authorize(payment_id)
    await world.capture(payment_id, capture_id, Money(30_00, "EUR"))
    world.now += HOUR
    return world


async def test_the_trial_balance_says_what_accounts_hold_and_as_of_when(captured):
    now = await trial_balance(captured)
    before = await trial_balance(captured, as_of=at(captured.now - 2 * HOUR))

    assert {each.account: each.balance.units for each in now.balances} == {
        "customer_receivable": 0,
        "psp_clearing": 30,
        "sales": -30,
    }
    assert now.as_of.ToDatetime(UTC) == captured.now
    assert not before.balances


async def test_the_trial_balance_of_a_merchant_names_it(captured):
    main = await trial_balance(captured, merchant_id="main")
    other = await trial_balance(captured, merchant_id="other")

    assert {each.merchant_id for each in main.balances} == {"main"}
    assert not other.balances


async def test_pages_of_a_statement_follow_each_other(captured):
    first = await statement(captured, account="customer_receivable", page_size=1)
    captured.now += HOUR
    second = await statement(
        captured,
        account="customer_receivable",
        page_size=1,
        page_token=first.next_page_token,
    )

    assert [posting.amount.units for posting in first.postings] == [30]
    assert [posting.amount.units for posting in second.postings] == [-30]
    assert second.opening_balance == first.closing_balance == first.postings[0].balance
    assert (second.closing_balance.units, second.next_page_token) == (0, "")


async def test_a_posting_says_what_it_is_for(captured, payment_id):
    (posting,) = (await statement(captured)).postings

    assert (posting.kind, posting.payment_id) == ("CAPTURE", str(payment_id))
    assert posting.book_time.ToDatetime(UTC) == captured.now - HOUR


async def test_from_time_is_exclusive_and_to_time_inclusive(captured):
    moment = at(captured.now - HOUR)

    up_to = await statement(captured, to_time=moment)
    after = await statement(captured, from_time=moment)

    assert len(up_to.postings) == 1
    assert not after.postings
    assert after.opening_balance.units == after.closing_balance.units == 30


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("account", {"account": "petty_cash"}),
        ("account", {"account": ""}),
        ("currency_code", {"currency_code": "euro"}),
        ("merchant_id", {"merchant_id": "No One"}),
        ("page_size", {"page_size": -1}),
        ("page_size", {"page_size": 1_001}),
        ("page_token", {"page_token": "x"}),
        ("page_token", {"page_token": "ÄÖÜ"}),
        ("from_time", {"from_time": Timestamp(seconds=-(10**12))}),
        (
            "from_time",
            {
                "from_time": at(datetime(2026, 1, 1, 11, tzinfo=UTC)),
                "to_time": at(datetime(2026, 1, 1, 10, tzinfo=UTC)),
            },
        ),
        ("to_time", {"to_time": at(datetime(2030, 1, 1, tzinfo=UTC))}),
    ],
)
async def test_what_makes_no_sense_is_refused_by_the_name_of_its_field(world, field, fields):
    with pytest.raises(InvalidInput) as refused:
        await statement(world, **fields)

    assert refused.value.field == field


async def test_a_page_token_fits_the_statement_it_came_with(captured):
    token = (await statement(captured, account="customer_receivable", page_size=1)).next_page_token

    for fields in ({"account": "sales"}, {"account": "customer_receivable", "merchant_id": "x"}):
        with pytest.raises(InvalidInput) as refused:
            await statement(captured, page_token=token, **fields)
        assert refused.value.field == "page_token"
