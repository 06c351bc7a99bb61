"""What SQL in the code must not do, because it works until the planner changes its mind."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_no_limit_with_locks_stands_in_an_in():
    # Looked up anew for every row, it finds other rows that are not locked yet, past the limit.
    opening = r"(IN \(\s*SELECT|ARRAY\(|text\()"
    limited = re.compile(rf"{opening}(?:(?!{opening})[\s\S])*?LIMIT :limit\s+FOR[\w\s]+SKIP LOCKED")

    found = [
        str(file.relative_to(ROOT))
        for top in ("chassis", "services")
        for file in (ROOT / top).rglob("*.py")
        for match in limited.finditer(file.read_text())
        if match[1].startswith("IN")
    ]

    assert found == []
