"""`ovation import FILE.csv`: hands events in in bulk, by the acceptance that every event goes through.

The failure prevented: a list that is half in, and nobody knows which half. A file with a mistake is not begun; one
that was broken off is run again, and what is in already stays as it is. A line that only the database can refuse is
left out, and said.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from psycopg.errors import DeadlockDetected
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from models.event import Event
from starter.cli.console import Json, answer, database_url, err, run, settings
from starter.cli.import_file import Line, Mistake, Sheet, read
from starter.cli.trouble import NOT_DONE
from store.database import connect
from store.inbox import Accepted, Unacceptable, accept

AT_ONCE = 8
"""People. Each waits for the database most of the time."""

SHOWN = 20
"""Mistakes printed at once; JSON has them all."""


@dataclass
class Tally:
    """What became of a file. `nobody`: lines that were stored and name nobody we know, so no journey hears them."""

    accepted: int = 0
    known_already: int = 0
    nobody: list[int] = field(default_factory=list)
    skipped: list[Mistake] = field(default_factory=list)

    def note(self, line: int, became: Accepted) -> None:
        self.accepted += became.new
        self.known_already += not became.new
        if became.contact is None:
            self.nobody.append(line)


def import_file(
    file: Annotated[Path, typer.Argument(help="A CSV file with a header.", exists=True, dir_okay=False)],
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Import the rest of a file with mistakes.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only look for mistakes.")] = False,
    as_json: Json = False,
) -> None:
    """Hands in events from a CSV file, each line one; journeys begin as their playbooks say.

    Columns: type and subject; id, time; first_name, last_name, company and more about the person; any field of the
    event's data. A referral is a line of type referral.submitted whose subject is the friend, with referred_by.

    Example: ovation import customers.csv --check"""
    sheet = read(file, datetime.now(UTC))
    if sheet.mistakes and not (skip_bad and sheet.readable and not check):
        _refuse(file, sheet, as_json)
    if check:
        answer(as_json, {"events": len(sheet.lines)}, f"{len(sheet.lines)} events, no mistakes; nothing imported")
        return
    tally = run(_import(sheet.lines, quiet=as_json))
    refused = bool(tally.skipped)
    tally.skipped = sorted([*sheet.mistakes, *tally.skipped], key=lambda mistake: mistake.line)
    answer(as_json, asdict(tally), _in_words(file, tally))
    if refused and not skip_bad:
        raise typer.Exit(NOT_DONE)


async def _import(lines: Sequence[Line], *, quiet: bool) -> Tally:
    """Several people at once; what happened to one of them stays in its order."""
    people: dict[str, list[Line]] = {}
    for line in lines:
        people.setdefault(line.event.subject.text, []).append(line)
    waiting, tally = iter(people.values()), Tally()
    engine = connect(database_url(settings()), pool_size=AT_ONCE)
    try:
        with _bar(quiet) as bar:
            task = bar.add_task("importing", total=len(lines))

            async def work() -> None:
                for line in (line for mine in waiting for line in mine):
                    try:
                        tally.note(line.number, await _accepted(engine, line.event))
                    except Unacceptable as refused:
                        tally.skipped.append(Mistake(line.number, 1, str(refused)))
                    bar.advance(task)

            await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    finally:
        await engine.dispose()
    return tally


async def _accepted(engine: AsyncEngine, event: Event) -> Accepted:
    """Two lines may each make the person whom the other one names: the database then ends one of them, unharmed."""
    for _ in range(3):
        try:
            return await accept(engine, event)
        except OperationalError as error:
            if not isinstance(error.orig, DeadlockDetected):
                raise
    return await accept(engine, event)


def _bar(quiet: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=err, disable=quiet)


def _refuse(file: Path, sheet: Sheet, as_json: bool) -> None:
    answer(as_json, {"imported": 0, "mistakes": [asdict(mistake) for mistake in sheet.mistakes]})
    err.print(_listed(file, sheet.mistakes), soft_wrap=True)
    hint = (
        f"; --skip-bad imports the other {_counted(len(sheet.lines), 'line')}" if sheet.readable and sheet.lines else ""
    )
    err.print(f"nothing was imported: mend {_counted(len(sheet.mistakes), 'mistake')} first{hint}")
    raise typer.Exit(NOT_DONE)


def _in_words(file: Path, tally: Tally) -> str:
    words = [f"{_counted(tally.accepted, 'event')} accepted, {tally.known_already} known already"]
    if tally.nobody:
        named = ", ".join(map(str, sorted(tally.nobody)[:SHOWN])) + (" …" if len(tally.nobody) > SHOWN else "")
        words.append(f"stored, but naming nobody we know: line {named}")
    if tally.skipped:
        words += [f"left out, {_counted(len(tally.skipped), 'mistake')}:", _listed(file, tally.skipped)]
    return "\n".join(words)


def _listed(file: Path, mistakes: Sequence[Mistake]) -> str:
    lines = [f"{file}:{one.line}:{one.column}: {one.words}" for one in mistakes[:SHOWN]]
    more = len(mistakes) - SHOWN
    return "\n".join(lines + ([f"and {more} more"] if more > 0 else []))


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
