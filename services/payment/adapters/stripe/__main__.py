"""
Check the accounts in `PSP_ACCOUNTS`: `python -m services.payment.adapters.stripe`.

Each is asked for one payment intent; nothing is changed.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from services.payment.adapters.stripe.accounts import Account, accounts_from_json
from services.payment.adapters.stripe.client import StripeAccount
from services.payment.adapters.stripe.connections import StripeConnections
from services.payment.adapters.stripe.intents import reason_in
from services.payment.domain.values import PspAccount

SECONDS = 10.0


async def check(accounts: Sequence[Account]) -> bool:
    """
    Print how each of *accounts* does, and return whether all do well.
    """
    connections = StripeConnections(accounts, connections=1)
    try:
        failures = [
            await failure_of(connections.accounts[PspAccount(account.name)]) for account in accounts
        ]
    finally:
        await connections.close()
    for account, failure in zip(accounts, failures, strict=True):
        print(f"{account.name}: {failure or 'well'}; {in_words(account)}")
    return not any(failures)


async def failure_of(account: StripeAccount) -> str:
    """
    Return why *account* cannot be used; empty if it can.
    """
    now = datetime.now(UTC)
    try:
        async with asyncio.timeout(SECONDS):
            reply = await anext(account.intents_between(now - timedelta(hours=1), now))
    except TimeoutError:
        return f"no answer within {SECONDS:.0f} seconds"
    if reply.is_success:
        return ""
    if not reply.status:
        return "not to be reached"
    return f"refused with status {reply.status} {reason_in(reply.error)}".rstrip()


def in_words(account: Account) -> str:
    secrets = len(account.webhook_secrets)
    return (
        f"{'test' if account.api_key.startswith(('sk_test_', 'rk_test_')) else 'LIVE'} key"
        f" at {account.api_base or 'Stripe'},"
        f" for {' '.join(account.merchants)} in {' '.join(account.currencies)},"
        f" {secrets} webhook secret{'' if secrets == 1 else 's'},"
        f" {'several captures' if account.multicapture else 'one capture'} a payment"
    )


if __name__ == "__main__":
    configured = accounts_from_json(os.environ.get("PSP_ACCOUNTS", "[]"))
    if not configured:
        sys.exit("PSP_ACCOUNTS names no account")
    sys.exit(not asyncio.run(check(configured)))
