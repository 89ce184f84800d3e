"""Prevents: a running journey that breaks when it is replayed, because its code asked a clock, dice or the machine.

Temporal's sandbox does not look into these rooms: it takes their modules as they are, since importing them anew for
each journey is slow. So the rule is held here. In a shell, `workflow.now()` is the time; the core is told it.
"""

import ast
from pathlib import Path

import pytest

from tests.house import product

REPLAYED = ("journeys", "workflows")
NOT_REPLAYED = {"workflows/connection.py", "workflows/converter.py"}
"""How a process reaches Temporal: it runs beside the journeys, not in them."""

MODULES = {"os", "random", "secrets", "socket", "subprocess", "threading", "time", "uuid", "httpx", "pathlib"}
CALLS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "open", "input", "print"}


def surprises(module: Path) -> list[str]:
    """Where a module takes something that may be another when it is replayed."""
    imported = [
        f"{module}:{line} imports {name}" for name, line in product.imports(module) if name.partition(".")[0] in MODULES
    ]
    called = [
        f"{module}:{node.lineno} {ast.unparse(node.func)}()"
        for node in ast.walk(product.tree(module))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in CALLS
    ]
    return imported + called


def test_what_is_replayed_takes_no_surprises() -> None:
    rooms = [m for m in product.modules() if m.parts[0] in REPLAYED and m.as_posix() not in NOT_REPLAYED]
    assert len(rooms) > 10, "this looks at nothing"
    found = [place for module in rooms for place in surprises(module)]
    assert not found, "not the same when it is replayed:\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("from datetime import datetime\n\nNOW = datetime.now()\n", "3 datetime.now()"),
        ("import random\n", "1 imports random"),
        ("from uuid import uuid4\n", "1 imports uuid"),
    ],
)
def test_the_rule_sees_a_surprise(code: str, what: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text(code)
    assert what in [place.partition(":")[2] for place in surprises(bad)]
