"""Prevents: a marketer who is told of a mistake in a file, and not where."""

from pathlib import Path

import pytest

from tests.starter.cli.conftest import Ovation, told
from tests.world import PLAYBOOKS, PROGRAM


@pytest.fixture(autouse=True)
def _marketers_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVATION_PROGRAM", str(PROGRAM))
    monkeypatch.setenv("OVATION_PLAYBOOKS", str(PLAYBOOKS))


def test_a_line_that_cannot_be_read_is_told_as_editors_read_it(ovation: Ovation, tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text('{"type": "nope"}\n')
    result = ovation("playbook", "simulate", "events.jsonl")
    assert result.exit_code == 1
    assert "events.jsonl:1: subject: Field required" in result.stderr.splitlines()
    found = told(ovation("playbook", "simulate", "events.jsonl", "--json"))
    assert found["bad"] == [{"line": 1, "reason": "subject: Field required"}]


def test_a_playbook_without_stories_is_no_wrong_use(
    ovation: Ovation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for source in PLAYBOOKS.rglob("*"):
        if source.is_file() and not source.name.endswith(".stories.yaml"):
            target = tmp_path / "playbooks" / source.relative_to(PLAYBOOKS)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    monkeypatch.setenv("OVATION_PLAYBOOKS", str(tmp_path / "playbooks"))
    result = ovation("playbook", "test", "referral", "--json")
    assert result.exit_code == 1
    assert told(result)["error"].startswith("there are no stories: write ")
