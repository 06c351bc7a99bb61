"""The limits of accounts, by gRPC."""

import pytest
from google.type.money_pb2 import Money

from chassis.kernel.errors import InvalidInput
from retail.order.v1 import account_service_pb2 as pb
from services.order.domain.account_limits import AccountLimits
from services.order.domain.values import Channel
from services.order.entrypoints.account_servicer import AccountServicer

TEN_EUROS = Money(currency_code="EUR", units=10)


@pytest.fixture
def servicer(world):
    return AccountServicer(uow=world.uow, clock=world.clock)


async def test_limits_are_put_got_and_deleted(servicer, world):
    world.channel_limits = {Channel.CONSUMER: AccountLimits(open_orders=100)}
    limits = pb.AccountLimits(open_orders=3, open_values=[TEN_EUROS])

    put = await servicer.PutAccountLimits(
        pb.PutAccountLimitsRequest(account_id="shop-1", limits=limits), None
    )
    got = await servicer.GetAccountLimits(pb.GetAccountLimitsRequest(account_id="shop-1"), None)

    assert put.limits == got.own == limits
    assert put.HasField("update_time")
    assert (got.business.open_orders, got.consumer.open_orders) == (0, 100)
    assert got.used == pb.AccountLimits()

    await servicer.DeleteAccountLimits(pb.DeleteAccountLimitsRequest(account_id="shop-1"), None)
    got = await servicer.GetAccountLimits(pb.GetAccountLimitsRequest(account_id="shop-1"), None)
    assert not got.HasField("own")


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.PutAccountLimitsRequest(account_id="shop-1"), "limits"),
        (pb.PutAccountLimitsRequest(account_id="no/pe", limits={}), "account_id"),
        (
            pb.PutAccountLimitsRequest(account_id="shop-1", limits={"open_orders": -1}),
            "limits.open_orders",
        ),
        (
            pb.PutAccountLimitsRequest(account_id="shop-1", limits={"open_values": [Money()]}),
            "limits.open_values[0]",
        ),
    ],
)
async def test_what_makes_no_sense_is_named_and_changes_nothing(servicer, world, request_, field):
    with pytest.raises(InvalidInput) as refusal:
        await servicer.PutAccountLimits(request_, None)

    assert refusal.value.field == field
    assert not world.limits
