"""`ovation playbook …`: what a marketer does with playbooks, without Python and without running anything."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from authoring import drawing, schema, simulate, stories
from authoring.shelf import Shelf, load
from authoring.shelf import check as find_mistakes
from models.playbook import duration
from starter.cli.console import Json, answer, err, out, settings, stop, table
from starter.cli.trouble import WRONG_USE

app = typer.Typer(no_args_is_help=True, help="Check, test, draw and simulate playbooks.")


def as_written() -> Shelf:
    """The marketer's files in days that are days, whatever the time scale is here. Raises Mistakes."""
    return load(settings().model_copy(update={"time_scale": 1.0}))


def _known(shelf: Shelf, playbook: str) -> None:
    if playbook not in shelf.playbooks:
        stop(f"no playbook {playbook!r}; there are: {', '.join(shelf.playbooks)}", WRONG_USE)


@app.command()
def check(as_json: Json = False) -> None:
    """Validates all playbooks, messages and the program; every mistake with file, line and what is allowed.

    Example: ovation playbook check"""
    here = settings()
    found = find_mistakes(here)
    if as_json:
        answer(True, [vars(mistake) for mistake in found])
    elif found:
        for mistake in found:
            err.print(str(mistake), soft_wrap=True)
    else:
        out.print(f"all good: {here.program}, {here.playbooks}", soft_wrap=True)
    if found:
        raise typer.Exit(1)


@app.command()
def test(
    playbook: Annotated[str, typer.Argument(help="Only this playbook's stories.")] = "",
    as_json: Json = False,
) -> None:
    """Runs the stories that stand beside each playbook.

    Example: ovation playbook test advocate-thank-you"""
    here, shelf = settings(), as_written()
    if playbook:
        _known(shelf, playbook)
    found = stories.run_stories(here.playbooks, shelf.playbooks, playbook or None)
    if not found:
        stop(f"there are no stories: write {here.playbooks}/{playbook or 'NAME'}.stories.yaml")
    failed = [result for result in found if not result.passed]
    if as_json:
        answer(True, found)
    else:
        for result in found:
            out.print(str(result), soft_wrap=True)
        out.print(f"\n{len(found) - len(failed)} of {len(found)} stories hold")
    if failed:
        raise typer.Exit(1)


@app.command()
def draw(
    playbook: Annotated[str, typer.Argument(help="Which playbook.")],
    to: Annotated[Path | None, typer.Option(help="An SVG file; without it the terminal.", dir_okay=False)] = None,
    as_json: Json = False,
) -> None:
    """Draws a playbook's timeline.

    Example: ovation playbook draw advocate-thank-you --to thank-you.svg"""
    shelf = as_written()
    _known(shelf, playbook)
    if to is not None:
        to.write_text(drawing.draw_svg(shelf.playbooks[playbook]))
        answer(as_json, {"written": str(to)}, f"written: {to}")
    else:
        text = drawing.draw_text(shelf.playbooks[playbook])
        answer(as_json, {"drawing": text}, text)


@app.command("simulate")
def simulate_events(
    events: Annotated[
        Path, typer.Argument(help="CloudEvents: JSON lines, a JSON array, or YAML.", exists=True, dir_okay=False)
    ],
    delivery: Annotated[
        str, typer.Option(help="How long a box takes, where the file tells of no deliveries.")
    ] = "5 days",
    as_json: Json = False,
) -> None:
    """A dry run over a file of events: who would enter, what would be done and when. Nothing is sent.

    Example: ovation playbook simulate events.jsonl --delivery "4 days" """
    try:
        arrives = duration(delivery)
    except ValueError as error:
        stop(f"--delivery: {error}", WRONG_USE)
    here = as_written()
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("people", total=None)
        found = simulate.simulate(
            events,
            here.playbooks,
            here.program,
            delivery=arrives,
            progress=lambda done, of: progress.update(task, completed=done, total=of),
        )
    answer(as_json, found)
    if not as_json:
        _print_simulation(events, found)
    if found.bad:
        raise typer.Exit(1)


def _print_simulation(events: Path, found: simulate.Simulation) -> None:
    entered = sum(entry.refused is None for entry in found.entries)
    out.print(f"events: {found.events}, of people: {found.contacts}; journeys that would begin: {entered}\n")
    shown = table("what", "times", "withheld", "busiest week")
    for total in found.totals.values():
        week = max(total.weeks.items(), key=lambda pair: pair[1], default=None)
        busiest = "" if week is None else f"{week[1]} from {week[0]}"
        shown.add_row(total.label, str(total.done), str(total.withheld or ""), busiest)
    out.print(shown)
    for bad in found.bad:
        err.print(f"{events}:{bad.line}: {bad.reason}", soft_wrap=True)


@app.command("schema")
def write_schema(
    to: Annotated[Path, typer.Option(help="The folder to write to.", file_okay=False)] = Path(".vscode"),
    as_json: Json = False,
) -> None:
    """Writes the JSON schemas by which an editor completes and checks the files.

    Example: ovation playbook schema --to schemas"""
    to.mkdir(parents=True, exist_ok=True)
    written = []
    for name, made in (("playbook", schema.playbook_schema()), ("program", schema.program_schema())):
        path = to / f"{name}.schema.json"
        path.write_text(json.dumps(made, indent=2) + "\n")
        written.append(str(path))
    answer(as_json, {"written": written}, "\n".join(written))
