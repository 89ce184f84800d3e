"""Prevents a dry run that forgets events, lets in whom production would not, or counts what would be withheld."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from authoring import source
from authoring.mistakes import Mistakes
from authoring.simulate import Simulation, simulate
from models.playbook import Playbook
from models.program import Program

HERE = Path(__file__).parents[2]
MONDAY = datetime(2026, 3, 2, 15, tzinfo=UTC)
DAY = timedelta(days=1)


def thank_you(**changes: Any) -> Playbook:
    content = source.read_file(HERE / "playbooks" / "advocate-thank-you.yaml").content
    return Playbook.model_validate({**content, **changes})


PROGRAM = Program.model_validate(source.read_file(HERE / "program.yaml").content)


def event(kind: str, who: str = "ada", days: float = 0, **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"{kind}/{who}/{days}",
        "source": "test",
        "type": f"ovation.{kind}",
        "subject": f"email:{who}@example.com",
        "time": (MONDAY + days * DAY).isoformat(),
        "data": data,
    }


def played(folder: Path, events: list[dict[str, Any]], *playbooks: Playbook, **options: Any) -> Simulation:
    file = folder / "events.jsonl"
    file.write_text("\n".join(json.dumps(one) for one in events))
    chosen = playbooks or (thank_you(),)
    return simulate(file, {playbook.playbook: playbook for playbook in chosen}, PROGRAM, **options)


def test_who_enters_and_what_is_done_when(tmp_path: Path) -> None:
    events = [
        event("nps.answered", "ada", score=10),
        event("nps.answered", "bob", score=7),
        event("gift.delivered", "ada", 5),
        event("qr.scanned", "ada", 6),
    ]
    result = played(tmp_path, events)
    assert (result.events, result.contacts) == (4, 2)
    (entry,) = result.entries
    assert (entry.contact, entry.playbook, entry.refused) == ("email:ada@example.com", "advocate-thank-you", None)
    days = {(done.step, done.effect): (done.at - MONDAY).days for done in entry.done if done.fate == "done"}
    assert days[("gift", "send_gift")] == 0
    assert days[("case_study", "task")] == 7
    assert ("check_in", "send") not in days
    assert entry.ended_because == "quiet"


def test_totals_by_week(tmp_path: Path) -> None:
    events = [event("nps.answered", f"p{n}", 7 * (n % 2), score=9) for n in range(10)]
    result = played(tmp_path, events)
    gifts = result.totals["send_gift"]
    assert (gifts.done, gifts.weeks) == (10, {date(2026, 3, 2): 5, date(2026, 3, 9): 5})
    assert "alert" not in result.totals and "qualify" not in result.totals


def test_deliveries_are_assumed_only_when_asked_for_and_not_in_the_file(tmp_path: Path) -> None:
    promoter = event("nps.answered", score=9)
    assert "send" not in played(tmp_path, [promoter]).totals
    (entry,) = played(tmp_path, [promoter], delivery=5 * DAY).entries
    (check_in,) = [done for done in entry.done if done.step == "check_in" and done.fate == "done"]
    assert (check_in.at - MONDAY).days == 8
    (entry,) = played(tmp_path, [promoter, event("gift.delivered", days=1)], delivery=5 * DAY).entries
    assert [(d.at - MONDAY).days for d in entry.done if d.step == "check_in" and d.fate == "done"] == [4]


def test_office_hours_are_waited_for(tmp_path: Path) -> None:
    """Delivered on a Wednesday, so the check-in falls on a Saturday and goes out on Monday."""
    (entry,) = played(tmp_path, [event("nps.answered", score=9), event("gift.delivered", days=2)]).entries
    assert [d.fate for d in entry.done if d.step == "check_in"] == ["waits", "done"]
    assert [d.at.date() for d in entry.done if d.step == "check_in"][-1] == date(2026, 3, 9)


def test_nobody_enters_twice_too_soon(tmp_path: Path) -> None:
    days = (0, 10, 200, 400)
    result = played(tmp_path, [event("nps.answered", days=day, score=9) for day in days])
    refused = [entry.refused for entry in result.entries]
    assert refused[0] is None and refused[3] is None
    assert refused[1] == "they are in this playbook already"
    assert result.totals["send_gift"].done == len([why for why in refused if why is None])
    again = thank_you(ends={"after": "5 days of quiet"})
    second = played(tmp_path, [event("nps.answered", days=day, score=9) for day in (0, 30)], again).entries[1]
    assert second.refused is not None and "may enter again 90 days later" in second.refused


def test_the_asks_of_one_playbook_count_for_the_other(tmp_path: Path) -> None:
    other = thank_you(playbook="another")
    result = played(tmp_path, [event("nps.answered", score=9)], thank_you(), other, delivery=5 * DAY)
    asks = [done for entry in result.entries for done in entry.done if done.step == "case_study"]
    assert sorted(done.fate for done in asks if done.effect == "send" and done.fate != "waits") == ["done", "withheld"]


def test_who_opted_out_does_not_enter_and_hears_nothing(tmp_path: Path) -> None:
    events = [event("contact.opted_out", days=-1), event("nps.answered", score=9)]
    (entry,) = played(tmp_path, events).entries
    assert entry.done == [] and "opted out" in entry.ended_because


def test_rules_on_the_contact_are_asked_where_the_file_tells_who_they_are(tmp_path: Path) -> None:
    rules = thank_you(only_for=[{"rule": "contact.region == 'EU'", "otherwise": "outside Europe"}])
    told = event("nps.answered", "bob", score=9, person={"region": "US"})
    result = played(tmp_path, [event("nps.answered", "ada", score=9), told], rules)
    assert [bool(entry.done) for entry in result.entries] == [True, False]
    assert "outside Europe" in result.entries[1].ended_because


def test_a_referral_is_its_advocates_and_counts_once(tmp_path: Path) -> None:
    closed = event("referral.closed", "new", 40, referred_by="email:ada@example.com")
    again = {**event("referral.closed", "new", 41, referred_by="email:ada@example.com"), "id": "another report"}
    (entry,) = played(tmp_path, [event("nps.answered", score=9), closed, again]).entries
    second = [done for done in entry.done if done.step.startswith("second_gift") and done.effect == "send_gift"]
    assert [(done.at - MONDAY).days for done in second] == [40]


def test_an_event_that_is_reported_twice_is_one_event(tmp_path: Path) -> None:
    result = played(tmp_path, [event("nps.answered", score=9)] * 2)
    assert (result.events, result.repeated, len(result.entries)) == (1, 1, 1)


BAD = [
    ("{broken", "is not JSON"),
    (json.dumps({**event("nps.answered", score=9), "time": None}), "time"),
    (json.dumps(event("nps.answered", score=99)), "score"),
    (json.dumps(event("nps.asnwered")), "unknown event type"),
    (json.dumps({**event("nps.answered", score=9), "subject": "ada"}), "subject"),
    (json.dumps({**event("nps.answered", score=9), "type": "nps.answered"}), "does not begin with 'ovation.'"),
    ("3", "event"),
]


@pytest.mark.parametrize(("line", "words"), BAD)
def test_a_bad_line_is_named_and_the_rest_is_played(tmp_path: Path, line: str, words: str) -> None:
    file = tmp_path / "events.jsonl"
    good = json.dumps(event("nps.answered", "bob", score=9))
    file.write_text(f"{good}\n\n{line}\n{json.dumps(event('nps.answered', 'eve', score=9))}\n")
    result = simulate(file, {"advocate-thank-you": thank_you()}, PROGRAM)
    (bad,) = result.bad
    assert bad.line == 3
    assert words in bad.reason
    assert len(result.entries) == 2


def test_an_array_and_yaml_read_the_same_as_lines(tmp_path: Path) -> None:
    events = [event("nps.answered", "ada", score=9), {"type": "nonsense"}, event("nps.answered", "bob", score=9)]
    files = {
        "events.json": "[\n" + ",\n".join(json.dumps(one) for one in events) + "\n]",
        "events.yaml": "# three\n" + "\n".join(f"- {json.dumps(one)}" for one in events),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        result = simulate(tmp_path / name, {"advocate-thank-you": thank_you()}, PROGRAM)
        assert [entry.contact for entry in result.entries] == ["email:ada@example.com", "email:bob@example.com"]
        assert [bad.line for bad in result.bad] == [3]


def test_broken_json_in_an_array_says_that_the_rest_was_not_read(tmp_path: Path) -> None:
    file = tmp_path / "events.json"
    file.write_text(f"[\n{json.dumps(event('nps.answered', score=9))},\n{{broken}},\n{{}}]")
    result = simulate(file, {"advocate-thank-you": thank_you()}, PROGRAM)
    assert result.events == 1
    assert [(bad.line, "nothing from here on" in bad.reason) for bad in result.bad] == [(3, True)]


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(Mistakes, match="cannot be read"):
        simulate(tmp_path / "gone.jsonl", {}, PROGRAM)


def test_progress_is_told_for_each_contact(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    events = [event("nps.answered", f"p{n}", score=9) for n in range(3)]
    played(tmp_path, events, progress=lambda done, of: told.append((done, of)))
    assert told == [(1, 3), (2, 3), (3, 3)]
