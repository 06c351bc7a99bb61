"""Run the product service: `python -m services.product`."""

import uvloop

from chassis.cache.invalidation import hear_changes
from chassis.events.broker import connect_broker
from chassis.events.publisher import Publisher
from chassis.kernel.clock import system_clock
from chassis.repeat import repeat
from chassis.rpc.server import Server
from chassis.runner import run_until_stopped
from chassis.settings import read_settings
from chassis.storage.database import connect
from chassis.telemetry.setup import set_up_telemetry
from chassis.wake import Wake
from retail.product.v1.category_service_pb2_grpc import add_CategoryServiceServicer_to_server
from retail.product.v1.product_service_pb2_grpc import add_ProductServiceServicer_to_server
from retail.product.v1.stock_service_pb2_grpc import add_StockServiceServicer_to_server
from services.product.adapters.counters import DRAIN_SECONDS, FLUSH_SECONDS, Counters
from services.product.adapters.product_cache import SUBJECTS, product_cache
from services.product.adapters.unit_of_work import sql_unit_of_work
from services.product.entrypoints.category_servicer import CategoryServicer
from services.product.entrypoints.servicer import ProductServicer
from services.product.entrypoints.stock_servicer import StockServicer
from services.product.entrypoints.timers import (
    announce_due_prices,
    expire_overdue_holds,
    fill_search_index,
)
from services.product.settings import Settings
from services.product.wire.fields import DOMAIN


async def main(settings: Settings) -> None:
    telemetry = set_up_telemetry(
        service="product",
        instance=settings.instance,
        otlp_endpoint=settings.otel_exporter_otlp_endpoint,
        traces_file=settings.traces_file,
        sample_ratio=settings.traces_sample_ratio,
        metrics_address=settings.metrics_address,
        log_level=settings.log_level,
    )
    database = connect(settings.database_url, application=settings.instance)
    told = Wake()
    cache = product_cache(
        uow=sql_unit_of_work(database, told=told, clock=system_clock),
        clock=system_clock,
        urls=settings.cache_url,
        budget_bytes=settings.cache_budget_bytes,
        seconds=settings.cache_seconds,
    )
    counters = Counters(database, url=settings.cache_url.partition(",")[0])
    uow = sql_unit_of_work(
        database, told=told, clock=system_clock, changed=cache.drop, counts=counters
    )
    broker = await connect_broker(
        settings.nats_url,
        name=settings.instance,
        on_loss=cache.lose_touch,
        on_return=cache.regain_touch,
    )

    publisher = Publisher(
        database, broker, context="product", told=told, kept_days=settings.events_kept_days
    )

    server = Server(domain=DOMAIN, address=settings.grpc_address)
    servicer = ProductServicer(uow=uow, clock=system_clock, cache=cache, counts=counters)
    add_ProductServiceServicer_to_server(servicer, server.grpc)
    add_StockServiceServicer_to_server(StockServicer(uow=uow, clock=system_clock), server.grpc)
    add_CategoryServiceServicer_to_server(
        CategoryServicer(uow=uow, clock=system_clock), server.grpc
    )
    server.answer_quickly(
        "/retail.product.v1.ProductService/GetProduct", servicer.get_product_quickly
    )
    if settings.grpc_reflection:
        server.reflect(
            "retail.product.v1.ProductService",
            "retail.product.v1.CategoryService",
            "retail.product.v1.StockService",
        )

    jobs = [
        cache.run(),
        repeat(counters.flush, name="counts", every_seconds=FLUSH_SECONDS),
    ]
    if settings.plays("api"):
        jobs.append(hear_changes(broker, cache, subjects=SUBJECTS))
    if settings.plays("worker"):
        jobs += [
            publisher.run(),
            expire_overdue_holds(uow=uow, clock=system_clock),
            repeat(counters.drain, name="activity", every_seconds=DRAIN_SECONDS),
            announce_due_prices(uow=uow, clock=system_clock),
            fill_search_index(uow=uow, clock=system_clock),
        ]
    try:
        await run_until_stopped(server if settings.plays("api") else None, *jobs)
    finally:
        await counters.close()
        await cache.close()
        await broker.close()
        await database.close()
        await telemetry.shut_down()


if __name__ == "__main__":
    uvloop.run(main(read_settings(Settings)))
