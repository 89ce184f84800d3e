"""Prevents: an event that was handed in, taken, and heard by nobody, without a word about it."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from starter.cli import send
from tests.starter.cli.conftest import Ovation

BECAME = [
    {"id": "a", "became": "accepted", "event": "e_1", "contact": "c_1"},
    {"id": None, "became": "accepted", "event": "e_2", "contact": None, "note": "names nobody and nothing we know"},
    {"id": "c", "became": "refused", "reason": "subject: what is that?"},
]


@pytest.mark.parametrize(("became", "status"), [(BECAME, 1), (BECAME[:2], 0)])
def test_each_event_has_a_line_that_says_what_became_of_it(
    ovation: Ovation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, became: list[Any], status: int
) -> None:
    monkeypatch.setenv("OVATION_API_KEYS", "key")
    monkeypatch.setattr(send, "_post", lambda *_, **__: httpx.Response(202, json={"events": became}))
    (tmp_path / "events.json").write_text(json.dumps([{}]))
    result = ovation("event", "send", "events.json")
    assert result.exit_code == status
    lines = ["accepted: a", "accepted: names nobody and nothing we know", "refused: c subject: what is that?"]
    assert result.output.splitlines() == lines[: len(became)]
