"""What the cluster consists of: the services, and who listens to whom."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

# The checkout: where `services`, `chassis` and `gen` are.
ROOT = Path(__file__).resolve().parents[2]

# For Python processes of ours: the checkout and what protoc wrote, before anything installed.
PYTHONPATH = os.pathsep.join(
    [str(ROOT), str(ROOT / "gen"), *filter(None, [os.environ.get("PYTHONPATH")])]
)

Command = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """
    Which services there are and how to run them. Tests run others.

    Attributes:
        contexts: The services, each with its database, stream and port.
        listeners: Whose events each listener consumes.
        homes: Which service a listener belongs to whose name is not the service's.
        service: The command that runs a service; `{service}` stands for its name.
        preparation: The command that makes the servers ready for the services; none if empty.
            It is given the state directory.
        psp: The command that runs the simulated PSP; none if empty.
    """

    contexts: tuple[str, ...]
    listeners: Mapping[str, tuple[str, ...]]
    service: Command
    preparation: Command = ()
    psp: Command = ()
    homes: Mapping[str, str] = field(default_factory=dict[str, str])

    def home_of(self, listener: str) -> str:
        """
        Return the service in whose database *listener* keeps its inbox.
        """
        return self.homes.get(listener, listener)

    def command_of(self, service: str) -> Command:
        return tuple(word.format(service=service) for word in self.service)


WAYBILL = Topology(
    contexts=("product", "order", "payment", "fulfillment"),
    listeners={
        "order": ("fulfillment",),
        "history": ("order", "payment", "fulfillment"),
        "fulfillment": ("order",),
    },
    homes={"history": "order"},
    service=(sys.executable, "-m", "services.{service}"),
    preparation=(sys.executable, "-m", "deploy.local.provision"),
    psp=(sys.executable, "-m", "deploy.psp"),
)
