"""The model and the contract name the same events, and everybody hears what is provisioned."""

from importlib import import_module
from typing import get_args

import pytest

from deploy.local.topology import WAYBILL
from services.order.entrypoints import history_subscriptions

CONTEXTS = ["product", "order", "payment", "fulfillment"]
# Where the events of a context are, and what all of them are called together.
MODELS = {
    "product": {"domain.events": "ProductEvent"},
    "order": {"domain.events": "OrderEvent"},
    "payment": {"domain.events": "PaymentEvent"},
    "fulfillment": {"domain.events": "FulfillmentEvent", "domain.returns.events": "ReturnEvent"},
}


def messages_of(context):
    contract = import_module(f"retail.{context}.v1.{context}_events_pb2")
    return contract.DESCRIPTOR.message_types_by_name


@pytest.mark.parametrize("context", CONTEXTS)
def test_the_model_and_the_contract_name_the_same_events(context):
    unions = [
        getattr(import_module(f"services.{context}.{module}"), union)
        for module, union in MODELS[context].items()
    ]

    in_model = {event.__name__ for union in unions for event in get_args(union)}
    in_contract = {
        name for name, message in messages_of(context).items() if "meta" in message.fields_by_name
    }

    assert in_model == in_contract


@pytest.mark.parametrize("context", CONTEXTS)
def test_every_event_says_what_it_is_about_in_its_first_field(context):
    for message in messages_of(context).values():
        if "meta" in message.fields_by_name:
            meta = message.fields_by_name["meta"]
            assert meta.number == 1
            assert meta.message_type.full_name == "retail.common.v1.EventMeta"


@pytest.mark.parametrize("context", CONTEXTS)
def test_what_is_no_event_is_a_part_of_one(context):
    messages = messages_of(context)

    no_events = {name for name, message in messages.items() if "meta" not in message.fields_by_name}
    parts = {
        field.message_type.name
        for message in messages.values()
        for field in message.fields
        if field.message_type
    }

    assert no_events <= parts


def test_whoever_listens_has_a_consumer():
    heard = {
        service: (import_module(f"services.{service}.entrypoints.subscriptions").HEARS,)
        for service in ("order", "fulfillment")
    }
    heard["history"] = history_subscriptions.HEARS

    assert {listener: tuple(contexts) for listener, contexts in WAYBILL.listeners.items()} == heard
