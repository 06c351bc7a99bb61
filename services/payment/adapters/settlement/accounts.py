"""The accounts at the PSP that are reconciled."""

from collections.abc import Mapping, Sequence

from services.payment.adapters.stripe.accounts import ANY, Account
from services.payment.application.reconciliation.ports import PspAccountUnknown
from services.payment.domain.values import MAIN_MERCHANT, MerchantId, PspAccount


class ConfiguredSettledAccounts:
    """
    Those of the configuration. What is about no payment of ours is in the books of the first
    merchant that an account is for by name, else of the main one.
    """

    def __init__(self, accounts: Sequence[Account]) -> None:
        self._merchants: Mapping[PspAccount, MerchantId] = {
            PspAccount(account.name): _first_of(account.merchants) for account in accounts
        }

    def names(self) -> Sequence[PspAccount]:
        return list(self._merchants)

    def merchant_of(self, account: PspAccount) -> MerchantId:
        if account not in self._merchants:
            raise PspAccountUnknown(f"there is no account {account[:64]!r}", field="psp_account")
        return self._merchants[account]


def _first_of(merchants: Sequence[str]) -> MerchantId:
    named = [MerchantId(merchant) for merchant in merchants if merchant != ANY]
    return named[0] if named else MAIN_MERCHANT
