import json

import pytest

from services.payment.adapters.settlement.accounts import ConfiguredSettledAccounts
from services.payment.adapters.stripe.accounts import (
    AccountsMalformed,
    ConfiguredAccounts,
    accounts_from_json,
)
from services.payment.application.ports import CurrencyNotServed
from services.payment.application.reconciliation.ports import PspAccountUnknown
from services.payment.domain.values import MAIN_MERCHANT, MerchantId, PspAccount

SECRET = "sk_test_secret"


def configured(*accounts):
    return json.dumps([{"api_key": SECRET, **account} for account in accounts])


def accounts(*given):
    return ConfiguredAccounts(accounts_from_json(configured(*given)))


def test_an_account_serves_everybody_unless_told_otherwise():
    assert accounts({"name": "main"}).account_for(MAIN_MERCHANT, "EUR") == "main"


def test_the_first_that_serves_merchant_and_currency_is_taken():
    served = accounts(
        {"name": "shop-eur", "merchants": ["shop"], "currencies": ["EUR"]},
        {"name": "shop", "merchants": ["shop"]},
        {"name": "rest"},
    )

    assert served.account_for(MerchantId("shop"), "EUR") == "shop-eur"
    assert served.account_for(MerchantId("shop"), "USD") == "shop"
    assert served.account_for(MAIN_MERCHANT, "EUR") == "rest"


@pytest.mark.parametrize("given", [[], [{"name": "yen", "currencies": ["JPY"]}]])
def test_a_currency_that_no_account_serves_is_refused(given):
    with pytest.raises(CurrencyNotServed) as refused:
        accounts(*given).account_for(MAIN_MERCHANT, "EUR")

    assert refused.value.field == "amount"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "truncated"),
        ("{}", "array"),
        ('[{"name": "main"}]', "api_key"),
        (configured({"name": "Main"}), r"\[0\].name"),
        (configured({"name": "main", "api_key": f"{SECRET}\n"}), r"\[0\].api_key"),
        (configured({"name": "main", "api_base": "ftp://there"}), r"\[0\].api_base"),
        (configured({"name": "main", "curencies": ["EUR"]}), "curencies"),
        (configured({"name": "main", "currencies": ["euro"]}), "account main: a currency is"),
        (configured({"name": "main", "merchants": ["The Shop"]}), "account main: a merchant is"),
        (configured({"name": "main", "merchants": []}), r"\[0\].merchants"),
        (configured({"name": "main"}, {"name": "main"}), "twice the name main"),
    ],
)
def test_what_is_wrong_is_named_at_start_without_a_secret(text, said):
    with pytest.raises(AccountsMalformed, match=said) as stopped:
        accounts_from_json(text)

    assert "PSP_ACCOUNTS" in str(stopped.value)
    assert SECRET not in str(stopped.value)


def test_whoever_names_an_account_that_is_none_does_not_get_it_all_back():
    # A gRPC status has room for some kilobytes.
    with pytest.raises(PspAccountUnknown) as refused:
        ConfiguredSettledAccounts([]).merchant_of(PspAccount("x" * 100_000))

    assert len(str(refused.value)) < 100


def test_an_account_does_not_show_its_secrets():
    (account,) = accounts_from_json(configured({"name": "main", "webhook_secrets": ["whsec_1"]}))

    assert repr(account) == str(account) == "Account('main')"
