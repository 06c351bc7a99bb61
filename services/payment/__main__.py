"""Run the payment service: `python -m services.payment`."""

from datetime import timedelta

import uvloop

from chassis.events.broker import connect_broker
from chassis.events.publisher import Publisher
from chassis.kernel.clock import system_clock
from chassis.rpc.server import Server
from chassis.runner import run_until_stopped
from chassis.settings import read_settings
from chassis.storage.database import connect
from chassis.telemetry.setup import set_up_telemetry
from chassis.wake import Wake
from retail.payment.v1.chargeback_service_pb2_grpc import add_ChargebackServiceServicer_to_server
from retail.payment.v1.payment_service_pb2_grpc import add_PaymentServiceServicer_to_server
from retail.payment.v1.reconciliation_service_pb2_grpc import (
    add_ReconciliationServiceServicer_to_server,
)
from services.payment.adapters.settlement.accounts import ConfiguredSettledAccounts
from services.payment.adapters.settlement.unit_of_work import sql_reconciliation
from services.payment.adapters.stripe.accounts import ConfiguredAccounts, accounts_from_json
from services.payment.adapters.stripe.connections import StripeConnections
from services.payment.adapters.stripe.event_feed import StripeEventFeed
from services.payment.adapters.stripe.evidence import StripeDisputes
from services.payment.adapters.stripe.facts import facts_of
from services.payment.adapters.stripe.psp import StripePsp
from services.payment.adapters.stripe.settlement import StripeSettlementReports
from services.payment.adapters.unit_of_work import sql_unit_of_work
from services.payment.application.reconciliation.matching import Matching
from services.payment.entrypoints.chargeback_servicer import ChargebackServicer
from services.payment.entrypoints.reconciliation_jobs import keep_reconciling, watch_differences
from services.payment.entrypoints.reconciliation_servicer import ReconciliationServicer
from services.payment.entrypoints.servicer import PaymentServicer
from services.payment.entrypoints.timers import keep_expiring, keep_resolving
from services.payment.entrypoints.webhook_jobs import (
    keep_fetching,
    keep_forgetting,
    keep_noting,
    keep_sampling,
    keep_submitting,
    keep_warning,
)
from services.payment.entrypoints.webhook_server import WebhookServer
from services.payment.settings import Settings
from services.payment.wire.payments import DOMAIN


async def main(settings: Settings) -> None:
    configured = accounts_from_json(settings.psp_accounts)
    telemetry = set_up_telemetry(
        service="payment",
        instance=settings.instance,
        otlp_endpoint=settings.otel_exporter_otlp_endpoint,
        traces_file=settings.traces_file,
        sample_ratio=settings.traces_sample_ratio,
        metrics_address=settings.metrics_address,
        log_level=settings.log_level,
    )
    database = connect(settings.database_url, application=settings.instance)
    broker = await connect_broker(settings.nats_url, name=settings.instance)

    told, received = Wake(), Wake()
    clock = system_clock
    uow = sql_unit_of_work(database, told=told, clock=clock)
    stripe = StripeConnections(configured, connections=settings.psp_connections)
    psp = StripePsp(stripe.accounts, seconds=settings.psp_timeout_seconds, clock=clock)
    feed = StripeEventFeed(stripe.accounts, clock=clock)
    disputes = StripeDisputes(stripe.accounts, seconds=settings.psp_timeout_seconds)

    matching = Matching(
        uow=sql_reconciliation(database),
        accounts=ConfiguredSettledAccounts(configured),
        clock=clock,
        margin=timedelta(seconds=settings.reconcile_margin_seconds),
    )
    reports = StripeSettlementReports(stripe.accounts)

    publisher = Publisher(
        database, broker, context="payment", told=told, kept_days=settings.events_kept_days
    )

    server = Server(domain=DOMAIN, address=settings.grpc_address)
    add_PaymentServiceServicer_to_server(
        PaymentServicer(
            uow=uow,
            psp=psp,
            accounts=ConfiguredAccounts(configured),
            clock=clock,
            refund_window=timedelta(days=settings.refund_days),
        ),
        server.grpc,
    )
    add_ChargebackServiceServicer_to_server(
        ChargebackServicer(uow=uow, disputes=disputes, clock=clock), server.grpc
    )
    add_ReconciliationServiceServicer_to_server(
        ReconciliationServicer(matching=matching, psp=reports), server.grpc
    )
    if settings.grpc_reflection:
        server.reflect(
            "retail.payment.v1.PaymentService",
            "retail.payment.v1.ChargebackService",
            "retail.payment.v1.ReconciliationService",
        )

    jobs = []
    if settings.plays("api") and settings.webhook_address:
        webhooks = WebhookServer(
            address=settings.webhook_address,
            secrets={account.name: account.webhook_secrets for account in configured},
            uow=uow,
            clock=clock,
            received=received,
        )
        jobs.append(webhooks.run())
    if settings.plays("worker"):
        jobs += [
            publisher.run(),
            keep_resolving(uow=uow, psp=psp, clock=clock),
            keep_expiring(uow=uow, psp=psp, clock=clock),
            keep_noting(uow=uow, facts_of=facts_of, clock=clock, received=received),
            # Each by itself: one that does not answer keeps nobody else waiting.
            *(
                keep_fetching(account, uow=uow, feed=feed, clock=clock, received=received)
                for account in stripe.accounts
            ),
            keep_forgetting(uow=uow, clock=clock, kept_days=settings.webhooks_kept_days),
            keep_submitting(uow=uow, disputes=disputes, clock=clock),
            keep_warning(uow=uow, clock=clock),
            keep_sampling(uow=uow, clock=clock),
            watch_differences(uow=matching.uow),
        ]
        if settings.reconcile_hours:
            every = timedelta(hours=settings.reconcile_hours)
            jobs.append(keep_reconciling(psp=reports, matching=matching, every=every))

    try:
        await run_until_stopped(server if settings.plays("api") else None, *jobs)
    finally:
        await broker.close()
        await stripe.close()
        await database.close()
        await telemetry.shut_down()


if __name__ == "__main__":
    uvloop.run(main(read_settings(Settings)))
