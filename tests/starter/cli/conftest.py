"""The commands as people run them, in this process, in a folder where nothing runs."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from starter.cli.main import app

Ovation = Callable[..., Result]


@pytest.fixture
def ovation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ovation:
    monkeypatch.chdir(tmp_path)

    def command(*words: str) -> Result:
        return CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})

    return command


def told(result: Result) -> Any:
    """The JSON that a command answered with."""
    return json.loads(result.stdout)


async def aside(ovation: Ovation, *words: str) -> Result:
    """A command runs a loop of its own, so a test that has one runs it beside."""
    return await asyncio.to_thread(ovation, *words)
