"""Prevents: half of a decision on record, because two rooms each committed their part of it.

To do it right: write a function in `store/` in the business's own verb, which opens one transaction for all that
belongs together, and call that. Reading needs no transaction: `engine.connect()`.
"""

import ast
from pathlib import Path

from tests.house import product

COMMITS = {"begin", "begin_nested", "commit"}

EXCEPTIONS: dict[str, str] = {}


def commits(module: Path) -> list[str]:
    return [
        f"{module}:{node.lineno} .{node.func.attr}()"
        for node in ast.walk(product.tree(module))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in COMMITS
        if ast.unparse(node.func.value).split(".")[-1] in ("engine", "conn", "connection", "session", "_engine")
    ]


def test_only_the_store_commits() -> None:
    found = [place for module in product.modules() if module.parts[0] != "store" for place in commits(module)]
    left = product.allowed(found, EXCEPTIONS)
    assert not left, "a transaction outside store/; write a function there and call it:\n" + "\n".join(left)


def test_the_rule_sees_a_commit(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("async def f(here):\n    async with here.engine.begin() as conn:\n        await conn.commit()\n")
    assert [place.partition(":")[2] for place in commits(bad)] == ["2 .begin()", "3 .commit()"]
