"""Prevents: a stack that runs and that no command finds any more, since a second `ovation up` was refused."""

import json
from pathlib import Path

import pytest

from starter.local.stack import Stack
from starter.local.tether import StartFailed
from tests.starter.cli.conftest import Ovation, told


def test_a_second_stack_that_is_refused_leaves_the_first_its_address(
    ovation: Ovation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise StartFailed("another process uses .ovation/temporal: end it first, or use another folder")

    monkeypatch.setattr(Stack, "start", refuse)
    (tmp_path / ".ovation").mkdir()
    for name in ("up.json", "processes.json"):
        (tmp_path / ".ovation" / name).write_text(json.dumps({"of": "the first"}))
    result = ovation("up", "--json")
    assert result.exit_code == 1
    assert told(result)["error"].startswith("another process uses .ovation/temporal")
    assert sorted(path.name for path in (tmp_path / ".ovation").iterdir()) == ["processes.json", "up.json"]
