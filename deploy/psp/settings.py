"""What the PSP must be told to run: each setting is an environment variable in capitals."""

import os
from collections.abc import Mapping
from typing import Annotated

import msgspec


class BadSettings(SystemExit):
    """
    The environment does not say what the process needs; its text tells which variable.
    """


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """
    Where an account's events are told.

    Attributes:
        urls: Replicas of one receiver, which take turns; an event goes to the first that answers.
        secret: Signs what is sent.
        events: Which types; `*` is all.
    """

    urls: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    secret: str
    events: tuple[str, ...] = ("*",)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """
    Attributes:
        database_url: A database of its own, `postgresql://user:password@host/name`.
        psp_address: Where to listen, such as `127.0.0.1:8091`.
        psp_keys: JSON: the secret API key of each account, `{"main": "sk_test_…"}`.
        psp_webhooks: JSON: each account's target.
        psp_authorization_seconds: How long banks set money aside.
        psp_key_seconds: For how long idempotency keys are remembered.
        psp_seed: Decides what happens with a probability.
        log_level: DEBUG, INFO, WARNING or ERROR.
    """

    database_url: str
    psp_keys: dict[str, str]
    psp_address: str = "127.0.0.1:8091"
    psp_webhooks: dict[str, Target] = {}
    psp_authorization_seconds: int = 7 * 86_400
    psp_key_seconds: int = 86_400
    psp_seed: int = 0
    log_level: str = "INFO"


JSON = ("psp_keys", "psp_webhooks")


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """
    Raises:
        BadSettings: A variable is missing or malformed.
    """
    named = {name: environment.get(name.upper()) for name in Settings.__struct_fields__}
    given: dict[str, object] = {name: value for name, value in named.items() if value}
    try:
        for name in JSON:
            if name in given:
                given[name] = msgspec.json.decode(str(given[name]))
        return msgspec.convert(given, Settings, strict=False)
    except msgspec.MsgspecError as error:
        raise BadSettings(f"cannot start: {error}") from None
