"""Run the fulfillment service: `python -m services.fulfillment`."""

from functools import partial

import uvloop

from chassis.events.broker import connect_broker
from chassis.events.consumer import Consumer
from chassis.events.publisher import Publisher
from chassis.kernel.clock import system_clock
from chassis.rpc.server import Server
from chassis.runner import run_until_stopped
from chassis.settings import read_settings
from chassis.storage.database import connect
from chassis.telemetry.setup import set_up_telemetry
from chassis.wake import Wake
from retail.fulfillment.v1.fulfillment_service_pb2_grpc import (
    add_FulfillmentServiceServicer_to_server,
)
from retail.fulfillment.v1.provider_service_pb2_grpc import (
    add_ProviderServiceServicer_to_server,
)
from retail.fulfillment.v1.return_service_pb2_grpc import add_ReturnServiceServicer_to_server
from retail.fulfillment.v1.shipment_service_pb2_grpc import add_ShipmentServiceServicer_to_server
from services.fulfillment.adapters.unit_of_work import SqlTransaction, sql_unit_of_work
from services.fulfillment.adapters.zpl_labels import ZplLabels
from services.fulfillment.entrypoints.notices import NatsOfferNotices
from services.fulfillment.entrypoints.provider_servicer import ProviderServicer
from services.fulfillment.entrypoints.return_servicer import ReturnServicer
from services.fulfillment.entrypoints.servicer import FulfillmentServicer
from services.fulfillment.entrypoints.shipment_servicer import ShipmentServicer
from services.fulfillment.entrypoints.shipment_timers import (
    keep_losing_overdue,
    keep_making_labels,
)
from services.fulfillment.entrypoints.subscriptions import HEARS, subscriptions
from services.fulfillment.entrypoints.timers import (
    expire_overdue_offers,
    expire_overdue_returns,
    expire_unanswered_cancellations,
)
from services.fulfillment.settings import Settings
from services.fulfillment.wire.fields import DOMAIN


async def main(settings: Settings) -> None:
    telemetry = set_up_telemetry(
        service="fulfillment",
        instance=settings.instance,
        otlp_endpoint=settings.otel_exporter_otlp_endpoint,
        traces_file=settings.traces_file,
        sample_ratio=settings.traces_sample_ratio,
        metrics_address=settings.metrics_address,
        log_level=settings.log_level,
    )
    database = connect(settings.database_url, application=settings.instance)
    broker = await connect_broker(settings.nats_url, name=settings.instance)

    told = Wake()
    uow = sql_unit_of_work(database, told=told, clock=system_clock)
    join = partial(SqlTransaction, told=told, clock=system_clock)
    give_up_within = settings.answer_cancellation_within
    within, weights = settings.answer_within, settings.ranking_weights
    policy = settings.return_policy
    notices = NatsOfferNotices(broker)
    labels = ZplLabels(database, company_prefix=settings.gs1_company_prefix)

    server = Server(domain=DOMAIN, address=settings.grpc_address)
    # Watchers would last as long as their callers, who watch on at another replica.
    server.on_stop(notices.close)
    servicer = FulfillmentServicer(
        uow=uow,
        clock=system_clock,
        notices=notices,
        answer_within=within,
        answer_cancellation_within=give_up_within,
        weights=weights,
        policy=policy,
    )
    add_FulfillmentServiceServicer_to_server(servicer, server.grpc)
    providers = ProviderServicer(uow=uow, clock=system_clock, answer_within=within, weights=weights)
    add_ProviderServiceServicer_to_server(providers, server.grpc)
    returns = ReturnServicer(uow=uow, clock=system_clock, policy=policy, labels=labels)
    add_ReturnServiceServicer_to_server(returns, server.grpc)
    shipments = ShipmentServicer(uow=uow, labels=labels, clock=system_clock, policy=policy)
    add_ShipmentServiceServicer_to_server(shipments, server.grpc)
    if settings.grpc_reflection:
        server.reflect(
            "retail.fulfillment.v1.FulfillmentService",
            "retail.fulfillment.v1.ProviderService",
            "retail.fulfillment.v1.ReturnService",
            "retail.fulfillment.v1.ShipmentService",
        )

    publisher = Publisher(
        database, broker, context="fulfillment", told=told, kept_days=settings.events_kept_days
    )
    orders = Consumer(
        database,
        broker,
        listener="fulfillment",
        context=HEARS,
        subscriptions=subscriptions(
            join, clock=system_clock, answer_within=within, weights=weights
        ),
    )
    jobs = []
    if settings.plays("api"):
        jobs.append(notices.listen())
    if settings.plays("worker"):
        jobs += [
            publisher.run(),
            orders.run(),
            expire_unanswered_cancellations(
                uow=uow, clock=system_clock, answer_within=give_up_within
            ),
            expire_overdue_offers(
                uow=uow, clock=system_clock, answer_within=within, weights=weights
            ),
            expire_overdue_returns(uow=uow, clock=system_clock, policy=policy),
            keep_making_labels(uow=uow, labels=labels, clock=system_clock),
            keep_losing_overdue(uow=uow, clock=system_clock, lost_after=settings.lost_after),
        ]
    try:
        await run_until_stopped(server if settings.plays("api") else None, *jobs)
    finally:
        await broker.close()
        await database.close()
        await telemetry.shut_down()


if __name__ == "__main__":
    uvloop.run(main(read_settings(Settings)))
