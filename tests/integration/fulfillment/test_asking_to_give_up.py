"""Who is asked to give work up hears it at once, and what that costs stays as it is."""

import asyncio
from datetime import timedelta

from chassis.events.relay import relay_batch
from chassis.kernel.ids import new_id
from services.fulfillment.application.answer_cancellations import (
    AnswerCancellation,
    answer_cancellations,
)
from services.fulfillment.application.cancel_fulfillment import (
    CancelFulfillment,
    cancel_fulfillment,
)
from services.fulfillment.application.expire_cancellations import (
    expire_cancellations,
    next_cancellation_deadline,
)
from services.fulfillment.application.watch_offers import watch_offers
from services.fulfillment.domain.values import FulfillmentOrderStatus, OrderId, ProviderId
from services.fulfillment.entrypoints.notices import NatsOfferNotices
from services.fulfillment.entrypoints.timers import expire_unanswered_cancellations
from tests.integration.counting import counted
from tests.integration.fulfillment.test_watching_offers import running

ACE = ProviderId("ace")


async def cancel(fulfillment, *order_ids):
    commands = [CancelFulfillment(order_id=order_id) for order_id in order_ids]
    return await cancel_fulfillment(commands, **fulfillment.asking)


def yes_to(work):
    return [
        AnswerCancellation(fulfillment_order_id=some.id, provider_id=ACE, accepted=True, reason="")
        for some in work
    ]


async def next_asked(watch):
    async with asyncio.timeout(5):
        asked = (await anext(watch)).cancellations
        return {(work.id, work.answer_cancellation_by) for work in asked}


async def test_a_request_reaches_the_watcher_by_its_notice(fulfillment, broker, order_id):
    await fulfillment.given_provider("ace")
    (work,) = await fulfillment.given_accepted_work(order_id)
    (open_offer,) = await fulfillment.given_work(OrderId(new_id()))
    notices = NatsOfferNotices(broker, sweep_seconds=60)

    async with running(notices.listen()):
        watch = watch_offers(ACE, uow=fulfillment.uow, notices=notices)
        first = await anext(watch)
        await cancel(fulfillment, order_id)
        await relay_batch(fulfillment.database, broker, context="fulfillment")
        asked = await next_asked(watch)
        await watch.aclose()

    assert [some.offer.id for some in first.offers] == [open_offer.live_offer.id]
    assert asked == {(work.id, fulfillment.now + timedelta(hours=1))}


async def test_a_request_without_a_notice_is_found_by_the_sweep(fulfillment, broker, order_id):
    await fulfillment.given_provider("ace")
    (work,) = await fulfillment.given_accepted_work(order_id)
    watch = watch_offers(
        ACE, uow=fulfillment.uow, notices=NatsOfferNotices(broker, sweep_seconds=0.1)
    )
    looking = asyncio.create_task(next_asked(watch))

    await cancel(fulfillment, order_id)

    assert await looking == {(work.id, fulfillment.now + timedelta(hours=1))}
    await watch.aclose()


async def test_the_timer_takes_silence_for_a_yes(fulfillment, order_id):
    await fulfillment.given_provider("ace")
    await fulfillment.given_accepted_work(order_id)
    await cancel(fulfillment, order_id)
    assert await next_cancellation_deadline(uow=fulfillment.uow) == (
        fulfillment.now + timedelta(hours=1)
    )
    fulfillment.later(hours=1)

    async with (
        running(expire_unanswered_cancellations(**fulfillment.asking)),
        asyncio.timeout(10),
    ):
        while (await fulfillment.work_on(order_id))[0].status is not (
            FulfillmentOrderStatus.CANCELLED
        ):
            await asyncio.sleep(0.01)

    assert await next_cancellation_deadline(uow=fulfillment.uow) is None


async def test_batches_take_as_many_statements_for_many_as_for_one(fulfillment):
    await fulfillment.given_provider("ace")

    async def statements(count):
        ids = [OrderId(new_id()) for _ in range(count)]
        work = await fulfillment.given_accepted_work(*ids)
        silent, asked = work[: count // 2], work[count // 2 :]
        with counted(fulfillment.database) as sent:
            await cancel(fulfillment, *ids)
            await answer_cancellations(yes_to(asked), **fulfillment.asking)
            fulfillment.later(hours=1)
            assert await expire_cancellations(**fulfillment.asking) == len(silent)
        return len(sent)

    few, many = await statements(2), await statements(200)

    assert few == many
