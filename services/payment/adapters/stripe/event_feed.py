"""What an account at Stripe tells, by its list of events."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime

import orjson

from chassis.kernel.clock import Clock
from services.payment.adapters.stripe.client import StripeAccount
from services.payment.adapters.stripe.intents import Object
from services.payment.application.webhooks.ports import PspEvent, PspEventId, PspUnavailable
from services.payment.domain.values import PspAccount

# What no call of ours would tell us. There are few of them: what is captured and authorized by the
# thousand is answered, or asked about again.
TYPES = ("charge.dispute.*", "refund.*", "payment_intent.canceled")


class StripeEventFeed:
    """
    Args:
        accounts: By their names.
    """

    def __init__(self, accounts: Mapping[PspAccount, StripeAccount], *, clock: Clock) -> None:
        self._accounts = accounts
        self._clock = clock

    async def told_since(
        self, account: PspAccount, since: datetime
    ) -> AsyncIterator[Sequence[PspEvent]]:
        for type_ in TYPES:
            async for page in self._accounts[account].events_since(since, type_):
                if not page.is_success:
                    raise PspUnavailable(f"the PSP does not list events of {account}")
                yield [self._event(listed, account) for listed in page.body["data"]]

    def _event(self, listed: Object, account: PspAccount) -> PspEvent:
        return PspEvent(
            account=account,
            id=PspEventId(listed["id"]),
            type=listed["type"],
            payload=orjson.dumps(listed).decode(),
            created_at=datetime.fromtimestamp(listed["created"], UTC),
            received_at=self._clock(),
        )
