"""The connections to Stripe: opened when needed, kept, and bounded for each account."""

from collections.abc import Sequence

import aiohttp

from services.payment.adapters.stripe.accounts import Account
from services.payment.adapters.stripe.client import StripeAccount
from services.payment.domain.values import PspAccount

# An idle connection is given up before a load balancer between would cut it unasked.
KEPT_SECONDS = 30


class StripeConnections:
    """
    Args:
        connections: How many requests to each of *accounts* may be under way at once; more wait.

    Attributes:
        accounts: By their names.
    """

    def __init__(self, accounts: Sequence[Account], *, connections: int) -> None:
        self._sessions = {account.name: _session(connections) for account in accounts}
        self.accounts = {
            PspAccount(account.name): StripeAccount(
                api_key=account.api_key,
                api_base=account.api_base,
                multicapture=account.multicapture,
                session=self._sessions[account.name],
            )
            for account in accounts
        }

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()


def _session(connections: int) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=KEPT_SECONDS),
        # Each request is bounded by its caller's deadline.
        timeout=aiohttp.ClientTimeout(total=None),
        cookie_jar=aiohttp.DummyCookieJar(),
    )
