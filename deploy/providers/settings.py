"""What the providers must be told to run: each setting is an environment variable in capitals."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec


class BadSettings(SystemExit):
    """
    The environment does not say what the process needs; its text tells which variable.
    """


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """
    Attributes:
        fulfillment_target: The fulfillment service, as gRPC names it.
        providers_file: Who plays, and how.
        providers_address: Where to say over HTTP that all are at work, such as `127.0.0.1:8092`.
        log_level: DEBUG, INFO, WARNING or ERROR.
    """

    fulfillment_target: str
    providers_file: Path
    providers_address: str = "127.0.0.1:8092"
    log_level: str = "INFO"


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """
    Raises:
        BadSettings: A variable is missing or malformed.
    """
    named = {name: environment.get(name.upper()) for name in Settings.__struct_fields__}
    given = {name: value for name, value in named.items() if value}
    try:
        return msgspec.convert(given, Settings, strict=False, dec_hook=path_from)
    except msgspec.MsgspecError as error:
        raise BadSettings(f"cannot start: {error}") from None


def path_from(kind: type, value: object) -> Path:
    if kind is Path:
        return Path(str(value))
    raise NotImplementedError(kind)
