"""Run the product service: `python -m services.product`."""

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
from retail.product.v1.product_service_pb2_grpc import add_ProductServiceServicer_to_server
from retail.product.v1.stock_service_pb2_grpc import add_StockServiceServicer_to_server
from services.product.adapters.unit_of_work import sql_unit_of_work
from services.product.entrypoints.servicer import ProductServicer
from services.product.entrypoints.stock_servicer import StockServicer
from services.product.entrypoints.timers import expire_overdue_holds
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
    broker = await connect_broker(settings.nats_url, name=settings.instance)

    told = Wake()
    uow = sql_unit_of_work(database, told=told, clock=system_clock)

    publisher = Publisher(
        database, broker, context="product", told=told, kept_days=settings.events_kept_days
    )

    server = Server(domain=DOMAIN, address=settings.grpc_address)
    add_ProductServiceServicer_to_server(ProductServicer(uow=uow, clock=system_clock), server.grpc)
    add_StockServiceServicer_to_server(StockServicer(uow=uow, clock=system_clock), server.grpc)
    if settings.grpc_reflection:
        server.reflect("retail.product.v1.ProductService", "retail.product.v1.StockService")

    jobs = (
        [
            publisher.run(),
            expire_overdue_holds(uow=uow, clock=system_clock),
        ]
        if settings.plays("worker")
        else []
    )
    try:
        await run_until_stopped(server if settings.plays("api") else None, *jobs)
    finally:
        await broker.close()
        await database.close()
        await telemetry.shut_down()


if __name__ == "__main__":
    uvloop.run(main(read_settings(Settings)))
