"""Run the payment service: `python -m services.payment`."""

from collections.abc import Coroutine, Sequence
from datetime import timedelta
from typing import Any

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
from services.payment.adapters.stripe.accounts import (
    Account,
    ConfiguredAccounts,
    accounts_from_json,
)
from services.payment.adapters.stripe.connections import StripeConnections
from services.payment.adapters.stripe.event_feed import StripeEventFeed
from services.payment.adapters.stripe.evidence import StripeDisputes
from services.payment.adapters.stripe.facts import facts_of
from services.payment.adapters.stripe.psp import StripePsp
from services.payment.adapters.stripe.settlement import StripeSettlementReports
from services.payment.adapters.unit_of_work import sql_unit_of_work
from services.payment.application.ports import UnitOfWork
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

Jobs = list[Coroutine[Any, Any, None]]


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
    stripe = StripeConnections(configured, connections=settings.psp_connections)

    told, received = Wake(), Wake()
    uow = sql_unit_of_work(database, told=told, clock=system_clock)
    matching = Matching(
        uow=sql_reconciliation(database),
        accounts=ConfiguredSettledAccounts(configured),
        clock=system_clock,
        margin=timedelta(seconds=settings.reconcile_margin_seconds),
    )
    server = Server(domain=DOMAIN, address=settings.grpc_address)
    serve(server, settings, configured=configured, uow=uow, stripe=stripe, matching=matching)

    jobs: Jobs = []
    if settings.plays("api") and settings.webhook_address:
        jobs.append(listen(settings, configured, uow=uow, received=received))
    if settings.plays("worker"):
        publisher = Publisher(
            database, broker, context="payment", told=told, kept_days=settings.events_kept_days
        )
        jobs += [
            publisher.run(),
            *webhook_jobs(settings, uow=uow, stripe=stripe, received=received),
            *payment_jobs(settings, uow=uow, stripe=stripe),
            *reconciliation_jobs(settings, stripe=stripe, matching=matching),
        ]
    try:
        await run_until_stopped(server if settings.plays("api") else None, *jobs)
    finally:
        await broker.close()
        await stripe.close()
        await database.close()
        await telemetry.shut_down()


def serve(
    server: Server,
    settings: Settings,
    *,
    configured: Sequence[Account],
    uow: UnitOfWork,
    stripe: StripeConnections,
    matching: Matching,
) -> None:
    """
    Have *server* answer all that this service is asked.
    """
    payments = PaymentServicer(
        uow=uow,
        psp=psp_of(settings, stripe),
        accounts=ConfiguredAccounts(configured),
        clock=system_clock,
        refund_window=timedelta(days=settings.refund_days),
    )
    disputes = disputes_of(settings, stripe)
    chargebacks = ChargebackServicer(uow=uow, disputes=disputes, clock=system_clock)
    reports = StripeSettlementReports(stripe.accounts)
    reconciliation = ReconciliationServicer(matching=matching, psp=reports)
    add_PaymentServiceServicer_to_server(payments, server.grpc)
    add_ChargebackServiceServicer_to_server(chargebacks, server.grpc)
    add_ReconciliationServiceServicer_to_server(reconciliation, server.grpc)
    if settings.grpc_reflection:
        server.reflect(
            "retail.payment.v1.PaymentService",
            "retail.payment.v1.ChargebackService",
            "retail.payment.v1.ReconciliationService",
        )


def listen(
    settings: Settings, configured: Sequence[Account], *, uow: UnitOfWork, received: Wake
) -> Coroutine[Any, Any, None]:
    """
    Return what hears the PSP's webhooks.
    """
    return WebhookServer(
        address=settings.webhook_address,
        secrets={account.name: account.webhook_secrets for account in configured},
        uow=uow,
        clock=system_clock,
        received=received,
    ).run()


def webhook_jobs(
    settings: Settings, *, uow: UnitOfWork, stripe: StripeConnections, received: Wake
) -> Jobs:
    """
    Return what is done about all that the PSP tells.
    """
    clock = system_clock
    feed = StripeEventFeed(stripe.accounts, clock=clock)
    return [
        keep_noting(uow=uow, facts_of=facts_of, clock=clock, received=received),
        # Each by itself: one that does not answer keeps nobody else waiting.
        *(
            keep_fetching(account, uow=uow, feed=feed, clock=clock, received=received)
            for account in stripe.accounts
        ),
        keep_forgetting(uow=uow, clock=clock, kept_days=settings.webhooks_kept_days),
        keep_sampling(uow=uow, clock=clock),
    ]


def payment_jobs(settings: Settings, *, uow: UnitOfWork, stripe: StripeConnections) -> Jobs:
    """
    Return what is done about payments and chargebacks without being asked.
    """
    clock = system_clock
    psp = psp_of(settings, stripe)
    return [
        keep_resolving(uow=uow, psp=psp, clock=clock),
        keep_expiring(uow=uow, psp=psp, clock=clock),
        keep_submitting(uow=uow, disputes=disputes_of(settings, stripe), clock=clock),
        keep_warning(uow=uow, clock=clock),
    ]


def reconciliation_jobs(
    settings: Settings, *, stripe: StripeConnections, matching: Matching
) -> Jobs:
    """
    Return what is reconciled without being asked.
    """
    jobs: Jobs = [watch_differences(uow=matching.uow)]
    if settings.reconcile_hours:
        every = timedelta(hours=settings.reconcile_hours)
        reports = StripeSettlementReports(stripe.accounts)
        jobs.append(keep_reconciling(psp=reports, matching=matching, every=every))
    return jobs


def psp_of(settings: Settings, stripe: StripeConnections) -> StripePsp:
    return StripePsp(stripe.accounts, seconds=settings.psp_timeout_seconds, clock=system_clock)


def disputes_of(settings: Settings, stripe: StripeConnections) -> StripeDisputes:
    return StripeDisputes(stripe.accounts, seconds=settings.psp_timeout_seconds)


if __name__ == "__main__":
    uvloop.run(main(read_settings(Settings)))
