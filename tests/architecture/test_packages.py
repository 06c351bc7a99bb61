"""A package says what it is in one line, and nothing else."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = [
    path
    for top in ("chassis", "services", "deploy")
    for path in sorted((ROOT / top).rglob("__init__.py"))
]


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_package_holds_one_docstring_and_nothing_else(path):
    module = ast.parse(path.read_text())

    assert len(module.body) == 1
    docstring = ast.get_docstring(module)
    assert docstring
    assert "\n" not in docstring
