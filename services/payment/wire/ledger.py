"""The books as they are asked about and answered: payment_service.proto."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from chassis.kernel.errors import InvalidInput
from chassis.kernel.money import Money
from chassis.rpc.money import money_to_wire
from chassis.rpc.timestamps import timestamp_from_wire, timestamp_to_wire
from retail.payment.v1 import payment_service_pb2 as pb
from services.payment.application.ledger.get_account_statement import GetAccountStatement
from services.payment.application.ledger.get_trial_balance import GetTrialBalance, TrialBalance
from services.payment.domain.ledger import Account, Balance
from services.payment.domain.statement import LedgerAccount, Place, Statement, StatementLine
from services.payment.domain.values import MerchantId
from services.payment.wire.pages import (
    micros_of,
    moment_of,
    page_size_from_wire,
    page_token_invalid,
    page_token_to_wire,
    place_from_wire,
)
from services.payment.wire.requests import merchant_from_wire

# Before anything was booked.
_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


class AccountUnknown(InvalidInput):
    pass


def trial_balance_from_wire(request: pb.GetTrialBalanceRequest) -> GetTrialBalance:
    return GetTrialBalance(
        as_of=_time_from_wire(request, "as_of"),
        merchant=MerchantId(request.merchant_id) if request.merchant_id else None,
    )


def trial_balance_to_wire(balance: TrialBalance) -> pb.GetTrialBalanceResponse:
    return pb.GetTrialBalanceResponse(
        balances=[balance_to_wire(each) for each in balance.balances],
        as_of=timestamp_to_wire(balance.as_of),
    )


def balance_to_wire(balance: Balance) -> pb.AccountBalance:
    return pb.AccountBalance(
        account=balance.account,
        balance=money_to_wire(balance.amount),
        merchant_id=balance.merchant.text if balance.merchant else "",
    )


def statement_from_wire(request: pb.GetAccountStatementRequest) -> GetAccountStatement:
    after = Place.end_of(_time_from_wire(request, "from_time") or _BEGINNING)
    until = _time_from_wire(request, "to_time")
    if request.page_token:
        after, until = _page_from_wire(request)
    return GetAccountStatement(
        of=LedgerAccount(
            merchant=merchant_from_wire(request.merchant_id),
            account=account_from_wire(request.account),
            currency=Money(0, request.currency_code).currency,
        ),
        after=after,
        until=until,
        page_size=page_size_from_wire(request.page_size),
    )


def account_from_wire(name: str) -> Account:
    """
    Raises:
        AccountUnknown: There is no such account.
    """
    try:
        return Account(name)
    except ValueError:
        raise AccountUnknown(
            f"account must be one of {', '.join(Account)}", field="account"
        ) from None


def statement_to_wire(
    statement: Statement, request: pb.GetAccountStatementRequest
) -> pb.GetAccountStatementResponse:
    return pb.GetAccountStatementResponse(
        opening_balance=money_to_wire(statement.opening),
        postings=[line_to_wire(line) for line in statement.lines],
        closing_balance=money_to_wire(statement.closing),
        next_page_token=_page_to_wire(statement.next, statement.until, request)
        if statement.next
        else "",
    )


def line_to_wire(line: StatementLine) -> pb.LedgerPosting:
    posting = line.posting
    return pb.LedgerPosting(
        entry_id=str(posting.entry_id),
        book_time=timestamp_to_wire(posting.place.booked_at),
        kind=posting.kind,
        amount=money_to_wire(posting.amount),
        balance=money_to_wire(line.balance),
        payment_id=str(posting.payment_id) if posting.payment_id else "",
    )


def _time_from_wire(
    request: pb.GetTrialBalanceRequest | pb.GetAccountStatementRequest, field: str
) -> datetime | None:
    if not request.HasField(field):
        return None
    wire: Timestamp = getattr(request, field)
    return timestamp_from_wire(wire, field)


def _page_to_wire(place: Place, until: datetime, request: pb.GetAccountStatementRequest) -> str:
    # The end stays as it was when the first page was asked for: what is booked meanwhile is on
    # none of them.
    said = (micros_of(until), micros_of(place.booked_at), place.shard, place.line)
    return page_token_to_wire(" ".join(map(str, said)), request)


def _page_from_wire(request: pb.GetAccountStatementRequest) -> tuple[Place, datetime]:
    try:
        said = place_from_wire(request.page_token, request).split(" ")
        until, booked_at, shard, line = map(int, said)
        if shard in range(2**15) and line in range(2**31) and booked_at <= until:
            return Place(moment_of(booked_at), shard, line), moment_of(until)
    except (ValueError, OverflowError):
        pass
    raise page_token_invalid()
