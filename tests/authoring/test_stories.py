"""Prevents a playbook that no longer keeps what its stories promise, and a story that passes whatever happens."""

from pathlib import Path

import pytest

from authoring import source
from authoring.mistakes import Mistakes
from authoring.stories import StoryResult, run_stories
from authoring.story import offset
from models.playbook import Playbook

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
NAME = "advocate-thank-you"


def thank_you(written: str = "", instead: str = "") -> Playbook:
    """The shipped playbook; with one place written differently, or its line left out."""
    lines = source.text_of(PLAYBOOKS / f"{NAME}.yaml").splitlines()
    if written:
        number = next(number for number, line in enumerate(lines) if written in line)
        lines[number] = lines[number].replace(written, instead) if instead else ""
    return Playbook.model_validate(source.read("\n".join(lines), NAME).content)


def shipped(playbook: Playbook) -> list[StoryResult]:
    return run_stories(PLAYBOOKS, {NAME: playbook}, NAME)


def test_the_shipped_playbook_keeps_its_stories() -> None:
    results = shipped(thank_you())
    assert len(results) >= 20
    assert [str(result) for result in results if not result.passed] == []


@pytest.mark.parametrize(
    ("written", "instead", "title"),
    [
        ("event.score >= 9", "event.score >= 8", "An answer of 8 starts nothing"),
        ("event.score >= 9", "event.score >= 10", "An answer of 9 is thanked at once"),
        ('event.tag == "referral_given"', 'event.tag == "other"', "Somebody who gave a referral is thanked at once"),
        ("warn: 12 hours", "warn: 1 hour", "A gift that cannot be sent is shown at once"),
        ("within: 48 hours", "within: 72 hours", "A gift that cannot be sent is shown at once"),
        ("due: 3 days after gift", "due: 4 days after gift", "Three days after the box arrived"),
        ("due: 30 days after gift", "due: 29 days after gift", "Three days after the box arrived"),
        ("unless: qr.scanned", "unless: hub.visited", "Who scans the code"),
        ("or: 1 day after qr.scanned", "or: 2 days after qr.scanned", "Who scans the code"),
        ("each: event.referral", "each: event.referral_code", "The second thank-you goes out the same day"),
        ("each: event.referral", "", "Two referrals are thanked for twice"),
        ("within: same day", "within: 2 days", "A second gift that cannot be sent"),
        ("each: event.post", "", "The team is told at once when they post"),
        ("when: event.unprompted", "", "An introduction we asked for does not"),
        ("- contact.opted_out", "- message.bounced", "Who opts out hears nothing more"),
        ("- contact.churned", "- message.bounced", "Who is no longer a customer"),
        ("event.score <= 6", "event.score <= 2", "A change of heart stops everything"),
        ("after: 180 days of quiet", "after: 90 days of quiet", "It ends after 180 quiet days"),
    ],
)
def test_a_playbook_that_breaks_a_promise_fails_its_story(written: str, instead: str, title: str) -> None:
    """The stories are looked at too: each promise is broken once, and its story has to notice."""
    playbook = thank_you(written, instead)
    assert any(result.story.startswith(title) for result in shipped(playbook) if not result.passed)


SCAN = """\
stories:
  - story: A scan brings the case study forward
    given: { nps.answered: { score: 10 } }
    when:
      - after 5 days: gift.delivered
      - after 6 days: qr.scanned
    then:
      - at start: gift
      - after 8 days: case_study
      - never: check_in
"""


def told(folder: Path, text: str, playbook: Playbook | None = None) -> list[StoryResult]:
    (folder / f"{NAME}.stories.yaml").write_text(text)
    return run_stories(folder, {NAME: playbook or thank_you()})


