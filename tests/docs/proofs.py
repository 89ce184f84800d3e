"""What the contract suite proves of each platform: a row for each platform, a column for each test.

Prevents a claim of support that no test makes: the columns are the suite's own tests, and a mark stands only where a
test runs for the platform.
"""

import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from tests.docs.pages import table
from tests.platforms import test_contract as contract
from tests.platforms import test_contract_out as out

Test = Callable[..., Any]

EXCEPTIONS = {
    "test_one_byte_changed_is_refused": contract.UNSIGNED_BODY,
    "test_an_old_delivery_is_refused": contract.NO_REPLAY_WINDOW,
}
"""Tests that know exceptions, each with its reason."""

IDLE = {
    "test_no_stranger_crashes_the_handshake": [n for n, i in contract.INBOUND.items() if i.handshake is None],
    "test_every_action_belongs_to_a_capability_and_names_its_document": [
        n for n, p in contract.PLATFORMS.items() if not p.actions
    ],
}
"""Tests that pass at once, because the platform has nothing of what they look at."""


def matrices() -> str:
    """One matrix for the folder and its webhooks, one for its actions."""
    return "\n\n".join(
        [
            "### The folder, the declaration, the webhooks",
            *_matrix(contract, "A"),
            "### The actions, done against the vendor's stand-in over real HTTP",
            *_matrix(out, "B"),
        ]
    )


def _matrix(suite: ModuleType, letter: str) -> Iterator[str]:
    tests = {f"{letter}{number}": test for number, test in enumerate(_tests(suite), 1)}
    yield "\n".join(f"- **{mark}** {sentence(test)}" for mark, test in tests.items())
    rows = [(name, *(_cell(test, name) for test in tests.values())) for name in contract.PLATFORMS]
    yield table(("platform", *tests), *rows)
    for mark, test in tests.items():
        reasons = EXCEPTIONS.get(test.__name__, {})
        if reasons:
            yield f"{mark}, ○: " + "; ".join(f"{name}: {reasons[name]}" for name in sorted(reasons)) + "."


def sentence(test: Test) -> str:
    """A test's name, read aloud."""
    return test.__name__.removeprefix("test_").replace("_", " ")


def _tests(suite: ModuleType) -> list[Test]:
    """The suite's tests that run for platforms, in the order in which they are written."""
    found = [test for name, test in vars(suite).items() if name.startswith("test_") and callable(test)]
    ours = [test for test in found if test.__module__ == suite.__name__ and platforms_of(test)]
    return sorted(ours, key=lambda test: inspect.unwrap(test).__code__.co_firstlineno)


def platforms_of(test: Test) -> set[str]:
    """The platforms a test is run for, from its parameters."""
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    values = [value for mark in marks for value in mark.args[1]]
    return {name for name in map(_first, values) if name in contract.PLATFORMS}


def _first(value: Any) -> str:
    value = getattr(value, "values", value)
    return str(value[0] if isinstance(value, tuple) else value)


def _cell(test: Test, platform: str) -> str:
    if platform not in platforms_of(test) or platform in IDLE.get(test.__name__, []):
        return "·"
    return "○" if platform in EXCEPTIONS.get(test.__name__, {}) else "●"
