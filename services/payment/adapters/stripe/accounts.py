"""The accounts at Stripe that the configuration names, and whom each serves."""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from chassis.kernel.errors import InvalidInput
from chassis.kernel.money import Money
from chassis.settings import BadSettings
from services.payment.application.ports import CurrencyNotServed
from services.payment.domain.values import MerchantId, PspAccount

ANY = "*"


class AccountsMalformed(BadSettings):
    """
    What is configured cannot be; the text says what and where, and no secret.
    """


class Account(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    Attributes:
        name: Ours; it stays with each payment, so that it must not be given to another account.
        api_key: The secret key.
        api_base: Where the API is; empty: at Stripe.
        webhook_secrets: What webhooks are signed with: while the secret is changed, two.
        merchants, currencies: Whom it serves, and in what; `*` for all.
        multicapture: Whether it may take of a payment intent several times, and add to it.
    """

    name: Annotated[str, msgspec.Meta(pattern="^[a-z0-9_-]{1,64}$")]
    api_key: Annotated[str, msgspec.Meta(pattern=r"^[!-~]+\Z")]
    api_base: Annotated[str, msgspec.Meta(pattern="^(https?://[^/?#@]+)?$")] = ""
    webhook_secrets: Sequence[Annotated[str, msgspec.Meta(min_length=1)]] = ()
    merchants: Annotated[Sequence[str], msgspec.Meta(min_length=1)] = (ANY,)
    currencies: Annotated[Sequence[str], msgspec.Meta(min_length=1)] = (ANY,)
    multicapture: bool = True

    def __post_init__(self) -> None:
        try:
            for merchant in self.merchants:
                merchant == ANY or MerchantId(merchant)
            for currency in self.currencies:
                currency == ANY or Money(0, currency)
        except InvalidInput as error:
            raise ValueError(f"account {self.name}: {error}") from None

    def serves(self, merchant: MerchantId, currency: str) -> bool:
        return not {ANY, str(merchant)}.isdisjoint(self.merchants) and not (
            {ANY, currency}.isdisjoint(self.currencies)
        )

    def __repr__(self) -> str:
        # Without secrets: it may end up in a log.
        return f"Account({self.name!r})"


class ConfiguredAccounts:
    """
    Which account serves whom: the first that does.
    """

    def __init__(self, accounts: Sequence[Account]) -> None:
        self.all = accounts

    def account_for(self, merchant: MerchantId, currency: str) -> PspAccount:
        for account in self.all:
            if account.serves(merchant, currency):
                return PspAccount(account.name)
        raise CurrencyNotServed(
            f"no account at the PSP serves merchant {merchant} in {currency}", field="amount"
        )


def accounts_from_json(text: str) -> Sequence[Account]:
    """
    Return the accounts that *text* lists: as a rule what `PSP_ACCOUNTS` holds.

    Raises:
        AccountsMalformed: It is not what it should be.
    """
    try:
        accounts = msgspec.json.decode(text, type=list[Account])
    except msgspec.DecodeError as error:
        raise AccountsMalformed(f"cannot start: PSP_ACCOUNTS: {error}") from None
    names = [account.name for account in accounts]
    if twice := {name for name in names if names.count(name) > 1}:
        raise AccountsMalformed(
            f"cannot start: PSP_ACCOUNTS: twice the name {', '.join(sorted(twice))}"
        )
    return accounts
