import asyncio
import time
from uuid import UUID

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from chassis.kernel.errors import RuleViolated
from chassis.outages import in_words
from chassis.rpc import deadlines
from chassis.rpc.client import channel
from chassis.rpc.errors import reason_of, status_of
from chassis.rpc.metrics import calls_of
from chassis.rpc.server import PortTaken, Server
from chassis.telemetry.tracing import item_traces, pack_items
from deploy.local.ports import Ports
from retail.order.v1 import order_service_pb2 as pb
from retail.order.v1.order_service_pb2_grpc import (
    OrderServiceServicer,
    OrderServiceStub,
    add_OrderServiceServicer_to_server,
)


class OrderTooOld(RuleViolated):
    pass


class Servicer(OrderServiceServicer):
    """
    Does what the order id of a request says.
    """

    def __init__(self) -> None:
        self.finished = []
        self.budgets = []
        self.traces = {}

    async def GetOrder(self, request, context):  # noqa: ARG002, N802
        self.budgets.append(deadlines.budget(60))
        self.traces = dict(item_traces())
        match request.order_id:
            case "refuse":
                raise OrderTooOld("it is from last year")
            case "break":
                raise ValueError("secret: postgresql://user:password@host")
            case "outage":
                raise ConnectionResetError("the database went away")
            case "cancel":
                raise asyncio.CancelledError
            case "slow":
                await asyncio.sleep(0.3)
        self.finished.append(request.order_id)
        return pb.GetOrderResponse()


@pytest.fixture
async def served():
    """
    Return a servicer behind a real server, and a stub on a real channel to it.
    """
    address = f"127.0.0.1:{Ports({}).take()}"
    servicer = Servicer()
    server = Server(domain="order.retail", address=address)
    add_OrderServiceServicer_to_server(servicer, server.grpc)
    await server.start()
    async with channel(f"ipv4:{address}") as open_channel:
        yield servicer, OrderServiceStub(open_channel), address
    await server.stop()


async def failure_of(call):
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    return failed.value


async def test_a_refusal_arrives_with_its_reason(served):
    _, stub, _ = served

    error = await failure_of(stub.GetOrder(pb.GetOrderRequest(order_id="refuse")))

    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert error.details() == "it is from last year"
    assert reason_of(status_of(error)) == "ORDER_TOO_OLD"


async def test_an_unforeseen_error_tells_the_client_nothing(served):
    _, stub, _ = served

    error = await failure_of(stub.GetOrder(pb.GetOrderRequest(order_id="break")))

    assert error.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in error.details()


@pytest.mark.parametrize("method", ["GetOrder", "WatchOrder"])
@pytest.mark.parametrize("request_bytes", [b"\xff\xff\xff", b"\x0a\x02\xff\xfe"])
async def test_what_cannot_be_read_is_refused_in_our_words(served, method, request_bytes):
    async with grpc.aio.insecure_channel(served[2]) as open_channel:
        path = f"/retail.order.v1.OrderService/{method}"
        if method == "GetOrder":
            error = await failure_of(open_channel.unary_unary(path)(request_bytes))
        else:
            error = await failure_of(open_channel.unary_stream(path)(request_bytes).read())

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(status_of(error)) == "REQUEST_UNREADABLE"


async def test_a_handler_that_is_cancelled_from_within_lets_nobody_wait(served):
    _, stub, _ = served

    request = pb.GetOrderRequest(order_id="cancel")
    error = await failure_of(stub.GetOrder(request, timeout=2, wait_for_ready=False))

    assert error.code() is grpc.StatusCode.UNAVAILABLE


async def test_an_outage_behind_the_service_is_unavailable(served):
    _, stub, _ = served

    error = await failure_of(stub.GetOrder(pb.GetOrderRequest(order_id="outage"), timeout=0.5))

    assert error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


async def test_what_went_wrong_with_a_call_is_told_in_one_line_with_who_was_called(served):
    _, stub, _ = served

    late = await failure_of(stub.GetOrder(pb.GetOrderRequest(order_id="slow"), timeout=0.1))
    token = deadlines.begin(0.01)
    too_late = await failure_of(stub.GetOrder(pb.GetOrderRequest()))
    deadlines.end(token)

    assert in_words(late) == "OrderService/GetOrder DEADLINE_EXCEEDED: Deadline Exceeded"
    assert in_words(too_late) == (
        "OrderService/GetOrder DEADLINE_EXCEEDED: no time was left to call"
    )


async def test_every_call_has_a_deadline(served):
    servicer, stub, _ = served

    await stub.GetOrder(pb.GetOrderRequest())

    assert 0 < servicer.budgets[0] < deadlines.DEFAULT_SECONDS


async def test_calls_are_counted_whatever_comes_of_them(served):
    _, stub, _ = served
    calls = calls_of("/retail.order.v1.OrderService/GetOrder")
    before = calls.collect()[0].samples[0].value

    await stub.GetOrder(pb.GetOrderRequest(order_id="fine"))
    await failure_of(stub.GetOrder(pb.GetOrderRequest(order_id="refuse")))

    assert calls.collect()[0].samples[0].value - before == 2


async def test_a_callers_deadline_reaches_the_handler_less_a_margin(served):
    servicer, stub, _ = served

    await stub.GetOrder(pb.GetOrderRequest(), timeout=1)

    assert 0.5 < servicer.budgets[0] <= 1 - deadlines.MARGIN_SECONDS


async def test_no_call_is_made_when_no_time_is_left(served):
    servicer, stub, _ = served
    token = deadlines.begin(0.01)

    error = await failure_of(stub.GetOrder(pb.GetOrderRequest()))

    deadlines.end(token)
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert not servicer.budgets


