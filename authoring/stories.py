"""Runs the stories beside a playbook, and says of each that fails where it stands, what was expected and what happened.

Prevents a change to a playbook that quietly breaks a promise. The language is in `authoring/story.py`; the journey is
played by `authoring/rehearsal.py`, with the core that runs in production.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field, ValidationError

from authoring import referral, source
from authoring.deeds import Deed, deeds_of, effects_of, timeline
from authoring.fates import FatesOf
from authoring.mistakes import Mistake, Mistakes, one_of
from authoring.rehearsal import JOURNEY, Moment, rehearse, starts
from authoring.shape import mistakes_of
from authoring.shelf import STORIES
from authoring.story import Expected, Happens, Stories, Story, Thing
from authoring.wording import after_start
from journeys.happenings import EventCame, OperatorSaid
from models.base import Model
from models.event import ABOUT, public_data
from models.playbook import Playbook

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
"""Every story starts on this Monday morning."""

RULE = "story"

_VERB_OF = {"gift": "send_gift", "video": "make_video", "message": "send"}
"""The effect an event is about, by the field that names it."""


class Failure(Model):
    """One expectation that did not hold."""

    line: int
    expected: str
    instead: str


class StoryResult(Model):
    """What became of one story. `timeline` is what happened, one line a moment."""

    playbook: str
    story: str
    file: str
    line: int
    failures: list[Failure] = Field(default_factory=list)
    timeline: list[str] = Field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.failures

    def __str__(self) -> str:
        if self.passed:
            return f"{self.file}:{self.line}: {self.story}"
        lines = [f"{self.file}:{f.line}: expected {f.expected}; {f.instead}" for f in self.failures]
        return "\n".join([*lines, f"  in the story: {self.story}", *(f"    {line}" for line in self.timeline)])


def run_stories(folder: Path, playbooks: Mapping[str, Playbook], only: str | None = None) -> list[StoryResult]:
    """Runs the stories of all playbooks of a folder, or of one. The playbooks are those of an unscaled time.

    Raises Mistakes with every mistake of every file of stories that cannot be read."""
    results: list[StoryResult] = []
    mistakes: list[Mistake] = []
    for path in sorted(folder.glob(f"*{STORIES}")):
        name = path.name.removesuffix(STORIES)
        if only not in (None, name):
            continue
        try:
            results += _run_file(path, playbooks.get(name))
        except Mistakes as found:
            mistakes += found.found
    if mistakes:
        raise Mistakes(mistakes)
    return results


def _run_file(path: Path, playbook: Playbook | None) -> Iterator[StoryResult]:
    document = source.read_file(path)
    if playbook is None:
        words = f"there is no playbook {path.name.removesuffix(STORIES)!r} for these stories"
        raise Mistakes([document.mistake((), words, RULE)])
    try:
        stories = Stories.model_validate(document.content).stories
    except ValidationError as error:
        raise Mistakes(mistakes_of(error, document, Stories)) from error
    unknown = list(_unknown_names(playbook, stories, document))
    if unknown:
        raise Mistakes(unknown)
    return _results(playbook, stories, document)


def _results(playbook: Playbook, stories: Sequence[Story], document: source.Document) -> Iterator[StoryResult]:
    for number, story in enumerate(stories):
        moments = play(playbook, story)
        failures = [
            Failure(line=document.place(("stories", number, "then", n)).line, expected=expected, instead=instead)
            for n, line in enumerate(story.then)
            for expected, instead in _unmet(playbook, line, moments)
        ]
        started = bool(moments)
        if started != story.starts and story.starts:
            line = document.place(("stories", number, "given"), key=True).line
            failures = [Failure(line=line, expected="the journey to start", instead="this event does not start it")]
        yield StoryResult(
            playbook=playbook.playbook,
            story=story.story,
            file=document.file,
            line=document.place(("stories", number)).line,
            failures=failures,
            timeline=timeline(moments, START),
        )


def play(playbook: Playbook, story: Story) -> list[Moment]:
    """What happens in a story; nothing when its event does not start the playbook."""
    start = _event(playbook, story.given, START, "e_given")
    if not starts(playbook, start):
        return []
    lines = [(START + line.at.after, happens) for line in story.when for happens in line.happens]
    came = [(at, _came(playbook, happens, at, f"e_{number}")) for number, (at, happens) in enumerate(lines)]
    given = [(at, one) for at, one in came if _heard(playbook, start, one)]
    return list(rehearse(playbook, start, given, FatesOf(story.but)))


def _heard(playbook: Playbook, start: EventCame, one: EventCame | OperatorSaid) -> bool:
    about = str(start.data.get("referral"))
    return isinstance(one, OperatorSaid) or referral.hears(playbook, about, one.type, one.data)


def _came(playbook: Playbook, happens: Happens, at: datetime, event_id: str) -> EventCame | OperatorSaid:
    if happens.command is None:
        return _event(playbook, happens, at, event_id)
    return OperatorSaid(
        command=happens.command, step=happens.step, found=happens.found, by=happens.by, reason=happens.reason
    )


def _event(playbook: Playbook, happens: Happens, at: datetime, event_id: str) -> EventCame:
    data = public_data(happens.event, happens.data)
    if playbook.about == "referral":
        data = referral.told(happens.event, data, referral.IN_A_STORY)
    for name in ABOUT:
        if isinstance(data.get(name), str):
            data[name] = _key_of(playbook, str(data[name]), _VERB_OF[name])
    return EventCame(id=event_id, type=happens.event, at=at, data=data)


def _key_of(playbook: Playbook, named: str, verb: str) -> str:
    """A story names the effect an event is about by its step; the journey knows it by its key."""
    step, _, effect = named.partition("/")
    known = step.partition(":")[0] in (*playbook.steps, *playbook.reactions)
    return f"{JOURNEY}/{step}/{effect or verb}" if known else named


def _unmet(playbook: Playbook, line: Expected, moments: Sequence[Moment]) -> Iterator[tuple[str, str]]:
    """What a line expected, and what happened instead."""
    deeds = deeds_of(moments)
    if line.no_start and moments:
        yield "never: starts", "this event starts it"
    if line.nothing and line.at is not None:
        begun = [d for d in deeds if d.counts and line.at.holds(d.began - START)]
        if begun:
            yield f"{line.when}: nothing", f"{', '.join(d.name for d in begun)} was begun"
    for thing in line.things:
        if not all(
            _met(line, [d for d in deeds if d.is_(thing, e, perhaps=line.times == 0)])
            for e in effects_of(playbook, thing)
        ):
            yield f"{line.when}: {thing.text}", _instead(playbook, thing, deeds)


def _met(line: Expected, deeds: Sequence[Deed]) -> bool:
    """Whether the deeds that are meant came as often, or when, the line says."""
    if line.times is not None:
        return len(deeds) == line.times
    return line.at is not None and any(line.at.holds(deed.at - START) for deed in deeds)


def _instead(playbook: Playbook, thing: Thing, deeds: Sequence[Deed]) -> str:
    names = effects_of(playbook, thing)
    about = [deed for deed in deeds if any(deed.concerns(thing, name) for name in names)]
    said = [f"{deed.name} {deed.words}".strip() + f" {after_start(deed.at - START)}" for deed in about]
    return "; ".join(said) or f"{thing.text} never came"


def _unknown_names(playbook: Playbook, stories: Sequence[Story], document: source.Document) -> Iterator[Mistake]:
    """Steps and effects that a story names and the playbook does not have."""
    for number, story in enumerate(stories):
        for name in story.but:
            path = ("stories", number, "but", name)
            yield from _unknown(playbook, Thing.model_validate(name), document, path)
        for n, line in enumerate(story.then):
            for thing in line.things:
                yield from _unknown(playbook, thing, document, ("stories", number, "then", n, line.when))


def _unknown(
    playbook: Playbook, thing: Thing, document: source.Document, path: tuple[str | int, ...]
) -> Iterator[Mistake]:
    step = thing.step.partition(":")[0]
    if thing.of_journey or step == "journey":
        return
    known = [*playbook.steps, *playbook.reactions]
    if step not in known:
        yield document.mistake(path, one_of(step, f"a step of {playbook.playbook}", known, "steps are"), RULE)
    elif thing.effect and not effects_of(playbook, thing):
        effects = effects_of(playbook, Thing.model_validate(step))
        yield document.mistake(path, one_of(thing.effect, f"an effect of {step}", effects, "effects are"), RULE)
