"""Pay a merchant's balance out to its bank."""

from dataclasses import dataclass
from typing import Any

from deploy.psp.case import Case, new_id
from deploy.psp.records import Movement


@dataclass(frozen=True, slots=True, kw_only=True)
class PayOut:
    """
    Attributes:
        movements: What has not been paid out, in one currency.
    """

    movements: tuple[Movement, ...]


def pay_out(command: PayOut, case: Case) -> dict[str, Any]:
    """
    Let all *movements* leave with one payout. A balance that is not above zero stays.
    """
    total = sum(movement.net for movement in command.movements)
    if total <= 0:
        return {"object": "payout", "id": None, "amount": 0}
    payout = new_id("po")
    currency = command.movements[0].currency
    leaves = Movement(
        id=new_id("txn"),
        account=case.account,
        created=case.time,
        category="payout",
        currency=currency,
        amount=-total,
        fee=0,
        source=payout,
        payout=payout,
    )
    for movement in command.movements:
        movement.payout = payout
        case.books.keep(movement)
    case.books.keep(leaves)
    shown = {
        "id": payout,
        "object": "payout",
        "amount": total,
        "arrival_date": case.time,
        "automatic": False,
        "balance_transaction": leaves.id,
        "created": case.time,
        "currency": currency.lower(),
        "livemode": False,
        "status": "paid",
        "type": "bank_account",
    }
    case.tell("payout.created", shown)
    case.tell("payout.paid", shown)
    return shown
