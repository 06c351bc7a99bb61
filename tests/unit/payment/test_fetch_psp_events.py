from datetime import UTC, datetime

import pytest

from services.payment.application.webhooks.fetch_psp_events import fetch_psp_events
from services.payment.application.webhooks.ports import PspEvent, PspEventId, PspUnavailable
from services.payment.domain.values import PspAccount

MAIN = PspAccount("main")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def event(account, number):
    return PspEvent(
        account=account,
        id=PspEventId(f"evt_{number}"),
        type="charge.dispute.created",
        payload="{}",
        created_at=NOON,
        received_at=NOON,
    )


class Feed:
    def __init__(self, **pages):
        self.pages = pages

    async def told_since(self, account, since):
        assert since == NOON
        for page in self.pages.get(account, ()):
            if page is None:
                raise PspUnavailable(account)
            yield page


async def test_what_nobody_heard_is_written_down_once(world):
    feed = Feed(main=[[event(MAIN, 1), event(MAIN, 2)], [event(MAIN, 2)]])

    missed = [await fetch_psp_events(MAIN, uow=world.uow, feed=feed, since=NOON) for _ in range(2)]

    assert missed == [2, 0]


async def test_what_came_before_the_psp_fell_silent_is_kept(world):
    with pytest.raises(PspUnavailable):
        await fetch_psp_events(
            MAIN, uow=world.uow, feed=Feed(main=[[event(MAIN, 1)], None]), since=NOON
        )

    later = Feed(main=[[event(MAIN, 1)]])
    assert await fetch_psp_events(MAIN, uow=world.uow, feed=later, since=NOON) == 0
