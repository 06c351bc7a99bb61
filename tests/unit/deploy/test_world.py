"""Customers and providers, without a cluster."""

import asyncio
from types import SimpleNamespace
from uuid import uuid4

import grpc
import pytest

from deploy.local.invariants.merging import side_by_side
from deploy.local.replay_state import ReplayState, load_state, save_state
from deploy.local.world.latency import latency_of
from deploy.local.world.outcomes import Followed, Outcomes
from deploy.local.world.patience import CallRefused, Patience
from deploy.providers.parcels import parcels_of
from deploy.providers.stage import Stage
from retail.fulfillment.v1 import fulfillment_service_pb2 as fulfillment_pb
from retail.order.v1 import order_events_pb2 as events
from retail.order.v1 import order_service_pb2 as pb


def failure(code):
    nothing = grpc.aio.Metadata()
    return grpc.aio.AioRpcError(code, nothing, nothing, "no luck")


def answers(*outcomes):
    waiting = list(outcomes)

    async def call(_request, **_more):
        outcome = waiting.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return call


async def test_a_call_is_made_until_it_is_answered():
    patience = Patience()
    away = failure(grpc.StatusCode.UNAVAILABLE)

    assert await patience(answers(away, away, "yes"), pb.GetOrderRequest()) == "yes"
    assert patience.repeats == {"UNAVAILABLE": 2}


async def test_who_has_no_time_asks_so_often_and_no_more():
    away = failure(grpc.StatusCode.UNAVAILABLE)

    with pytest.raises(CallRefused, match="no luck"):
        await Patience(attempts=2)(answers(away, away, "yes"), pb.GetOrderRequest())


async def test_a_refusal_is_not_asked_again():
    call = answers(failure(grpc.StatusCode.NOT_FOUND))

    with pytest.raises(CallRefused, match="GetOrder"):
        await Patience()(call, pb.GetOrderRequest())


async def test_what_gathers_is_done_together():
    batches = []
    enough = asyncio.Event()

    async def work(batch):
        batches.append(list(batch))
        await asyncio.sleep(0)
        if sum(map(len, batches)) == 5:
            enough.set()

    stage = Stage(work, most=3)
    stage.put([1, 2, 3, 4])
    running = asyncio.create_task(stage.run())
    stage.put([5])
    await enough.wait()
    running.cancel()

    assert batches == [[1, 2, 3], [4, 5]]


def shared_out(units, count):
    work = fulfillment_pb.FulfillmentOrder(
        fulfillment_order_id=str(uuid4()),
        lines=[fulfillment_pb.FulfillmentLine(sku="A", quantity=units)],
    )
    return list(parcels_of(work, count)), list(parcels_of(work, count))


@pytest.mark.parametrize(
    ("units", "count", "shares"), [(5, 2, [2]), (1, 2, []), (6, 3, [2, 2]), (3, 1, [])]
)
def test_goods_are_shared_out_over_the_parcels_and_the_last_one_takes_the_rest(
    units, count, shares
):
    parcels, again = shared_out(units, count)

    assert [parcel.lines[0].quantity for parcel in parcels[:-1]] == shares
    assert parcels[-1].lines == ()
    assert [parcel.id for parcel in parcels] == [parcel.id for parcel in again]


def told(event, order_id):
    return SimpleNamespace(
        subject=event.DESCRIPTOR.full_name,
        data=event.SerializeToString(),
        headers={"ce-subject": order_id},
    )


@pytest.fixture
def outcomes():
    return Outcomes(services=None, patience=Patience())


async def test_an_event_may_come_before_the_answer_that_names_its_order(outcomes):
    await outcomes.hear(told(events.OrderConfirmed(), "1"))
    await outcomes.hear(told(events.OrderCompleted(), "1"))

    order = outcomes.follow("a", pb.Order(order_id="1"), asked_at=0)

    assert order.status == "COMPLETED"
    assert order.confirmed <= order.ended
    assert outcomes.under_way == 0


async def test_a_rejection_has_its_reason(outcomes):
    order = outcomes.follow("a", pb.Order(order_id="1"), asked_at=0)

    await outcomes.hear(told(events.OrderRejected(reason="OUT_OF_STOCK"), "1"))

    assert (order.status, order.reason) == ("REJECTED", "OUT_OF_STOCK")


async def test_an_order_that_had_ended_before_is_not_measured(outcomes):
    ended = pb.Order(order_id="1", status=pb.ORDER_STATUS_COMPLETED)

    order = outcomes.follow("a", ended, asked_at=0)

    assert order.status == "COMPLETED"
    assert order.ended is None


async def test_room_is_made_by_orders_that_end(outcomes):
    outcomes.follow("a", pb.Order(order_id="1"), asked_at=0)
    waiting = asyncio.create_task(outcomes.room(1))
    await asyncio.sleep(0)
    assert not waiting.done()

    await outcomes.hear(told(events.OrderCompleted(), "1"))

    await asyncio.wait_for(waiting, 1)


def test_percentiles_are_times_that_were_measured():
    latency = latency_of([n / 100 for n in range(100, 0, -1)])

    assert (latency.p50, latency.p95, latency.p99, latency.longest) == (0.5, 0.95, 0.99, 1.0)
    assert str(latency_of([])) == "none measured"


def test_the_first_measure_of_an_order_stands(tmp_path):
    def order(confirmed, ended):
        return Followed(
            key="a",
            account_id="a",
            order_id="1",
            asked_at=0,
            looked_at=0,
            confirmed=confirmed,
            ended=ended,
        )

    state = ReplayState(runs=1, seconds=2.0)
    state.note([order(0.5, None)])
    save_state(state, tmp_path / "x.state")
    state = load_state(tmp_path / "x.state")
    state.note([order(None, 7.0)])

    assert state.times == {"1": (0.5, 7.0)}
    assert load_state(tmp_path / "nowhere") == ReplayState()


async def test_rows_of_several_databases_stand_side_by_side():
    async def stream(*rows):
        for row in rows:
            yield row

    rows = [
        (key, [row and row[1] for row in side])
        async for key, side in side_by_side(
            stream((1, "a"), (3, "c")), stream((1, "A"), (2, "B")), stream()
        )
    ]

    assert rows == [(1, ["a", "A", None]), (2, [None, "B", None]), (3, ["c", None, None])]