async def test_a_handler_ends_its_work_when_the_caller_has_left(served):
    servicer, stub, _ = served

    error = await failure_of(stub.GetOrder(pb.GetOrderRequest(order_id="slow"), timeout=0.1))
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await asyncio.sleep(0.4)

    assert servicer.finished == ["slow"]


async def test_a_cancelled_caller_gets_away_at_once(served):
    _, stub, _ = served
    began = time.monotonic()

    call = asyncio.ensure_future(stub.GetOrder(pb.GetOrderRequest(order_id="slow")))
    await asyncio.sleep(0.05)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert time.monotonic() - began < 0.25


async def test_the_traces_of_a_batch_travel_with_it(served):
    servicer, _, address = served
    story = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    packed = pack_items({UUID(int=1): story})

    async with grpc.aio.insecure_channel(address) as bare:
        await OrderServiceStub(bare).GetOrder(
            pb.GetOrderRequest(), metadata=(("waybill-item-traces-bin", packed),)
        )

    # No exporter is set up here, so that the span is none and its context the caller's.
    assert servicer.traces == {UUID(int=1): story}


async def test_a_server_reports_its_health(served):
    _, _, address = served

    async with grpc.aio.insecure_channel(address) as bare:
        answer = await health_pb2_grpc.HealthStub(bare).Check(health_pb2.HealthCheckRequest())

    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_a_taken_port_is_said_in_a_sentence(served):
    _, _, address = served

    with pytest.raises(PortTaken, match=f"cannot listen on {address}"):
        await Server(domain="order.retail", address=address).start()


async def test_a_server_that_stops_lets_the_calls_at_work_end():
    address = f"127.0.0.1:{Ports({}).take()}"
    servicer = Servicer()
    server = Server(domain="order.retail", address=address)
    add_OrderServiceServicer_to_server(servicer, server.grpc)
    await server.start()
    async with channel(f"ipv4:{address}") as open_channel:
        stub = OrderServiceStub(open_channel)
        await stub.GetOrder(pb.GetOrderRequest())
        calls = [stub.GetOrder(pb.GetOrderRequest(order_id="slow")) for _ in range(20)]
        tasks = [asyncio.ensure_future(call) for call in calls]
        await asyncio.sleep(0.05)

        await server.stop()

        assert len(await asyncio.gather(*tasks)) == 20


async def test_a_call_waits_for_a_service_that_is_being_restarted():
    address = f"127.0.0.1:{Ports({}).take()}"
    async with channel(f"ipv4:{address}") as open_channel:
        call = asyncio.ensure_future(OrderServiceStub(open_channel).GetOrder(pb.GetOrderRequest()))
        # Longer than all retries together.
        await asyncio.sleep(2)
        server = Server(domain="order.retail", address=address)
        add_OrderServiceServicer_to_server(Servicer(), server.grpc)
        await server.start()

        await call

    await server.stop()


async def test_a_caller_may_choose_to_fail_at_once():
    address = f"127.0.0.1:{Ports({}).take()}"
    async with channel(f"ipv4:{address}") as open_channel:
        stub = OrderServiceStub(open_channel)

        error = await failure_of(stub.GetOrder(pb.GetOrderRequest(), wait_for_ready=False))

    assert error.code() == grpc.StatusCode.UNAVAILABLE


@pytest.fixture
async def quick():
    """
    Return what was asked at once, and a stub on a server that answers "ready" at once.
    """
    asked = []

    def answer(request):
        asked.append(request.order_id)
        ready = pb.GetOrderResponse(order=pb.Order(order_id="at once"))
        return ready.SerializeToString() if request.order_id == "ready" else None

    address = f"127.0.0.1:{Ports({}).take()}"
    servicer = Servicer()
    server = Server(domain="order.retail", address=address)
    add_OrderServiceServicer_to_server(servicer, server.grpc)
    server.answer_quickly("/retail.order.v1.OrderService/GetOrder", answer)
    await server.start()
    async with channel(f"ipv4:{address}") as open_channel:
        yield asked, servicer, OrderServiceStub(open_channel)
    await server.stop()


async def test_what_lies_ready_is_answered_without_the_handler(quick):
    asked, servicer, stub = quick

    answer = await stub.GetOrder(pb.GetOrderRequest(order_id="ready"))

    assert answer.order.order_id == "at once"
    assert (asked, servicer.finished) == (["ready"], [])


async def test_what_does_not_lie_ready_takes_the_long_way_with_all_its_errors(quick):
    _, servicer, stub = quick

    await stub.GetOrder(pb.GetOrderRequest(order_id="other"))
    error = await failure_of(stub.GetOrder(pb.GetOrderRequest(order_id="refuse")))

    assert servicer.finished == ["other"]
    assert reason_of(status_of(error)) == "ORDER_TOO_OLD"


async def test_a_traced_call_takes_the_long_way_and_leaves_its_span(quick):
    _, servicer, stub = quick
    request = pb.GetOrderRequest(order_id="ready")
    for flags, finished in (("00", []), ("01", ["ready"])):
        traceparent = f"00-{1:032x}-{1:016x}-{flags}"

        await stub.GetOrder(request, metadata=(("traceparent", traceparent),))

        assert servicer.finished == finished


async def test_thousands_of_calls_at_one_stroke_are_answered_or_refused_in_our_words(served):
    _, order, _ = served

    async def outcome():
        try:
            await order.GetOrder(pb.GetOrderRequest(order_id="at once"), timeout=30)
        except grpc.aio.AioRpcError as error:
            return error.code()
        return grpc.StatusCode.OK

    outcomes = set(await asyncio.gather(*(outcome() for _ in range(3_000))))

    assert grpc.StatusCode.OK in outcomes
    # Not CANCELLED, which nobody tries again.
    assert outcomes <= {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
