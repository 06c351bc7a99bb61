"""Returns of a replay, followed to their end without a cluster."""

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

import grpc
import pytest

from deploy.local.invoices.accounts import Accounts
from deploy.local.invoices.invoice_order import InvoiceReturn
from deploy.local.invoices.returning import Returning
from deploy.local.returns_summary import returns_ended_well, summary_of_returns
from deploy.local.world.patience import Patience
from retail.fulfillment.v1 import return_service_pb2 as pb


class Returns:
    """
    The fulfillment service, as far as returns go.

    Attributes:
        after_asking: In which state a return begins.
    """

    def __init__(self, after_asking=pb.RETURN_STATE_APPROVED, refuses=""):
        self.after_asking = after_asking
        self.refuses = refuses
        self.known = {}

    async def RequestReturn(self, request, **_more):  # noqa: N802  as in the contract
        if self.refuses:
            nothing = grpc.aio.Metadata()
            raise grpc.aio.AioRpcError(
                grpc.StatusCode.FAILED_PRECONDITION, nothing, nothing, self.refuses
            )
        lines = [pb.ReturnLine(sku=each.sku, quantity=each.quantity) for each in request.lines]
        fresh = pb.Return(return_id=request.return_id, state=self.after_asking, lines=lines)
        return pb.RequestReturnResponse(
            customer_return=self.known.setdefault(request.return_id, fresh)
        )

    async def ApproveReturns(self, request, **_more):  # noqa: N802
        for id_ in request.return_ids:
            self.known[id_].state = pb.RETURN_STATE_APPROVED
        results = [pb.ReturnResult(customer_return=self.known[id_]) for id_ in request.return_ids]
        return pb.ApproveReturnsResponse(results=results)

    async def GetReturn(self, request, **_more):  # noqa: N802
        return pb.GetReturnResponse(customer_return=self.known[request.return_id])

    async def close(self):
        """
        Count what has been approved, pay it back, and close it.
        """
        while [each.state for each in self.known.values()] != [pb.RETURN_STATE_APPROVED]:
            await asyncio.sleep(0)
        (each,) = self.known.values()
        each.state, each.refunded.units = pb.RETURN_STATE_CLOSED, 3


WANTED = InvoiceReturn(
    cancellation="C2", invoice="1", account_id="customer-1", units=(("A", 2), ("B", 1))
)


@asynccontextmanager
async def returning(returns):
    following = Returning([WANTED], SimpleNamespace(returns=returns), Patience())
    running = asyncio.create_task(following.run())
    try:
        yield following
    finally:
        running.cancel()


async def closed(following, returns):
    """
    Have the return closed and tell it, as the broker does; wait for the end.
    """
    await returns.close()
    await following.hear(SimpleNamespace(headers={"ce-subject": str(WANTED.return_id)}))
    await following.all_ended()


@pytest.mark.parametrize("begins", [pb.RETURN_STATE_REQUESTED, pb.RETURN_STATE_APPROVED])
async def test_what_comes_back_is_agreed_to_and_followed_until_it_is_closed(begins):
    returns = Returns(after_asking=begins)
    async with returning(returns) as following:
        following.order_ended("1", "order", "COMPLETED")
        await closed(following, returns)

    assert following.states == {"CLOSED": 1}
    summary = summary_of_returns(Accounts(returns=1), following)
    assert (summary["returns_closed"], summary["refunded_minor_units"]) == (1, 300)
    assert returns_ended_well(summary)
    (known,) = returns.known.values()
    assert {line.sku: line.quantity for line in known.lines} == {"A": 2, "B": 1}


async def test_one_that_is_closed_already_is_found_closed():
    returns = Returns(after_asking=pb.RETURN_STATE_CLOSED)
    async with returning(returns) as following:
        following.order_ended("1", "order", "COMPLETED")
        await following.all_ended()

    assert following.states == {"CLOSED": 1}


async def test_of_an_order_that_came_to_nothing_nothing_comes_back():
    async with returning(Returns()) as following:
        following.order_ended("1", "order", "REJECTED")
        await following.all_ended()

    summary = summary_of_returns(Accounts(returns=1), following)
    assert summary["returns_without_order"] == {"its order is REJECTED": 1}
    assert returns_ended_well(summary)


async def test_one_that_is_refused_is_counted_and_does_not_end_well():
    async with returning(Returns(refuses="it is too late")) as following:
        following.order_ended("1", "order", "COMPLETED")
        await following.all_ended()

    summary = summary_of_returns(Accounts(returns=1), following)
    ((reason, count),) = summary["returns_not_closed"].items()
    assert ("it is too late" in reason, count) == (True, 1)
    assert not returns_ended_well(summary)


async def test_those_of_orders_never_placed_are_counted():
    async with returning(Returns()) as following:
        following.count_rest()

    assert following.without_order == {"its order was not placed": 1}


async def test_each_return_ends_once_for_those_who_watch():
    returns = Returns()
    async with returning(returns) as following:
        following.order_ended("1", "order", "COMPLETED")
        before = (following.under_way, following.ended)
        await closed(following, returns)
        following.count_rest()

    assert before == (1, 0)
    assert (following.under_way, following.ended) == (0, 1)
