"""No card number and no secret is kept or logged anywhere, whatever somebody sends us."""

import json
from urllib.parse import urlsplit
from uuid import uuid4

import grpc
import pytest

from chassis.events.broker import connect_broker
from chassis.rpc.errors import reason_of
from deploy.local.databases import asyncpg_url
from deploy.local.demo import play
from deploy.local.traces import complete_trace
from deploy.local.up import silent
from retail.common.v1.address_pb2 import Address
from retail.order.v1 import order_service_pb2 as pb
from retail.order.v1 import saga_service_pb2 as saga_pb
from retail.payment.v1 import payment_service_pb2 as payment_pb
from tests.card_data import Scan
from tests.e2e.conftest import pounds, refusal_of

# Issuers' published test numbers.
CARD = "4242 4242 4242 4242"
CARDS = (CARD, "4242-4242-4242-4242", "5555555555554444", "378282246310005")
TRACE_ID = uuid4().hex
TRACED = ("traceparent", f"00-{TRACE_ID}-{TRACE_ID[:16]}-01")
REFUSED = (grpc.StatusCode.INVALID_ARGUMENT, "CARD_NUMBER_REFUSED")


async def test_a_card_number_is_refused_wherever_people_write(shop, services):
    sku = await shop.lamps(5)
    calls = services.order
    # Nobody takes it on: it stays under way.
    order = await shop.place(sku, 1, ship_to=Address(name="Ada", country_code="AQ"))
    whose = {"account_id": shop.account, "order_id": order.order_id}
    at_home = {"name": "Ada", "country_code": "GB"}

    for card in CARDS:
        said = f"my card: {card}!"
        placing = [
            {"psp_token": card},
            {"psp_token": f"tok_{card}"},
            {"reference": said},
            {"ship_to": Address(lines=[said], **at_home)},
            {"shipping_lines": [pb.OrderCharge(title=said, amount=pounds(1))]},
        ]
        for content in placing:
            assert await refusal_of(calls.PlaceOrder(shop.request(sku, 1, **content))) == REFUSED
        cancel = pb.CancelOrderRequest(**whose, reason=said)
        assert await refusal_of(calls.CancelOrder(cancel)) == REFUSED
        give_up = saga_pb.CompensateSagasRequest(
            order_ids=[order.order_id], actor="operator", reason=said
        )
        assert await refusal_of(services.saga.CompensateSagas(give_up)) == REFUSED
        assert await refused_by_payment(services, card, said) == {"CARD_NUMBER_REFUSED"}
        # These are no words, and are refused for what they are not.
        for malformed in ({"request_id": card}, {"account_id": card}):
            with pytest.raises(grpc.aio.AioRpcError):
                await calls.PlaceOrder(shop.request("NO-SUCH-SKU", 1, **malformed))

    await calls.CancelOrder(pb.CancelOrderRequest(**whose, reason="enough"))


async def refused_by_payment(services, card, said):
    """
    Return the reasons with which payment refuses what holds a card number.
    """
    id_ = str(uuid4())
    authorization = payment_pb.Authorization(payment_id=id_, amount=pounds(1), psp_token=card)
    refund = payment_pb.Refund(refund_id=id_, payment_id=id_, amount=pounds(1), reason=said)
    authorized = await services.payment.AuthorizePayments(
        payment_pb.AuthorizePaymentsRequest(authorizations=[authorization])
    )
    refunded = await services.payment.RefundPayments(
        payment_pb.RefundPaymentsRequest(refunds=[refund])
    )
    return {reason_of(r.error) for answer in (authorized, refunded) for r in answer.results}


async def test_nothing_of_it_is_kept_or_logged_and_no_secret_either(cluster, shop, services):
    sku = await shop.lamps(5)
    outcomes = await play(cluster, silent)
    for token in ("tok_visa", "tok_chargeDeclined", "tok_timeoutAfterSuccess"):
        placed = await services.order.PlaceOrder(
            shop.request(sku, 1, psp_token=token), metadata=(TRACED,)
        )
        if token == "tok_chargeDeclined":
            await shop.outcome_of(placed.order.order_id)
    refused = services.order.PlaceOrder(shop.request(sku, 1, psp_token=CARD), metadata=(TRACED,))
    assert await refusal_of(refused) == REFUSED
    spans = await complete_trace(cluster.state / "traces", TRACE_ID)

    scan = await scan_of(cluster)

    assert scan.found == []
    # It has looked: into as much as that leaves behind.
    assert len(spans) > 10
    assert "psp authorize" in {span.name for span in spans}
    least = {"rows": 1_000, "messages": 200, "logs": 20, "traces": 2, "keys": 1}
    assert not [kind for kind, count in least.items() if scan.seen.get(kind, 0) < count]
    assert not [problem for outcome in outcomes for problem in outcome.problems]


async def scan_of(cluster):
    scan = Scan(secrets_of(cluster))
    await scan.databases(asyncpg_url(next(iter(cluster.databases.values())).admin))
    scan.files(cluster.state / "logs", kind="logs")
    scan.files(cluster.state / "traces", kind="traces")
    broker = await connect_broker(cluster.nats_url, name="card-data")
    try:
        await scan.streams(broker.jetstream())
    finally:
        await broker.close()
    await scan.cache(cluster.cache_url)
    return scan


def secrets_of(cluster):
    """
    Return what the processes of *cluster* are told in secret, by a name for each.
    """
    secrets = {}
    for process in cluster.processes:
        for variable, value in process.environment.items():
            secrets |= {
                f"{process.name}'s {variable}{place}": secret
                for place, secret in secrets_in(variable, value)
            }
    for service, database in cluster.databases.items():
        for role in ("admin", "owner", "app"):
            secrets[f"{service}'s {role}"] = urlsplit(getattr(database, role)).password or ""
    return secrets


def secrets_in(variable, value):
    """
    Yield the secrets in the setting *variable*, each with its place: passwords in URLs, keys in
    lists of accounts, and what is called a secret.
    """
    if variable == "PSP_ACCOUNTS":
        for account in json.loads(value or "[]"):
            yield f" {account['name']} api_key", account["api_key"]
            for number, secret in enumerate(account["webhook_secrets"]):
                yield f" {account['name']} webhook_secrets[{number}]", secret
    elif "://" in value:
        yield "", urlsplit(value.split(",")[0]).password or ""
    elif any(word in variable for word in ("SECRET", "PASSWORD", "API_KEY")):
        yield "", value


def test_what_is_secret_in_a_setting_is_known():
    accounts = [{"name": "main", "api_key": "sk_1", "webhook_secrets": ["whsec_new", "whsec_old"]}]
    settings = {
        "DATABASE_URL": "postgresql+asyncpg://app:pass@localhost/retail_order",
        "PSP_ACCOUNTS": json.dumps(accounts),
        "CONTROL_SECRET": "hush",
        "LOG_LEVEL": "INFO",
    }

    found = [secret for setting in settings.items() for _, secret in secrets_in(*setting)]

    assert found == ["pass", "sk_1", "whsec_new", "whsec_old", "hush"]


def test_the_secrets_of_a_cluster_are_looked_for(cluster):
    secrets = {secret for secret in secrets_of(cluster).values() if secret}

    # Of each service's two roles, and of the administrator.
    assert len(secrets) >= 2 * len(cluster.databases) + 1
    assert {cluster.psp.api_key, cluster.psp.webhook_secret} <= secrets
