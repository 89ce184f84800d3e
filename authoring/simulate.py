"""A dry run over a file of events: who would enter which playbook, what would be done when, and how much of it a week.

Prevents a launch that surprises: boxes nobody budgeted, and calls the success team has no hours for. Every journey is
played by the core that runs in production; the last look (consent, asks a quarter, office hours) is production's too.
What only the CRM, a vendor or the fraud rules know is assumed: every call succeeds, a person nothing is told of may
enter, and a referral passes.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from pydantic import Field

from authoring.deeds import verb_of
from authoring.events_file import BadLine, Reported, read_events
from authoring.lifetime import Entry, Lifetime
from authoring.referral import Referrals
from models.base import Model
from models.effect import EFFECTS
from models.event import Event
from models.playbook import PRIORITIES, Playbook
from models.program import Program

Progress = Callable[[int, int], None]
"""Told how many contacts are done, of how many."""


class Total(Model):
    """How often an effect would be done; `weeks` by the Monday they begin with."""

    label: str
    done: int = 0
    withheld: int = 0
    weeks: dict[date, int] = Field(default_factory=dict)


class Simulation(Model):
    """What a file of events would lead to. `totals` is by verb: `send_gift`, `task` …"""

    events: int = 0
    repeated: int = 0
    contacts: int = 0
    entries: list[Entry] = Field(default_factory=list)
    totals: dict[str, Total] = Field(default_factory=dict)
    bad: list[BadLine] = Field(default_factory=list)


def simulate(
    path: Path,
    playbooks: Mapping[str, Playbook],
    program: Program,
    *,
    delivery: timedelta | None = None,
    until: datetime | None = None,
    progress: Progress | None = None,
) -> Simulation:
    """Plays a file of events. `delivery` is how long a box takes; without it only deliveries in the file happen.

    People are told apart by the events' subjects alone. Raises Mistakes when the file cannot be read at all."""
    result = Simulation()
    by_contact = _by_contact(read_events(path), result)
    result.contacts = len(by_contact)
    for number, (contact, events) in enumerate(by_contact.items(), 1):
        result.entries += entries_of(contact, events, playbooks, program, delivery=delivery, until=until)
        if progress is not None:
            progress(number, len(by_contact))
    result.totals = totals_of(result.entries)
    return result


def _by_contact(reported: Iterable[Reported | BadLine], result: Simulation) -> dict[str, list[Event]]:
    """The events of each person, as the inbox would take them: once each."""
    seen: set[tuple[str, str]] = set()
    events: list[Event] = []
    for one in reported:
        if isinstance(one, BadLine):
            result.bad.append(one)
        elif (one.event.source, one.event.source_id) in seen:
            result.repeated += 1
        else:
            seen.add((one.event.source, one.event.source_id))
            events.append(one.event)
    result.events = len(events)
    return _by_advocate(sorted(events, key=lambda event: event.at))


def _by_advocate(events: Iterable[Event]) -> dict[str, list[Event]]:
    """A referral's event is its advocate's; events come in order of time."""
    found: dict[str, list[Event]] = {}
    referrals = Referrals()
    for event in events:
        contact, named = referrals.credit(event)
        found.setdefault(contact, []).append(named)
    return found


def entries_of(
    contact: str,
    events: Sequence[Event],
    playbooks: Mapping[str, Playbook],
    program: Program,
    *,
    delivery: timedelta | None = None,
    until: datetime | None = None,
) -> Iterator[Entry]:
    """One person's way through all playbooks, journeys side by side. `events` are theirs, in order of time."""
    boxes_arrive = None if any(event.type == "gift.delivered" for event in events) else delivery
    life = Lifetime(contact, program, boxes_arrive, until)
    in_order = sorted(playbooks.values(), key=lambda playbook: PRIORITIES[playbook.priority])
    for number, event in enumerate(events):
        life.play(event.at)
        life.hear(event, f"e_{number}", in_order)
    life.play(None)
    yield from life.entries()


def totals_of(entries: Iterable[Entry]) -> dict[str, Total]:
    """How often each effect would be done, week by week."""
    totals: dict[str, Total] = {}
    weeks: dict[str, Counter[date]] = {}
    for done in (done for entry in entries for done in entry.done):
        verb = verb_of(done.effect)
        total = totals.setdefault(verb, Total(label=EFFECTS[verb].label))
        if done.fate == "done":
            total.done += 1
            day = done.at.date()
            weeks.setdefault(verb, Counter())[day - timedelta(days=day.weekday())] += 1
        elif done.fate == "withheld":
            total.withheld += 1
    for verb, counted in weeks.items():
        totals[verb].weeks = dict(sorted(counted.items()))
    return totals
