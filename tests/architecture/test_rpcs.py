"""Every RPC of the contracts has a servicer method; every command among them a file of its name."""

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROTOS = sorted((ROOT / "protos").glob("retail/*/v1/*_service.proto"))


def rpcs_of(proto):
    context = proto.parts[-3]
    contract = import_module(f"retail.{context}.v1.{proto.stem}_pb2").DESCRIPTOR
    for service in contract.services_by_name.values():
        for method in service.methods:
            yield context, service.name, method.name


def snake_case(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


RPCS = [rpc for proto in PROTOS for rpc in rpcs_of(proto)]


@pytest.mark.parametrize(("context", "service", "rpc"), RPCS)
def test_no_rpc_is_left_unimplemented(context, service, rpc):
    # The service that a context is named after has the plain file name.
    noun = snake_case(service.removesuffix("Service"))
    file = "servicer" if noun == context else f"{noun}_servicer"
    servicer = getattr(import_module(f"services.{context}.entrypoints.{file}"), f"{service}r")

    module = getattr(servicer, rpc).__module__

    assert module.startswith(f"services.{context}.entrypoints.")


QUERIES = ("Get", "BatchGet", "List", "Search", "Watch")
COMMANDS = [(context, rpc) for context, _, rpc in RPCS if not rpc.startswith(QUERIES)]


@pytest.mark.parametrize(("context", "rpc"), COMMANDS)
def test_the_use_case_of_a_command_stands_in_a_file_of_its_name(context, rpc):
    # Two RPCs, one use case: placing one order is placing a batch of one.
    name = {"PlaceOrder": "PlaceOrders", "BatchPlaceOrders": "PlaceOrders"}.get(rpc, rpc)
    file = snake_case(name)

    # One that answers many callers at once has its name in the plural.
    application = ROOT / "services" / context / "application"
    assert [*application.rglob(f"{file}.py"), *application.rglob(f"{file}s.py")]
