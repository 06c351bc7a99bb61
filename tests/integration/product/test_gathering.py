"""Calls that come while others commit: who comes first is served first, and all share a commit."""

import asyncio
from uuid import uuid4

from retail.product.v1 import product_service_pb2 as pb
from services.product.entrypoints.reservation_methods import ReservationMethods
from tests.integration.counting import counted


def a_request(units=1, sku="LAMP"):
    wish = pb.ReservationRequest(
        reservation_id=str(uuid4()), lines=[pb.ReservationLine(sku=sku, quantity=units)]
    )
    return pb.ReserveStockRequest(reservations=[wish])


async def reserve_at_once(replica, requests):
    methods = ReservationMethods(uow=replica.uow, clock=replica.clock)
    answers = await asyncio.gather(*(methods.ReserveStock(request, None) for request in requests))
    return [answer.results[0].HasField("reservation") for answer in answers]


async def test_of_many_callers_the_first_ones_get_the_goods(replica):
    await replica.receive(40)

    held = await reserve_at_once(replica, [a_request() for _ in range(100)])

    assert held == [True] * 40 + [False] * 60


async def test_many_callers_share_a_few_statements(replica):
    await replica.receive(1_000)

    with counted(replica.database) as sent:
        held = await reserve_at_once(replica, [a_request() for _ in range(200)])

    assert all(held)
    assert len(sent) <= 9


async def test_a_lone_caller_is_answered_at_once_by_as_few_statements_as_a_batch(replica):
    await replica.receive(10)

    with counted(replica.database) as sent:
        (held,) = await reserve_at_once(replica, [a_request()])

    assert held
    assert len(sent) == 3


async def test_a_call_that_nobody_can_serve_takes_nothing_from_those_beside_it(replica):
    await replica.receive(10)

    held = await reserve_at_once(
        replica, [a_request(units=2), a_request(units=9), a_request(sku="NONE"), a_request(units=8)]
    )

    assert held == [True, False, False, True]
