"""The simulated PSP of the cluster: what it is told, and what the payment service is told of it."""

import json
from collections.abc import Sequence
from pathlib import Path

from deploy.local.cluster import Psp
from deploy.local.databases import asyncpg_url, password_of, service_database
from deploy.local.processes import Process
from deploy.local.topology import PYTHONPATH, Command

ACCOUNT = "main"
# The context that has a PSP, and the name of the PSP's database.
MERCHANT = "payment"
DATABASE = "psp"

# What the payment service wants to hear of.
EVENTS = (
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.payment_failed",
    "payment_intent.succeeded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
)


def psp_at(address: str, admin_url: str) -> Psp:
    """
    Return the PSP that listens at *address*; its secrets follow from the administrator's.
    """
    return Psp(
        url=f"http://{address}",
        api_key=f"sk_test_{password_of('psp-api-key', admin_url)}",
        webhook_secret=f"whsec_{password_of('psp-webhooks', admin_url)}",
        database=service_database(admin_url, DATABASE),
    )


def psp_process(psp: Psp, command: Command, *, webhooks: Sequence[str], logs: Path) -> Process:
    """
    Args:
        webhooks: Where the replicas of the payment service listen.
    """
    target = {
        "urls": [f"http://{address}/webhooks/{ACCOUNT}" for address in webhooks],
        "secret": psp.webhook_secret,
        "events": EVENTS,
    }
    address = psp.url.removeprefix("http://")
    return Process(
        name="psp",
        role="psp",
        command=command,
        address=address,
        check=f"{psp.url}/health",
        log=logs / "psp.log",
        environment={
            "DATABASE_URL": asyncpg_url(psp.database.owner),
            "PSP_ADDRESS": address,
            "PSP_KEYS": json.dumps({ACCOUNT: psp.api_key}),
            "PSP_WEBHOOKS": json.dumps({ACCOUNT: target}),
            "PYTHONPATH": PYTHONPATH,
            "MALLOC_ARENA_MAX": "2",
        },
    )


def merchant_settings(psp: Psp, webhook_address: str) -> dict[str, str]:
    """
    Return what a replica of the payment service is told: where its PSP is, and where to listen to
    it.
    """
    account = {
        "name": ACCOUNT,
        "api_key": psp.api_key,
        "api_base": psp.url,
        "webhook_secrets": [psp.webhook_secret],
        "merchants": ["*"],
        "currencies": ["*"],
        "multicapture": True,
    }
    return {
        "PSP_ACCOUNTS": json.dumps([account]),
        "WEBHOOK_ADDRESS": webhook_address,
        # Its clock is ours, and it writes down at once what it moves.
        "RECONCILE_MARGIN_SECONDS": "2",
    }
