from uuid import UUID

import pytest

from chassis.kernel.card_numbers import CardNumberRefused
from chassis.kernel.money import Money
from chassis.kernel.psp_token import PspToken, PspTokenMalformed
from services.payment.domain.ledger import (
    Account,
    EntryKind,
    JournalEntry,
    NotDoubleEntry,
    credit,
    debit,
)
from services.payment.domain.values import (
    MAIN_MERCHANT,
    PaymentId,
    TransactionKind,
    transaction_id_of,
)

PAYMENT = PaymentId(UUID(int=1))


@pytest.mark.parametrize(
    "number", ["4242424242424242", "4242 4242 4242 4242", "378282246310005", "4222222222222"]
)
def test_a_card_number_is_refused_and_not_repeated(number):
    with pytest.raises(CardNumberRefused) as refusal:
        PspToken(number)

    assert number not in str(refusal.value)


@pytest.mark.parametrize("token", ["tok_visa", "4242424242424241", "123456789012"])
def test_what_is_no_card_number_may_be_a_token(token):
    assert PspToken(token).text == token


@pytest.mark.parametrize("token", ["", "x" * 256, "tok\x00", "tök"])
def test_a_token_is_a_short_printable_word(token):
    with pytest.raises(PspTokenMalformed):
        PspToken(token)


def test_the_same_thing_asked_for_twice_is_one_transaction():
    first = transaction_id_of(PAYMENT, TransactionKind.AUTHORIZATION)
    again = transaction_id_of(PAYMENT, TransactionKind.AUTHORIZATION)
    void = transaction_id_of(PAYMENT, TransactionKind.VOID)

    assert first == again != void


@pytest.mark.parametrize(
    "postings",
    [
        (),
        (debit(Account.SALES, Money(1, "EUR")),),
        (debit(Account.SALES, Money(1, "EUR")), credit(Account.SALES, Money(1, "GBP"))),
        (debit(Account.SALES, Money(0, "EUR")), credit(Account.SALES, Money(0, "EUR"))),
    ],
)
def test_an_entry_that_does_not_balance_cannot_be(postings):
    with pytest.raises(NotDoubleEntry):
        JournalEntry(
            kind=EntryKind.CAPTURE,
            merchant=MAIN_MERCHANT,
            cause_id=UUID(int=2),
            payment_id=PAYMENT,
            occurred_at=None,
            postings=postings,
        )
