"""The eyes that look for card numbers: what they see, and what they never take for one."""

import random
from uuid import UUID

import pytest

from retail.order.v1 import order_service_pb2 as pb
from tests.card_data import Scan, cards_in


def test_a_card_number_is_seen_with_its_issuer():
    assert list(cards_in(b"4242424242424242")) == ["Visa"]
    assert list(cards_in(b"at 5 to 12 5555-5555-5555-4444 was used")) == ["Mastercard"]
    assert list(cards_in(b'{"note":"3782 822463 10005"}')) == ["American Express"]
    assert list(cards_in(b"6011111111111117,3566002020360505")) == ["Discover", "JCB"]


@pytest.mark.parametrize("length", range(16, 70))
def test_a_card_number_in_a_message_is_seen_whatever_length_its_text_has(length):
    text = "4242424242424242".ljust(length, "!")
    message = pb.PlaceOrderRequest(lines=[pb.OrderLineRequest(sku="LAMP")], reference=text)
    scan = Scan()

    scan.look_at(message.SerializeToString(), kind="messages", where="here")

    assert [found.what for found in scan.found] == ["Visa"]


def test_a_secret_is_seen_and_not_repeated():
    scan = Scan({"the password": "hunter2", "no password": ""})

    scan.look_at("postgresql://app:hunter2@db", kind="logs", where="order-1.log:7")

    assert [(found.where, found.what) for found in scan.found] == [
        ("order-1.log:7", "the password")
    ]


def test_what_is_made_here_is_never_taken_for_a_card():
    dice = random.Random(6)
    digits = "".join(dice.choices("0123456789", k=200_000))
    scan = Scan()
    for place in range(0, len(digits) - 64, 8):
        of_digits = digits[place : place + 32]
        span = digits[place : place + 16]
        trace_context = f"00-{of_digits}-{span}-01"
        for said in (
            str(UUID(of_digits)),
            trace_context,
            f'{{"span_id":"{span}","spanId": "{span}","parentSpanId":"{span}"}}',
            f"0.{span}",
            f"{span}.5",
            f"17{span[:14]}",  # microseconds since 1970
            f"17{span}0",  # nanoseconds
            f"2026-11-21 20:26:12.{span[:6]}",
            of_digits,
        ):
            scan.look_at(said, kind="made here", where=said)

    assert scan.seen["made here"] > 100_000
    assert scan.found == []


def test_without_taking_out_what_is_made_here_chance_would_find_cards():
    dice = random.Random(6)
    ids = ("".join(dice.choices("0123456789", k=16)) for _ in range(2_000))

    assert any(list(cards_in(f'{{"id":"{each}"}}'.encode())) for each in ids)
