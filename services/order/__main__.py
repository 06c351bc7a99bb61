"""Run the order service: `python -m services.order`."""

from collections.abc import Sequence
from datetime import timedelta

import uvloop

from chassis.events.broker import Broker, connect_broker
from chassis.events.consumer import Consumer
from chassis.events.publisher import Publisher
from chassis.kernel.clock import system_clock
from chassis.rpc.client import channel
from chassis.rpc.server import Server
from chassis.runner import run_until_stopped
from chassis.saga.runner import SagaRunner
from chassis.saga.store import Bells
from chassis.settings import read_settings
from chassis.storage.database import Database, connect
from chassis.storage.months import Months
from chassis.telemetry.setup import set_up_telemetry
from chassis.wake import Wake
from retail.order.v1.account_service_pb2_grpc import add_AccountServiceServicer_to_server
from retail.order.v1.cart_service_pb2_grpc import add_CartServiceServicer_to_server
from retail.order.v1.exchange_service_pb2_grpc import add_ExchangeServiceServicer_to_server
from retail.order.v1.order_history_service_pb2_grpc import (
    add_OrderHistoryServiceServicer_to_server,
)
from retail.order.v1.order_service_pb2_grpc import add_OrderServiceServicer_to_server
from retail.order.v1.saga_service_pb2_grpc import add_SagaServiceServicer_to_server
from services.order.adapters.catalog import GrpcCatalog
from services.order.adapters.fulfillment import GrpcFulfillment
from services.order.adapters.inventory import GrpcInventory
from services.order.adapters.order_changes import HeardOrderChanges
from services.order.adapters.payments import GrpcPayments
from services.order.adapters.refunding import GrpcRefunds
from services.order.adapters.restocking import GrpcRestocking
from services.order.adapters.return_desk import GrpcReturnDesk
from services.order.adapters.return_transaction import return_unit_of_work
from services.order.adapters.unit_of_work import (
    Join,
    SqlUnitOfWork,
    history_of,
    join_with,
    sql_unit_of_work,
)
from services.order.application.order_saga import OrderSaga
from services.order.application.returns.return_saga import ReturnSaga
from services.order.application.sagas.standings import Steps
from services.order.domain.cart import Lifetimes
from services.order.entrypoints.account_servicer import AccountServicer
from services.order.entrypoints.cart_servicer import CartServicer
from services.order.entrypoints.exchange_servicer import ExchangeServicer
from services.order.entrypoints.history_subscriptions import (
    GATHER_SECONDS,
    LISTENER,
    history_subscriptions,
)
from services.order.entrypoints.history_subscriptions import HEARS as HISTORY_HEARS
from services.order.entrypoints.housekeeping import forget_old_requests
from services.order.entrypoints.order_history_servicer import OrderHistoryServicer
from services.order.entrypoints.payment_notes import payment_notes
from services.order.entrypoints.saga_servicer import SagaServicer
from services.order.entrypoints.servicer import OrderServicer
from services.order.entrypoints.subscriptions import HEARS, subscriptions
from services.order.entrypoints.timers import expire_overdue_carts
from services.order.settings import Settings
from services.order.wire.orders import DOMAIN


