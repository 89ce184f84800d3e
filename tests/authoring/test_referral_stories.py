"""Prevents: money paid too soon, twice, or without the word of a person, because somebody edited the referral playbook.

Each promise of `referral.yaml` is broken once, and its story has to notice; and the words that only these stories need
are held here.
"""

from pathlib import Path

import pytest

from authoring import source
from authoring.mistakes import Mistakes
from authoring.stories import StoryResult, run_stories
from models.playbook import Playbook

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"


def referral(written: str = "", instead: str = "") -> Playbook:
    """The shipped playbook; with one place written differently, or left out."""
    text = source.text_of(PLAYBOOKS / "referral.yaml")
    assert not written or text.count(written) == 1, f"{written!r} is there {text.count(written)} times"
    return Playbook.model_validate(source.read(text.replace(written, instead), "referral").content)


def test_the_shipped_playbook_keeps_its_stories() -> None:
    results = run_stories(PLAYBOOKS, {"referral": referral()}, "referral")
    assert len(results) >= 35
    assert [str(result) for result in results if not result.passed] == []


LEAD = "  lead:\n    due: at start\n    within: 1 day"


@pytest.mark.parametrize(
    ("written", "instead", "title"),
    [
        ("starts: [referral.submitted,", "starts: [referral.clicked,", "The team hears of a referral"),
        ("referral.qualified, referral.closed]", "referral.closed]", "A referral we first hear of when sales"),
        (", referral.closed]", "]", "A referral we first hear of when it is a customer"),
        ("about: referral ", "about: advocate ", "What is said of another referral"),
        (LEAD, "  lead:\n    due: 1 day after start\n    within: 1 day", "The team hears of a referral"),
        (LEAD, "  lead:\n    due: at start\n    within: 2 days", "A lead that sales does not get"),
        (LEAD, "  lead:\n    due: at start", "A referral that a person has to look at"),
        ("due: 30 days after referral.closed", "due: 29 days after referral.closed", "The reward is paid thirty days"),
        ("due: 30 days after referral.closed", "due: 31 days after referral.closed", "The reward is paid thirty days"),
        ("due: 30 days after referral.closed", "due: 30 days after start", "Without a sale there is no reward"),
        ("due: at referral.closed", "due: at referral.qualified", "Without a sale there is no reward"),
        ("    on: payee.invited", "    on: referral.closed", "An advocate whose account can be paid"),
        ("    each: event.refund ", "    # ", "A refund that grows"),
        ("    each: event.refund ", "    each: event.amount ", "A refund that grows"),
        ("    on: reward.taken_back", "    on: reward.voided", "A refund after the payment"),
        ("    on: referral.lost", "    on: referral.refunded", "A sale that is lost again"),
        ("due: at referral.closed", "due: at referral.closed\n    unless: referral.lost", "A deal that was given up"),
        ("after: 400 days of quiet", "after: 200 days of quiet", "A referral of which nothing more is heard"),
        ("at_most: 800 days", "at_most: 700 days", "A review that nobody makes never pays"),
    ],
)
def test_a_playbook_that_breaks_a_promise_fails_its_story(written: str, instead: str, title: str) -> None:
    results = run_stories(PLAYBOOKS, {"referral": referral(written, instead)}, "referral")
    assert any(result.story.startswith(title) for result in results if not result.passed)


SALE = """\
stories:
  - story: A sale
    given: { referral.closed: { amount: { minor: 1200000, currency: USD } } }
"""


def told(folder: Path, lines: str) -> StoryResult:
    (folder / "referral.stories.yaml").write_text(SALE + lines)
    (result,) = run_stories(folder, {"referral": referral()})
    return result


@pytest.mark.parametrize(
    ("but", "when", "then", "holds"),
    [
        ("waits for a person", "qr.scanned", "never: reward", True),
        ("waits for a person", "{ operator: retry reward }", "never: reward", True),
        ("waits for a person", "{ operator: approve reward, by: grace, reason: seen }", "after 40 days: reward", True),
        ("waits for a person", "{ operator: void reward, by: grace, reason: no }", "never: reward", True),
        ("waits for a person", "{ operator: void reward, by: grace, reason: no }", "after 40 days: reward", False),
        ("waits for payee.ready", "payee.ready", "after 40 days: reward", True),
        ("waits for payee.ready", "{ payee.ready: { referral: r_2 } }", "after 40 days: reward", True),
        ("waits for payee.ready", "{ reward.paid: { reward: w_1 } }", "never: reward", True),
        ("[waits for a person, waits for payee.ready]", "payee.ready", "never: reward", True),
    ],
)
def test_what_waits_goes_on_by_what_it_waits_for_alone(
    tmp_path: Path, but: str, when: str, then: str, holds: bool
) -> None:
    lines = f"    but: {{ reward: {but} }}\n    when:\n      - after 40 days: {when}\n    then:\n      - {then}\n"
    result = told(tmp_path, lines)
    assert result.passed is holds, str(result)


def test_a_decision_is_told_with_who_and_why(tmp_path: Path) -> None:
    said = "{ operator: void reward, by: grace, reason: they work for us }"
    result = told(tmp_path, f"    when:\n      - after 2 days: {said}\n    then:\n      - once: reward\n")
    assert "reward/pay_reward withheld (grace: they work for us)" in str(result)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("when: [{ after 2 days: { operator: void reward } }]", "a decision is kept with a name and a reason"),
        ("when: [{ after 2 days: { operator: void reward, by: grace } }]", "a decision is kept with a name"),
        ("when: [{ after 2 days: { operator: pause, becuse: no } }]", "'becuse' is no part of an operator's word"),
        ("but: { reward: waits for payee.redy }", "did you mean 'payee.ready'?"),
        ("but: { reward: waits for approval }", "or write `waits for a person`"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(Mistakes) as caught:
        told(tmp_path, f"    {line}\n    then:\n      - once: reward\n")
    (mistake,) = caught.value.found
    assert words in mistake.message
