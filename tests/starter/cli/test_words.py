"""Prevents: an answer of which the terminal eats a part, or breaks the id that somebody wants to copy; and a reason
that tells of a person's life, kept for ever because the help said so."""

import re
from typing import Any

import pytest

from starter.cli.console import answer, err, out, table
from tests.docs.operators import every_command

WRITTEN = ("[yaml]", "ok [/done]", "[bold]", ":smile:")


def test_what_people_wrote_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    shown = table("what", "words")
    for words in WRITTEN:
        shown.add_row(words, words)
        answer(False, None, words)
        out.print(words)
        err.print(words)
    answer(False, None, shown)
    found = capsys.readouterr()
    for words in WRITTEN:
        assert found.out.count(words) == 4
        assert words in found.err


@pytest.mark.parametrize("width", [80, 100])
def test_an_id_is_never_broken(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    workflow = "journey/advocate-thank-you/c_7hk2q9v4m8n3p5rt"
    shown = table("journey", "stage", "deadline", whole=("journey",))
    shown.add_row(workflow, "case_study, needs a person", "2026-11-28 00:54")
    answer(False, None, shown)
    assert workflow in capsys.readouterr().out


def reasons() -> dict[str, Any]:
    return {
        name: option
        for name, command in every_command().items()
        for option in command.params
        if "--reason" in option.opts
    }


def test_who_gives_a_reason_is_told_to_name_nobody_in_it() -> None:
    silent = [name for name, option in reasons().items() if "it is kept, so name nobody in it" not in option.help]
    assert not silent
    assert len(reasons()) > 10


def test_no_example_gives_a_person_as_the_reason() -> None:
    found = {name: re.findall(r'--reason "([^"]+)"', command.help or "") for name, command in every_command().items()}
    about = re.compile(r"\b(she|he|her|his|they|them|us|leave|ill|person|employee|desk)\b")
    assert not {name: words for name, words in found.items() if about.search(" ".join(words))}
    assert sum(map(bool, found.values())) >= 7
