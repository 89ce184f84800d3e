"""Prevents: a mistake that passes unseen until the day it matters, or whose words do not say how to mend it.

Each file in `wrong/` lies beside the exact words it must get: a playbook, a message (`.md`), or a program
(`program*.yaml`). What is around it is right: `right/`.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from authoring.mistakes import Mistake, Mistakes, one_of
from authoring.rules import all_rules
from authoring.shelf import check, load
from models.settings import Settings
from platforms.base import Platform

Platforms = Mapping[str, Platform]

HERE = Path(__file__).parent
WRONG = sorted(path for path in (HERE / "wrong").iterdir() if path.suffix != ".out")
RULES_OF_READING = {"yaml", "shape", "message"}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A desk on which all is right."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(HERE / "right" / "messages", tmp_path / "playbooks" / "messages")
    shutil.copy(HERE / "right" / "small.yaml", tmp_path / "playbooks")
    shutil.copy(HERE / "right" / "program.yaml", tmp_path)
    return Settings(program=Path("program.yaml"), playbooks=Path("playbooks"))


def lay(wrong: Path, settings: Settings) -> None:
    """Puts a file where it belongs."""
    if wrong.name.startswith("program"):
        shutil.copy(wrong, settings.program)
    elif wrong.suffix == ".md":
        shutil.copy(wrong, settings.playbooks / "messages")
    else:
        shutil.copy(wrong, settings.playbooks)


def expected(wrong: Path) -> str:
    return wrong.with_suffix(".out").read_text()


def test_what_is_right_has_no_mistakes(settings: Settings, few_platforms: Platforms) -> None:
    assert check(settings, few_platforms) == []


@pytest.mark.parametrize("wrong", WRONG, ids=lambda path: path.name)
def test_a_mistake_gets_these_words(wrong: Path, settings: Settings, few_platforms: Platforms) -> None:
    lay(wrong, settings)
    assert "".join(f"{mistake}\n" for mistake in check(settings, few_platforms)) == expected(wrong)


def test_all_mistakes_of_all_files_come_at_once(settings: Settings, few_platforms: Platforms) -> None:
    for name in ("shape.yaml", "moments.yaml", "greeting.md", "purposeless.md"):
        lay(HERE / "wrong" / name, settings)
    with pytest.raises(Mistakes) as caught:
        load(settings, few_platforms)
    files = {mistake.file.rpartition("/")[2] for mistake in caught.value.found}
    assert files == {"shape.yaml", "moments.yaml", "greeting.md", "purposeless.md"}
    assert str(caught.value).count("\n") == len(caught.value.found) - 1


def test_a_referral_is_followed_by_one_playbook(settings: Settings, few_platforms: Platforms) -> None:
    for name in ("referral_money.yaml", "referral_starts.yaml"):
        lay(HERE / "wrong" / name, settings)
    words = "referral_money follows referrals already: a referral is followed by one playbook [one-way-for-referrals]"
    assert f"playbooks/referral_starts.yaml:3:8: {words}" in map(str, check(settings, few_platforms))


def test_what_is_not_there_is_named(few_platforms: Platforms) -> None:
    nowhere = Settings(program=Path("nowhere.yaml"), playbooks=Path("nowhere"))
    assert [str(mistake) for mistake in check(nowhere, few_platforms)] == [
        "nowhere:1:1: there is no such folder: set OVATION_PLAYBOOKS to the folder of your playbooks [yaml]",
        "nowhere.yaml:1:1: cannot be read: No such file or directory [yaml]",
    ]


def test_the_alert_s_own_message_is_needed(settings: Settings, few_platforms: Platforms) -> None:
    (settings.playbooks / "messages" / "needs-a-person.md").unlink()
    words = "there is no messages/needs-a-person.md: it is what the team is told here when a step is stuck"
    assert [str(mistake) for mistake in check(settings, few_platforms)] == [
        f"program.yaml:3:9: {words} [message-exists]"
    ]


def test_a_file_that_is_no_text_is_a_mistake(settings: Settings, few_platforms: Platforms) -> None:
    (settings.playbooks / "latin.yaml").write_bytes("title: Größe".encode("latin-1"))
    assert [str(mistake) for mistake in check(settings, few_platforms)] == [
        "playbooks/latin.yaml:1:1: is not UTF-8 text: save it as UTF-8 [yaml]"
    ]


@pytest.mark.parametrize("rule", all_rules())
def test_every_rule_has_a_wrong_example_and_says_why(rule: str) -> None:
    assert any(f"[{rule}]" in expected(path) for path in WRONG), f"add a file to {HERE.name}/wrong that breaks {rule}"
    assert len((all_rules()[rule].__doc__ or "").splitlines()) > 2, "say what it forbids, why, and show an example"


def test_every_expected_word_is_of_a_rule_there_is() -> None:
    named = {line.rpartition("[")[2].rstrip("]") for path in WRONG for line in expected(path).splitlines()}
    assert named == {*all_rules(), *RULES_OF_READING}


def test_a_mistake_reads_like_a_compiler_s() -> None:
    mistake = Mistake("playbooks/x.yaml", 12, 5, "no such step", "steps")
    assert str(mistake) == "playbooks/x.yaml:12:5: no such step [steps]"


def test_the_nearest_is_suggested_and_else_all_are_named() -> None:
    assert one_of("gfit", "a step", ["gift", "call"]) == "'gfit' is not a step; did you mean 'gift'?"
    assert one_of("x", "a step", ["gift", "call"]) == "'x' is not a step; known: call, gift"


def test_what_is_meant_is_suggested_and_not_what_is_spelled_alike() -> None:
    events = ["referral.lost", "referral.closed"]
    assert (
        one_of("referral.won", "an event", events) == "'referral.won' is not an event; did you mean 'referral.closed'?"
    )
