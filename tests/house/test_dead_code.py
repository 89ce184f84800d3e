"""Prevents: code that nobody calls and everybody keeps up, and that is read as if it mattered.

To do it right: delete it; what is gone is in git. What is called by its name only from outside (an entry point, a
template, Alembic) is in the lists below with whoever calls it. Being called by a test alone is not being used.
"""

import ast
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.house import product

ENTRIES = {
    "worker": "`python worker.py`, and the tests' world",
    "starter.cli.main": "the command `ovation`",
    "sandbox.__main__": "`python -m sandbox`",
    "store.migrations.env": "Alembic runs it",
    "store.migrations.versions": "Alembic reads the folder",
    "reports": "a room that is not furnished yet",
}
"""Modules that nobody imports, and who runs them; a package stands for what is in it."""

FOUND = {
    "platforms.": "each folder is found by being there (`platforms.all_platforms`), and so is its stand-in",
    "authoring.rules.": "each rule is found by being there",
}
"""Packages whose members are found by being there."""

CALLED_FROM_OUTSIDE = {
    "authoring.schema.message_schema": "only its test; to be offered to editors beside the other two, or deleted",
    "authoring.template.render_to_output": "python-liquid calls it: the node of a tag of our own",
    "starter.local.postgres.drop_database": "the tests' databases, one for each test",
    "starter.local.processes.restart": "only its test; to be used by the stack's `revive`, or deleted",
}
"""`module.function` → who calls it, where no line of the product does."""

OF_LIBRARIES = {"model_post_init"}
"""Methods that a library calls by their name."""


@cache
def imported() -> set[str]:
    """Every module that another module of the product imports. A package is imported with its members."""
    found = {
        name for module in product.modules() for name, _ in product.imports(module) if name != product.name(module)
    }
    return found | {name.rpartition(".")[0] for name in found}


def dead_modules() -> list[str]:
    names = [product.name(module) for module in product.modules()]
    packages = {name.rpartition(".")[0] for name in names}
    return [
        name
        for name in names
        if name not in imported()
        and name not in packages
        and not any(name == entry or name.startswith(f"{entry}.") for entry in ENTRIES)
        and not any(name.startswith(found) and name.count(".") <= 2 for found in FOUND)
    ]


@cache
def mentions() -> Counter[str]:
    """How often each name is used anywhere in the product: read, imported, or called on something."""
    counted: Counter[str] = Counter()
    for module in product.modules():
        for node in ast.walk(product.tree(module)):
            if isinstance(node, ast.Name):
                counted[node.id] += 1
            elif isinstance(node, ast.Attribute):
                counted[node.attr] += 1
            elif isinstance(node, ast.ImportFrom):
                counted.update(alias.name for alias in node.names)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
                counted[node.value] += 1  # a forward reference, `getattr`, a template's filter
    return counted


def unused_functions(module: Path) -> list[str]:
    """Public functions and classes of a module, and methods of its classes, whose name stands nowhere else.

    What is decorated is used by its decorator: a route, a command, a validator."""
    return [
        f"{product.name(module)}.{node.name}"
        for node in _defined(product.tree(module))
        if not node.name.startswith("_") and not node.decorator_list and mentions()[node.name] == 0
        if node.name not in OF_LIBRARIES and not product.name(module).startswith("authoring.rules.")
    ]


def _defined(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    top = [node for node in tree.body if isinstance(node, kinds)]
    inner = [node for one in top if isinstance(one, ast.ClassDef) for node in one.body if isinstance(node, kinds)]
    return [*top, *inner]


def test_every_module_is_imported_or_run() -> None:
    dead = dead_modules()
    assert not dead, "nobody imports these; delete them, or say in ENTRIES who runs them:\n" + "\n".join(dead)


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_entry_point_is_there(entry: str) -> None:
    names = {product.name(module) for module in product.modules()}
    assert any(name == entry or name.startswith(f"{entry}.") for name in names), f"strike off {entry}: it is gone"


def test_every_public_function_is_used() -> None:
    unused = [one for module in product.modules() for one in unused_functions(module)]
    left = sorted(set(unused) - CALLED_FROM_OUTSIDE.keys())
    assert not left, "nothing in the product uses these; delete them, or say who does:\n" + "\n".join(left)
    stale = sorted(CALLED_FROM_OUTSIDE.keys() - set(unused))
    assert not stale, f"these are used by now, or gone; strike them off: {stale}"


def test_the_rule_sees_what_nobody_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("def nobody_ever_calls_this() -> None: ...\n\ndef _private() -> None: ...\n")
    assert [one.rpartition(".")[2] for one in unused_functions(bad)] == ["nobody_ever_calls_this"]
