"""Prevents: a second stack that is refused, since one runs here, and takes the running one's address with it."""

import json
from pathlib import Path

import pytest

from models.settings import Settings
from starter.local.stack import Stack
from starter.local.whereabouts import forget, remember, remember_processes


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    made = Stack(tmp_path, Settings())
    made.environment = {"OVATION_PORT": "8080"}
    return made


def test_a_stack_is_remembered_until_it_is_forgotten(stack: Stack) -> None:
    remember(stack)
    remember_processes(stack)
    assert json.loads((stack.state / "up.json").read_text())["environment"] == {"OVATION_PORT": "8080"}
    assert (stack.state / "up.json").stat().st_mode & 0o077 == 0, "it holds keys"
    forget(stack)
    assert list(stack.state.iterdir()) == []


def test_one_that_was_never_remembered_forgets_nothing_of_another(stack: Stack) -> None:
    remember(stack)
    remember_processes(stack)
    forget(Stack(stack.state, Settings()))
    assert sorted(path.name for path in stack.state.iterdir()) == ["processes.json", "up.json"]


def test_what_another_process_remembered_since_stays(stack: Stack) -> None:
    remember(stack)
    theirs = (stack.state / "up.json").read_text().replace("8080", "8081")
    (stack.state / "up.json").write_text(theirs)
    forget(stack)
    assert (stack.state / "up.json").read_text() == theirs
