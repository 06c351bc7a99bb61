"""Settings every service has, read once from the environment."""

import os
from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

import msgspec


class ServiceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a service must be told to run. Missing or malformed values stop it at start.

    Each is an environment variable of the same name in capitals, such as `DATABASE_URL`.

    Attributes:
        database_url: This service's own database, `postgresql+asyncpg://user:password@host/name`.
        nats_url: NATS servers, comma-separated.
        grpc_address: Where to listen, such as `127.0.0.1:50051`.
        instance: The name of this replica in logs and traces.
        roles: What this process does: `api`, `worker` or both, comma-separated.
        events_kept_days: For how long published events can be told again.
        grpc_reflection: Whether clients may ask which services and messages there are.
        traces_file: Where to append spans; empty: nowhere.
        traces_sample_ratio: Of the traces that begin here, how many are kept: 0.0 to 1.0.
        otel_exporter_otlp_endpoint: Where to send spans by OTLP/gRPC; empty: nowhere.
        metrics_address: Where Prometheus may ask for metrics, such as `127.0.0.1:9464`; if
            empty, nowhere.
        log_level: DEBUG, INFO, WARNING or ERROR.
    """

    database_url: str
    nats_url: str
    grpc_address: str = "127.0.0.1:50051"
    instance: str = "local"
    roles: Annotated[str, msgspec.Meta(pattern="^(api|worker)(,(api|worker))?$")] = "api,worker"
    events_kept_days: Annotated[int, msgspec.Meta(ge=2)] = 14
    grpc_reflection: bool = False
    traces_file: str = ""
    traces_sample_ratio: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.01
    otel_exporter_otlp_endpoint: str = ""
    metrics_address: str = ""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    def plays(self, role: str) -> bool:
        """
        Return whether this process plays *role*: `api` or `worker`.
        """
        return role in self.roles.split(",")


S = TypeVar("S", bound=ServiceSettings)


class BadSettings(SystemExit):
    """
    The environment does not say what the process needs; its text tells which variable.
    """


def read_settings(kind: type[S], environment: Mapping[str, str] = os.environ) -> S:
    """
    Return the settings of *kind* that *environment* holds.

    Raises:
        BadSettings: A variable is missing or malformed.
    """
    named = {name: environment.get(name.upper()) for name in kind.__struct_fields__}
    given = {name: value for name, value in named.items() if value is not None}
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadSettings(
            f"cannot start: {error} (each setting is an environment variable in capitals)"
        ) from None
