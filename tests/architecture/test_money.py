"""Money is reckoned in whole minor units."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RECKONED_IN = [
    ROOT / "chassis" / "kernel" / "money.py",
    ROOT / "chassis" / "kernel" / "share.py",
    ROOT / "chassis" / "rpc" / "money.py",
    ROOT / "services" / "order" / "domain" / "charges.py",
    ROOT / "services" / "order" / "domain" / "refunds.py",
    *sorted((ROOT / "services" / "payment" / "domain").rglob("*.py")),
    *sorted((ROOT / "services" / "payment" / "adapters").rglob("amounts.py")),
    *sorted((ROOT / "services" / "payment" / "wire").rglob("*.py")),
    *sorted((ROOT / "deploy" / "psp" / "verbs").rglob("*.py")),
    ROOT / "deploy" / "psp" / "currencies.py",
]


def floats_in(source):
    """
    Return the lines of *source* on which a float may come to be.
    """
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div))
        or (isinstance(node, ast.Name) and node.id in ("float", "round", "Decimal"))
    ]


@pytest.mark.parametrize("path", RECKONED_IN, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_float_comes_near_money(path):
    assert floats_in(path.read_text()) == []


@pytest.mark.parametrize("line", ["fee = 0.014 * x", "x = a / b", "a /= b", "x = round(y)"])
def test_a_float_would_be_seen(line):
    assert floats_in(line) == [1]
