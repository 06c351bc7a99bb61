"""Writes docs/reference/configuration.md from the settings' own docstrings: `make docs`."""

import re
from importlib import import_module
from pathlib import Path

import msgspec

from chassis.settings import ServiceSettings
from deploy.providers.settings import Settings as ProvidersSettings
from deploy.psp.settings import Settings as PspSettings

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "configuration.md"
SERVICES = ("product", "order", "payment", "fulfillment")


def page() -> str:
    """
    Return the page as it should be today.
    """
    parts = [
        "# Configuration\n\nWritten by `make docs` from the settings in the code."
        "\nEvery setting is an environment variable; a missing or malformed one stops the service"
        " at start and is named.\n",
        section("Every service", ServiceSettings, set()),
    ]
    common = set(ServiceSettings.__struct_fields__)
    for service in SERVICES:
        settings = import_module(f"services.{service}.settings").Settings
        if set(settings.__struct_fields__) - common:
            parts.append(section(f"services/{service}", settings, common))
    parts.append(section("deploy/psp, the simulated PSP", PspSettings, set()))
    parts.append(section("deploy/providers, the played providers", ProvidersSettings, set()))
    return "\n".join(parts)


def section(title: str, settings: type[msgspec.Struct], left_out: set[str]) -> str:
    """
    Return a table of the settings of one class, but for those *left_out*.
    """
    texts = described(settings.__doc__ or "")
    rows = [
        f"| `{name.upper()}` | {default_of(settings, name)} | {texts.get(name, '')} |"
        for name in settings.__struct_fields__
        if name not in left_out
    ]
    head = f"## {title}\n\n| variable | default | meaning |\n|---|---|---|\n"
    return head + "\n".join(rows) + "\n"


def described(docstring: str) -> dict[str, str]:
    """
    Return what the Attributes section of *docstring* says of each name.
    """
    _, _, attributes = docstring.partition("Attributes:")
    entries = re.findall(r"^\s{8}(\w+): (.*(?:\n\s{9,}.*)*)", attributes, flags=re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}


def default_of(settings: type[msgspec.Struct], name: str) -> str:
    required = len(settings.__struct_fields__) - len(settings.__struct_defaults__)
    place = settings.__struct_fields__.index(name) - required
    if place < 0:
        return "required"
    default = settings.__struct_defaults__[place]
    # What is a collection is empty unless it is said.
    said = isinstance(default, (str, int, float)) and default != ""
    return f"`{default}`" if said else "empty"


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page())
