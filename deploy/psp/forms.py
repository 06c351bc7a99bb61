"""Form-encoded parameters with names such as `a[b][c]`, as Stripe's clients send them."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from deploy.psp.refusals import Malformed

Form = dict[str, Any]

MOST_FIELDS = 500
# Stripe's limits on metadata.
MOST_METADATA = 50
LONGEST_METADATA_KEY = 40
LONGEST_METADATA_VALUE = 500


def form_from(text: str) -> Form:
    """
    Return the parameters that *text* holds, nested as their names say; lists by their indexes.

    Raises:
        Malformed: They contradict one another, or there are too many.
    """
    form: Form = {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise Malformed(f"Invalid request: {error}") from None
    for name, value in pairs:
        head, *inner = re.split(r"\]?\[", name.removesuffix("]"))
        here = form
        for number, part in enumerate([head, *inner[:-1]] if inner else []):
            here = here.setdefault(part or str(number), {})
            if not isinstance(here, dict):
                raise Malformed(
                    f"Invalid request: {name} is both a value and an object", param=name
                )
        last = inner[-1] if inner else head
        here[last or str(len(here))] = value
    return form


def refuse_others(form: Mapping[str, Any], known: frozenset[str]) -> None:
    """
    Raises:
        Malformed: There is a parameter that is not *known*.
    """
    for name in form:
        if name not in known:
            raise Malformed(
                f"Received unknown parameter: {name}", code="parameter_unknown", param=name
            )


def text_in(form: Mapping[str, Any], *path: str, default: str | None = None) -> str:
    """
    Return the text at *path*, which must be there if there is no *default*.
    """
    name = path[0] + "".join(f"[{part}]" for part in path[1:])
    here: Any = form
    for part in path:
        here = here.get(part) if isinstance(here, dict) else None
    if here is None or here == "":
        if default is None:
            raise Malformed(
                f"Missing required param: {name}.", code="parameter_missing", param=name
            )
        return default
    if not isinstance(here, str):
        raise Malformed(f"Invalid string: {name}", param=name)
    return here


def integer_in(form: Mapping[str, Any], name: str) -> int | None:
    """
    Return the whole number *name*, if it is there.
    """
    text = text_in(form, name, default="")
    if not text:
        return None
    if not re.fullmatch(r"-?[0-9]{1,15}", text):
        raise Malformed(f"Invalid integer: {text}", code="parameter_invalid_integer", param=name)
    return int(text)


def flag_in(form: Mapping[str, Any], name: str, *, default: bool) -> bool:
    text = text_in(form, name, default="true" if default else "false")
    if text not in ("true", "false"):
        raise Malformed(f"Invalid boolean: {text}", param=name)
    return text == "true"


def metadata_in(form: Mapping[str, Any]) -> dict[str, str]:
    """
    Return the metadata that came with a request; an empty value unsets its key.
    """
    given = form.get("metadata") or {}
    if not isinstance(given, dict) or not all(isinstance(each, str) for each in given.values()):
        raise Malformed("Invalid object: metadata", param="metadata")
    for key, value in given.items():
        if len(key) > LONGEST_METADATA_KEY or len(value) > LONGEST_METADATA_VALUE:
            raise Malformed(
                f"Metadata keys can have up to {LONGEST_METADATA_KEY} characters, values up to"
                f" {LONGEST_METADATA_VALUE}.",
                param=f"metadata[{key[:LONGEST_METADATA_KEY]}]",
            )
    return given


def merged(kept: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """
    Return the metadata of an object after a request that came with *given*.

    Raises:
        Malformed: It would be too much.
    """
    whole = {key: value for key, value in {**kept, **given}.items() if value}
    if len(whole) > MOST_METADATA:
        raise Malformed(f"Metadata can have up to {MOST_METADATA} keys.", param="metadata")
    return whole


def expansions_in(form: Mapping[str, Any]) -> frozenset[str]:
    """
    Return which references an answer shall carry in full: `expand[]=latest_charge`.
    """
    given = form.get("expand") or {}
    if isinstance(given, str):
        return frozenset((given,))
    return frozenset(each for each in given.values() if isinstance(each, str))
