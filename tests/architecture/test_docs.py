"""The documents are true: links lead somewhere, commands exist, generated pages are fresh."""

import re
from pathlib import Path

import pytest

from deploy.local.invariants.catalogue import INVARIANTS
from scripts import asyncapi, configuration, metrics

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


def names_of(documents):
    return [str(document.relative_to(ROOT)) for document in documents]


@pytest.mark.parametrize("document", DOCUMENTS, ids=names_of(DOCUMENTS))
def test_every_link_leads_somewhere(document):
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text())

    broken = [
        link
        for link in links
        if not link.startswith("https://") and not (document.parent / link).exists()
    ]

    assert not broken


@pytest.mark.parametrize("document", DOCUMENTS, ids=names_of(DOCUMENTS))
def test_every_make_target_that_is_named_exists(document):
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))

    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", document.read_text(), re.MULTILINE))

    assert named <= targets


def test_a_command_that_can_print_an_object_prints_nothing_else():
    recipes = re.findall(r"^\t(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for_machines = [each for each in recipes if "--json" in each or "$(DO)" in each]

    assert for_machines
    assert [each for each in for_machines if not each.startswith("@")] == []


def test_the_page_of_settings_is_fresh():
    assert configuration.PAGE.read_text() == configuration.page(), "run `make docs`"


def test_the_page_of_metrics_is_fresh():
    assert metrics.PAGE.read_text() == metrics.page(), "run `make docs`"


def test_the_page_of_events_is_fresh():
    assert asyncapi.PAGE.read_text() == asyncapi.page(), "run `make docs`"


def test_every_decision_that_is_cited_was_taken():
    cited = {
        number
        for top in ("chassis", "services", "deploy")
        for file in (ROOT / top).rglob("*.py")
        for number in re.findall(r"ADR-(\d{4})", file.read_text())
    }
    taken = {file.name[:4] for file in (ROOT / "docs/decisions").glob("*.md")}

    assert cited <= taken


def test_the_readme_says_how_many_invariants_there_are():
    told = re.search(r"(\d+) invariants", (ROOT / "README.md").read_text())

    assert told
    assert int(told[1]) == len(INVARIANTS)