def test_a_failure_says_where_what_was_expected_and_what_happened(tmp_path: Path) -> None:
    (result,) = told(tmp_path, SCAN)
    words = str(result)
    assert f"{NAME}.stories.yaml:9: expected after 8 days: case_study; case_study/task was done after 7 days" in words
    assert "A scan brings the case study forward" in words
    assert "> qr.scanned" in words
    assert "check_in dropped (not needed after qr.scanned)" in words


@pytest.mark.parametrize(
    ("then", "holds"),
    [
        ("at start: [gift, gift/send_gift]", True),
        ("after 1 day: gift", False),
        ("after 6 days: check_in dropped", True),
        ("after 6 days: nothing", True),
        ("at start: nothing", False),
        ("once: case_study", True),
        ("twice: case_study", False),
        ("never: case_study", False),
        ("never: [amplify, elite]", True),
        ("after 187 days: ends because quiet", True),
        ("after 187 days: ends because contact.churned", False),
        ("never: ends", False),
        ("never: starts", False),
    ],
)
def test_each_kind_of_expectation_can_hold_and_fail(tmp_path: Path, then: str, holds: bool) -> None:
    before = SCAN.partition("    then:\n")[0]
    (result,) = told(tmp_path, f"{before}    then:\n      - {then}\n")
    assert result.passed is holds, str(result)


def test_what_may_have_happened_is_not_never(tmp_path: Path) -> None:
    text = """\
stories:
  - story: In doubt
    given: { nps.answered: { score: 9 } }
    but: { gift/send_gift: unsure }
    then:
      - never: gift/send_gift
"""
    (result,) = told(tmp_path, text)
    assert not result.passed


def test_fates_are_given_attempt_by_attempt(tmp_path: Path) -> None:
    text = """\
stories:
  - story: Refused, then in doubt and found missing, then it has to wait
    given: { nps.answered: { score: 9 } }
    but: { gift/send_gift: [refused, unsure after 1 hour, waits 2 hours] }
    when:
      - after 3 hours: { operator: retry gift/send_gift }
      - after 6 hours: { operator: resolve gift/send_gift missing }
    then:
      - at start: gift/send_gift stuck
      - after 4 hours: gift/send_gift unsure
      - after 6 hours: gift/send_gift waits
      - after 8 hours: gift/send_gift
      - once: gift/send_gift
"""
    (result,) = told(tmp_path, text)
    assert result.passed, str(result)


@pytest.mark.parametrize(
    ("line", "written", "words"),
    [
        (9, "- after 8 days: case_studdy", "did you mean 'case_study'?"),
        (9, "- after 8 days: case_study/sned", "did you mean 'send'?"),
        (9, "- after eight days: case_study", "'eight days' is not a duration"),
        (9, "- on day 8: case_study", "write `at start` or `after 5 days`"),
        (9, "- after 8 days: case_study forgotten", "'forgotten' is nothing that becomes of a step"),
        (6, "- after 6 days: qr.scaned", "unknown event type 'qr.scaned'"),
        (6, "- after 6 days: { nps.answered: { score: 11 } }", "less than or equal to 10"),
        (6, "- after 6 days: { operator: push gift }", "'push gift' is not a command"),
    ],
)
def test_a_mistake_in_a_story_is_named_with_its_line(tmp_path: Path, line: int, written: str, words: str) -> None:
    lines = SCAN.splitlines()
    lines[line - 1] = f"      {written}"
    with pytest.raises(Mistakes) as caught:
        told(tmp_path, "\n".join(lines))
    (mistake,) = caught.value.found
    assert mistake.line == line
    assert words in mistake.message


def test_stories_without_a_playbook_are_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "gone.stories.yaml").write_text(SCAN)
    with pytest.raises(Mistakes, match="there is no playbook 'gone'"):
        run_stories(tmp_path, {NAME: thank_you()})


def test_a_moment_is_exact_to_its_last_unit() -> None:
    at = offset("after 1 day and 2 hours")
    hour = at.exact
    assert at.holds(13 * hour * 2)
    assert not at.holds(25 * hour) and not at.holds(27 * hour)
