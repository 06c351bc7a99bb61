"""Every RPC of the contracts has a servicer method; every command among them a file of its name."""

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTEXTS = ["product", "order", "payment", "fulfillment"]

RPCS = [
    (context, method.name)
    for context in CONTEXTS
    for method in import_module(f"retail.{context}.v1.{context}_service_pb2")
    .DESCRIPTOR.services_by_name[f"{context.capitalize()}Service"]
    .methods
]


@pytest.mark.parametrize(("context", "rpc"), RPCS)
def test_no_rpc_is_left_unimplemented(context, rpc):
    module = import_module(f"services.{context}.entrypoints.servicer")
    servicer = getattr(module, f"{context.capitalize()}Servicer")

    assert rpc in vars(servicer)


COMMANDS = [rpc for rpc in RPCS if not rpc[1].startswith(("Get", "BatchGet", "List", "Watch"))]


@pytest.mark.parametrize(("context", "rpc"), COMMANDS)
def test_the_use_case_of_a_command_stands_in_a_file_of_its_name(context, rpc):
    # Two RPCs, one use case: placing one order is placing a batch of one.
    name = {"PlaceOrder": "PlaceOrders", "BatchPlaceOrders": "PlaceOrders"}.get(rpc, rpc)
    file = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()

    assert (ROOT / "services" / context / "application" / f"{file}.py").exists()