async def main(settings: Settings) -> None:
    telemetry = set_up_telemetry(
        service="order",
        instance=settings.instance,
        otlp_endpoint=settings.otel_exporter_otlp_endpoint,
        traces_file=settings.traces_file,
        sample_ratio=settings.traces_sample_ratio,
        metrics_address=settings.metrics_address,
        log_level=settings.log_level,
    )
    database = connect(settings.database_url, application=settings.instance, one_plan=True)
    broker = await connect_broker(settings.nats_url, name=settings.instance)
    product = channel(settings.product_target)
    payment = channel(settings.payment_target)
    fulfillment = channel(settings.fulfillment_target)

    told, due = Wake(), Bells()
    join = join_with(told=told, due=due, clock=system_clock, channels=settings.channel_limits())
    uow = sql_unit_of_work(database, join)
    changes = HeardOrderChanges(broker, database)
    saga = OrderSaga(
        inventory=GrpcInventory(product),
        payments=GrpcPayments(payment),
        fulfillment=GrpcFulfillment(fulfillment),
        clock=system_clock,
    )
    runner = SagaRunner(
        name="order",
        begin=uow,
        steps=saga.steps(),
        bells=due,
        clock=system_clock,
        instance=settings.instance,
    )
    desk = GrpcReturnDesk(fulfillment)
    returns = ReturnSaga(
        restocking=GrpcRestocking(product),
        refunds=GrpcRefunds(payment),
        desk=desk,
        uow=uow,
        clock=system_clock,
        refund_shipping=settings.refund_shipping,
    )
    return_runner = SagaRunner(
        name="return",
        begin=return_unit_of_work(uow),
        steps=returns.steps(),
        bells=due,
        clock=system_clock,
        instance=settings.instance and f"{settings.instance}/returns",
    )
    months = Months(database, kept_months=settings.orders_kept_months)
    server = Server(domain=DOMAIN, address=settings.grpc_address)
    server.on_stop(changes.close)
    catalog = GrpcCatalog(product)
    serve(
        server,
        settings,
        uow=uow,
        changes=changes,
        catalog=catalog,
        steps=[*runner.steps, *return_runner.steps],
    )
    exchanges = ExchangeServicer(returns=desk, uow=uow, catalog=catalog, clock=system_clock)
    add_ExchangeServiceServicer_to_server(exchanges, server.grpc)

    # Before anybody can write.
    await months.get_ready()
    api = [changes.run()] if settings.plays("api") else []
    worker = (
        [
            Publisher(
                database, broker, context="order", told=told, kept_days=settings.events_kept_days
            ).run(),
            *(consumer.run() for consumer in consumers(database, broker, join)),
            runner.run(),
            return_runner.run(),
            months.run(),
            expire_overdue_carts(uow=uow, clock=system_clock),
            forget_old_requests(
                database, kept_days=settings.requests_kept_days, clock=system_clock
            ),
        ]
        if settings.plays("worker")
        else []
    )
    try:
        await run_until_stopped(server if settings.plays("api") else None, *api, *worker)
    finally:
        for channel_ in (product, payment, fulfillment):
            await channel_.close()
        await broker.close()
        await database.close()
        await telemetry.shut_down()


def serve(
    server: Server,
    settings: Settings,
    *,
    uow: SqlUnitOfWork,
    changes: HeardOrderChanges,
    catalog: GrpcCatalog,
    steps: Steps,
) -> None:
    """
    Have *server* answer all that this service is asked.
    """
    clock = system_clock
    lifetimes = Lifetimes(
        account=timedelta(days=settings.cart_kept_days),
        anonymous=timedelta(days=settings.anonymous_cart_kept_days),
    )
    orders = OrderServicer(uow=uow, catalog=catalog, changes=changes, clock=clock)
    carts = CartServicer(uow=uow, catalog=catalog, lifetimes=lifetimes, clock=clock)
    add_OrderServiceServicer_to_server(orders, server.grpc)
    add_CartServiceServicer_to_server(carts, server.grpc)
    add_AccountServiceServicer_to_server(AccountServicer(uow=uow, clock=clock), server.grpc)
    add_OrderHistoryServiceServicer_to_server(OrderHistoryServicer(uow=uow), server.grpc)
    sagas = SagaServicer(uow=uow, steps=steps, clock=clock)
    add_SagaServiceServicer_to_server(sagas, server.grpc)
    if settings.grpc_reflection:
        server.reflect(
            "retail.order.v1.OrderService",
            "retail.order.v1.AccountService",
            "retail.order.v1.CartService",
            "retail.order.v1.ExchangeService",
            "retail.order.v1.OrderHistoryService",
            "retail.order.v1.SagaService",
        )


def consumers(database: Database, broker: Broker, join: Join) -> Sequence[Consumer]:
    """
    Return who listens: the orders to fulfillment, and the history to everybody. What the orders
    note of payment, they note with the history.
    """
    orders = Consumer(
        database,
        broker,
        listener="order",
        context=HEARS,
        subscriptions=subscriptions(join, system_clock),
    )
    besides = {"payment": payment_notes(join, system_clock)}
    histories = [
        Consumer(
            database,
            broker,
            listener=LISTENER,
            context=context,
            subscriptions=history_subscriptions(
                context, history_of, besides=besides.get(context, {})
            ),
            gather_seconds=GATHER_SECONDS,
        )
        for context in HISTORY_HEARS
    ]
    return [orders, *histories]


if __name__ == "__main__":
    uvloop.run(main(read_settings(Settings)))
