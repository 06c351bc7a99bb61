"""How long searches take, through a real product service."""

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import grpc
from google.type.money_pb2 import Money

from deploy.local.product_bench.catalogue import COLOURS, Catalogue
from retail.product.v1 import product_service_pb2 as pb
from retail.product.v1.product_service_pb2_grpc import ProductServiceStub

PATIENCE_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Searches:
    """
    Attributes:
        p50: Milliseconds, as p99.
    """

    count: int
    p50: float
    p99: float


async def measure_searches(
    channel: grpc.aio.Channel, made: Catalogue, *, rounds: int, seed: int = 1
) -> Mapping[str, Searches]:
    """
    Search for *rounds* of each kind in the service behind *channel*, whose catalogue is *made*,
    one after the other, and return how long that took by kind and for all of them.
    """
    stub = ProductServiceStub(channel)
    chance = random.Random(seed)
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        for kind, request in requests(made, chance).items():
            started = time.perf_counter()
            await stub.SearchProducts(request, timeout=PATIENCE_SECONDS)
            times.setdefault(kind, []).append((time.perf_counter() - started) * 1000)
    everything = [took for each in times.values() for took in each]
    return {kind: _searches(each) for kind, each in [*times.items(), ("all", everything)]}


def requests(made: Catalogue, chance: random.Random) -> Mapping[str, pb.SearchProductsRequest]:
    """
    Return a search of each kind.
    """
    common = chance.choice(made.words[:5])
    usual = chance.choice(made.words[20:500])
    rare = chance.choice(made.words[len(made.words) // 2 :])
    mistyped = usual[:2] + usual[3:] if len(usual) > 4 else usual
    colour = pb.AttributeFilter(name="colour", values=[chance.choice(COLOURS)])
    return {
        "no words": pb.SearchProductsRequest(),
        "common word": pb.SearchProductsRequest(query=common),
        "usual word": pb.SearchProductsRequest(query=usual),
        "two words": pb.SearchProductsRequest(query=f"{common} {usual}"),
        "rare word": pb.SearchProductsRequest(query=rare),
        "typing error": pb.SearchProductsRequest(query=mistyped),
        "as you type": pb.SearchProductsRequest(query=usual[:3], without_facets=True),
        "filters": pb.SearchProductsRequest(
            query=usual,
            attributes=[colour],
            min_price=Money(currency_code="EUR", units=10),
            max_price=Money(currency_code="EUR", units=50),
        ),
        "filter alone": pb.SearchProductsRequest(attributes=[colour]),
        "cheapest": pb.SearchProductsRequest(order=pb.SEARCH_ORDER_CHEAPEST),
    }


def _searches(times: Sequence[float]) -> Searches:
    ordered = sorted(times)
    return Searches(
        count=len(ordered),
        p50=ordered[len(ordered) // 2],
        p99=ordered[int(len(ordered) * 0.99)],
    )
