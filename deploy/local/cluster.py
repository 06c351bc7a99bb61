"""
The record of a running cluster, `.run/cluster.json`: every endpoint, pid and credential.

`up` writes the plan, the supervisor keeps it up to date, and everyone else reads it:

    cluster = load(DEFAULT_STATE)
    cluster.databases["order"].app, cluster.targets["order"], cluster.nats_url
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from deploy.local.databases import ServiceDatabase
from deploy.local.errors import NotRunning, StateUnreadable
from deploy.local.processes import Identity, Process
from deploy.local.topology import ROOT

DEFAULT_STATE = ROOT / ".run"

# The role of those who come last, when all services are there to be called.
ACTORS = "actors"

Phase = Literal["starting", "running", "stopping", "failed"]


@dataclass(frozen=True, slots=True)
class Failure:
    """
    Why the cluster did not come up.
    """

    process: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Psp:
    """
    The simulated PSP, and the account that the cluster has there.

    Attributes:
        url: Its API's, and the simulator's own.
        api_key: The account's secret.
        webhook_secret: Signs what it tells the account.
        database: Its own.
    """

    url: str
    api_key: str
    webhook_secret: str
    database: ServiceDatabase


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """
    Everything that is needed to use a cluster.

    Attributes:
        state: The directory that everything of it lives in.
        replicas: Processes per service.
        nats_nodes: NATS servers, and copies of each stream.
        admin_url: The database server, for its administrator.
        databases: Each service's database.
        nats_url: Several, with commas between them, for several nodes.
        cache_url: The cache.
        targets: Each service's gRPC target, over all its replicas.
        psp: The payment service provider, if there is one.
        processes: The servers we run, then the services, then who plays the world around them.
        preparation: The job between the two: databases, streams, migrations.
        supervisor: Who keeps it running.
        failure: Why it did not come up, if it did not.
    """

    state: Path
    replicas: int
    nats_nodes: int
    admin_url: str
    databases: dict[str, ServiceDatabase]
    nats_url: str
    cache_url: str
    targets: dict[str, str]
    psp: Psp | None = None
    processes: tuple[Process, ...] = ()
    preparation: Process | None = None
    phase: Phase = "starting"
    supervisor: Identity | None = None
    failure: Failure | None = None

    @property
    def servers(self) -> tuple[Process, ...]:
        return tuple(process for process in self.processes if process.role == "server")

    @property
    def services(self) -> tuple[Process, ...]:
        others = ("server", ACTORS)
        return tuple(process for process in self.processes if process.role not in others)

    @property
    def actors(self) -> tuple[Process, ...]:
        return tuple(process for process in self.processes if process.role == ACTORS)

    @property
    def alive(self) -> bool:
        return self.supervisor is not None and self.supervisor.alive

    def process(self, name: str) -> Process:
        return next(process for process in self.processes if process.name == name)


def load(state: Path = DEFAULT_STATE) -> Cluster:
    """
    Return the cluster that runs in *state*.

    Raises:
        NotRunning: None does.
        StateUnreadable: Its record makes no sense.
    """
    cluster = read(state)
    if cluster is None:
        raise NotRunning(f"no cluster runs in {state}: start one with `make up`")
    if not cluster.alive:
        raise NotRunning(
            f"the cluster in {state} has lost its supervisor: clean up and start again with"
            " `make up`"
        )
    return cluster


def read(state: Path) -> Cluster | None:
    """
    Return what the record in *state* says, true or not, if there is one.

    Raises:
        StateUnreadable: It makes no sense.
    """
    file = record_of(state)
    try:
        return msgspec.json.decode(file.read_bytes(), type=Cluster, dec_hook=path_from_json)
    except FileNotFoundError:
        return None
    except PermissionError:
        raise StateUnreadable(
            f"{file} belongs to another user: ask them, or use a state of your own with --state"
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StateUnreadable(
            f"{file} cannot be understood ({error}). `make down` stops whatever still runs and"
            " removes it; the data stays."
        ) from None


def write(cluster: Cluster) -> None:
    """
    Replace the record. Readers see the old one or the new one, and only its owner sees either.
    """
    file = record_of(cluster.state)
    fresh = file.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_bytes(to_json(cluster))
    fresh.replace(file)


def forget(state: Path) -> None:
    record_of(state).unlink(missing_ok=True)


def record_of(state: Path) -> Path:
    return state / "cluster.json"


def to_json(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value, enc_hook=os.fspath), indent=2) + b"\n"


def path_from_json(kind: type, value: Any) -> Any:
    if kind is Path:
        return Path(value)
    raise NotImplementedError(kind)
