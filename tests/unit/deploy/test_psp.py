"""The cluster's PSP: what both sides are told of one another, and how it is commanded."""

import json
from argparse import ArgumentParser
from pathlib import Path

import msgspec
import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from deploy.local import psp as command
from deploy.local.errors import CommandFailed
from deploy.local.psp_process import merchant_settings, psp_at, psp_process
from deploy.psp.faults import fault_from
from deploy.psp.settings import BadSettings, read_settings
from services.payment.adapters.stripe.accounts import accounts_from_json

ADMIN = "postgresql://postgres:secret@127.0.0.1:5432/postgres"
PSP = psp_at("127.0.0.1:8091", ADMIN)


def arguments(*words):
    parser = ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(words)


def test_the_psp_and_its_merchant_are_told_the_same_secrets():
    webhooks = ["127.0.0.1:1001", "127.0.0.1:1002"]
    process = psp_process(PSP, ("true",), webhooks=webhooks, logs=Path("logs"))
    theirs = read_settings(process.environment)

    (ours,) = accounts_from_json(merchant_settings(PSP, webhooks[0])["PSP_ACCOUNTS"])

    assert theirs.psp_keys == {ours.name: ours.api_key}
    assert (theirs.psp_webhooks[ours.name].secret,) == tuple(ours.webhook_secrets)
    assert theirs.psp_webhooks[ours.name].urls == (
        "http://127.0.0.1:1001/webhooks/main",
        "http://127.0.0.1:1002/webhooks/main",
    )
    assert ours.api_base == f"http://{theirs.psp_address}"


def test_secrets_follow_from_the_administrators_and_tell_nothing_of_one_another():
    other = psp_at("127.0.0.1:8091", ADMIN.replace("secret", "another"))

    assert psp_at("127.0.0.1:8092", ADMIN).api_key == PSP.api_key
    assert len({PSP.api_key, PSP.webhook_secret[6:], other.api_key, other.webhook_secret[6:]}) == 4


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"DATABASE_URL": "postgresql://x"},
        {"DATABASE_URL": "postgresql://x", "PSP_KEYS": "main"},
        {"DATABASE_URL": "postgresql://x", "PSP_KEYS": "{}", "PSP_SEED": "one"},
    ],
)
def test_a_psp_that_is_told_too_little_or_nonsense_does_not_start(environment):
    with pytest.raises(BadSettings, match="cannot start"):
        read_settings(environment)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "fault capture error_after_success --next 3",
            "error_after_success for capture the next 3 times",
        ),
        (
            "fault all slow --ms 5 --probability 0.1",
            "slow for whatever it can befall with probability 0.1",
        ),
        ("fault webhook lost --event refund.failed", "lost for webhook"),
        ("fault capture wrong_amount --more 2", "wrong_amount for capture"),
    ],
)
def test_what_is_commanded_is_understood_and_said_in_words(words, said):
    asked = command.fault_of(arguments(*words.split()))

    fault = fault_from(json.dumps(asked).encode())

    assert command.told(msgspec.to_builtins(fault)) == said


@pytest.mark.parametrize("words", ["capture lost", "webhook down", "all duplicated"])
def test_what_cannot_befall_something_is_refused(words):
    with pytest.raises(CommandFailed):
        command.fault_of(arguments("fault", *words.split()))


@pytest.mark.parametrize("words", ["dance slow", "capture dance", "capture slow --next 0"])
def test_what_nobody_knows_is_refused(words):
    with pytest.raises(SystemExit):
        arguments("fault", *words.split())


async def settled_by_a_psp_that(answers, out):
    app = web.Application()
    app.add_routes([web.get("/simulator/settlement", answers)])
    async with TestServer(app) as server, ClientSession(server.make_url("/simulator/")) as session:
        return await command.settle(session, arguments("settle", "--out", str(out)))


async def test_a_report_that_cannot_be_written_is_said_in_a_sentence(tmp_path):
    async def a_report(_request):
        return web.Response(text="row_id")

    with pytest.raises(CommandFailed, match="No such file or directory"):
        await settled_by_a_psp_that(a_report, tmp_path / "nowhere" / "report.csv")


async def test_a_report_that_the_psp_refuses_is_said_in_its_words(tmp_path):
    async def a_refusal(_request):
        return web.json_response({"error": {"message": "Invalid timestamp: today"}}, status=400)

    with pytest.raises(CommandFailed, match="the PSP says: Invalid timestamp: today"):
        await settled_by_a_psp_that(a_refusal, tmp_path / "report.csv")


def test_a_payment_is_named_by_either_sides_id():
    assert command.named("pi_1") == {"payment_intent": "pi_1"}
    assert command.named("0b6f") == {"payment_id": "0b6f"}
