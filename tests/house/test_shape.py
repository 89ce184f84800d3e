"""Prevents: a file that nobody reads to its end, a module that nobody can tell the purpose of, a test nobody finds.

To do it right: at 250 lines look for the second room in a file; open each module with the failure it prevents; put a
test into the folder of `tests/` that has its room's name.
"""

import ast
import re
from pathlib import Path

import pytest

from tests.house import product
from tests.house.product import ROOT

LONGEST = 400
"""Lines of a product module."""

NO_ROOMS = {
    "bench": "measures the whole product",
    "chaos": "kills parts of the whole product",
    "docs": "builds and checks docs/",
    "examples": "plays examples/",
    "histories": "recorded histories, by release",
    "house": "our own rules",
    "traces": "recorded decisions, by release",
}
"""Folders of `tests/` that are about no room alone, and what they are about."""


@pytest.mark.parametrize("module", product.modules(), ids=str)
def test_a_module_is_short_and_says_what_it_is_for(module: Path) -> None:
    lines = product.text(module).count("\n")
    assert lines <= LONGEST, f"{module} has {lines} lines: it is two modules"
    if product.text(module).strip():
        said = ast.get_docstring(product.tree(module))
        assert said, f"{module} has no docstring: which failure does it prevent?"


def test_the_tests_folders_are_the_rooms() -> None:
    folders = {
        path.parent.relative_to(ROOT / "tests")
        for path in (ROOT / "tests").rglob("test_*.py")
        if "__pycache__" not in str(path)
    }
    strays = [
        f"tests/{folder}"
        for folder in sorted(folders)
        if folder.parts and folder.parts[0] not in NO_ROOMS and not (ROOT / folder).is_dir()
    ]
    assert not strays, f"these folders are about no room of the product: {strays}"
    assert len(folders) > 8


def test_folders_that_are_about_no_room_are_there() -> None:
    gone = [name for name in NO_ROOMS if not (ROOT / "tests" / name).is_dir()]
    assert not gone, f"strike them off: {gone}"


SEARCHES = {
    "tests/journeys/test_search_for_mistakes.py": "searches for what nobody has thought of yet",
    "tests/examples/test_every_platform.py": "is being written",
}
"""Test files that do not say which failure they prevent, and why."""


def test_every_test_file_says_what_it_prevents() -> None:
    silent = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        said = ast.get_docstring(ast.parse(path.read_text())) or ""
        if not re.search(r"\bprevent", said, re.IGNORECASE):
            silent.append(str(path.relative_to(ROOT)))
    left = sorted(set(silent) - SEARCHES.keys())
    assert not left, f"open the file with `Prevents: …`, the failure in a user's words: {left}"
