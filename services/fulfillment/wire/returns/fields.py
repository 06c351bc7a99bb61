"""Fields that several messages of returns have."""

import re
from collections.abc import Collection
from enum import StrEnum
from typing import Any, TypeVar

from chassis.kernel.errors import InvalidInput
from chassis.kernel.ids import parse_id
from services.fulfillment.domain.returns.values import AccountId, ReturnId

_ACCOUNT = re.compile(r"[A-Za-z0-9\-_.:]{1,64}")

E = TypeVar("E", bound=StrEnum)


class AccountMalformed(InvalidInput):
    pass


class ValueNotOffered(InvalidInput):
    pass


def account_id_from_wire(account_id: str) -> AccountId:
    if not _ACCOUNT.fullmatch(account_id):
        raise AccountMalformed(
            'account_id must be 1 to 64 letters, digits and "-_.:"', field="account_id"
        )
    return AccountId(account_id)


def return_id_from_wire(return_id: str, field: str) -> ReturnId:
    return ReturnId(parse_id(return_id, field))


def one_of(kinds: Any, number: int, offered: Collection[E], field: str) -> E:
    """
    Return which of *offered* the value *number* of the contract's enum *kinds* is.

    Raises:
        ValueNotOffered: It is none of them.
    """
    name = kinds.Name(number) if number in kinds.values() else ""
    for word in offered:
        if name == f"{_prefix_of(kinds)}{word}":
            return word
    raise ValueNotOffered(f"{field} must be one of {', '.join(sorted(offered))}", field=field)


def _prefix_of(kinds: Any) -> str:
    # Such as RETURN_REASON_, of RETURN_REASON_UNSPECIFIED.
    return str(kinds.Name(0)).removesuffix("UNSPECIFIED")
