import asyncio
import socket
from contextlib import asynccontextmanager
from datetime import timedelta

import grpc
import pytest

from chassis.events.relay import relay
from chassis.kernel.ids import new_id
from chassis.rpc.client import channel
from chassis.rpc.server import Server
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb
from retail.fulfillment.v1.fulfillment_service_pb2_grpc import (
    FulfillmentServiceStub,
    add_FulfillmentServiceServicer_to_server,
)
from services.fulfillment.application.watch_offers import watch_offers
from services.fulfillment.domain.values import OrderId, ProviderId
from services.fulfillment.entrypoints.notices import NatsOfferNotices
from services.fulfillment.entrypoints.servicer import FulfillmentServicer
from services.fulfillment.wire.fields import DOMAIN

ACE = ProviderId("ace")


@asynccontextmanager
async def running(*jobs):
    async with asyncio.TaskGroup() as tasks:
        started = [tasks.create_task(job) for job in jobs]
        yield
        for task in started:
            task.cancel()


async def next_offers(watch, count):
    offers = set()
    async with asyncio.timeout(5):
        while len(offers) < count:
            offers |= {work.offer.id for work in (await anext(watch)).offers}
    return offers


@pytest.fixture
async def patient(broker):
    """
    Notices whose watchers do not look for themselves while the test runs.
    """
    return NatsOfferNotices(broker, sweep_seconds=60)


async def test_a_new_offer_reaches_the_watcher_by_its_notice(fulfillment, broker, patient):
    await fulfillment.given_provider("ace")
    (before,) = await fulfillment.given_work(OrderId(new_id()))
    relaying = relay(fulfillment.database, broker, context="fulfillment", told=fulfillment.told)

    async with running(patient.listen(), relaying):
        watch = watch_offers(ACE, uow=fulfillment.uow, notices=patient)
        first = await next_offers(watch, 1)
        made = await fulfillment.given_work(*(OrderId(new_id()) for _ in range(300)))
        then = await next_offers(watch, 300)
        await watch.aclose()

    assert first == {before.live_offer.id}
    assert then - first == {work.live_offer.id for work in made}


async def test_an_offer_without_a_notice_is_found_by_the_sweep(fulfillment, broker):
    await fulfillment.given_provider("ace")
    notices = NatsOfferNotices(broker, sweep_seconds=0.1)
    await fulfillment.given_work(OrderId(new_id()))

    watch = watch_offers(ACE, uow=fulfillment.uow, notices=notices)
    await next_offers(watch, 1)
    (work,) = await fulfillment.given_work(OrderId(new_id()))
    found = await next_offers(watch, 1)
    await watch.aclose()

    assert found == {work.live_offer.id}


@pytest.fixture
async def server(fulfillment, patient):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    server = Server(domain=DOMAIN, address=address)
    server.on_stop(patient.close)
    servicer = FulfillmentServicer(
        notices=patient, answer_cancellation_within=timedelta(hours=1), **fulfillment.offering
    )
    add_FulfillmentServiceServicer_to_server(servicer, server.grpc)
    await server.start()
    yield server, address
    await server.stop()


async def test_a_watcher_that_goes_away_is_forgotten(fulfillment, patient, server):
    await fulfillment.given_provider("ace")
    await fulfillment.given_work(OrderId(new_id()))

    async with channel(f"ipv4:{server[1]}") as connection:
        call = FulfillmentServiceStub(connection).WatchOffers(
            pb.WatchOffersRequest(provider_id="ace")
        )
        await call.read()
        watchers = patient.watchers
        call.cancel()
        async with asyncio.timeout(2):
            while patient.watchers:
                await asyncio.sleep(0.01)

    assert watchers == 1


async def test_a_server_that_stops_ends_its_streams_cleanly_and_at_once(
    fulfillment, patient, server
):
    await fulfillment.given_provider("ace")
    await fulfillment.given_work(OrderId(new_id()))

    async with channel(f"ipv4:{server[1]}") as connection:
        call = FulfillmentServiceStub(connection).WatchOffers(
            pb.WatchOffersRequest(provider_id="ace")
        )
        await call.read()
        async with asyncio.timeout(2):
            await server[0].stop()
            ended = await call.read()

    assert ended is grpc.aio.EOF
    assert patient.watchers == 0


async def test_watching_ends_when_the_notices_close(fulfillment, patient):
    watching = asyncio.create_task(
        anext(watch_offers(ACE, uow=fulfillment.uow, notices=patient), None)
    )
    await asyncio.sleep(0.1)

    patient.close()

    async with asyncio.timeout(1):
        assert await watching is None
