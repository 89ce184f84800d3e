"""`ovation journey …`: see and steer journeys. What it does is also done in the Temporal UI, by the same Updates."""

import getpass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from temporalio.client import WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError

from journeys.show import show as look_at
from journeys.state import State
from models.journey import Intervention, JourneyStart
from models.playbook import Playbook
from starter.cli import names
from starter.cli.console import Json, answer, database, out, run, stop, table, temporal
from starter.cli.names import Limit, Reason
from starter.cli.steering import update
from starter.cli.trouble import WRONG_USE, is_unknown
from store.identity import find_contact
from store.record import workflow_of

app = typer.Typer(no_args_is_help=True, help="See and steer journeys.")

_STAGE = SearchAttributeKey.for_keyword("OvationStage")
_ATTENTION = SearchAttributeKey.for_bool("OvationNeedsAttention")
_DEADLINE = SearchAttributeKey.for_datetime("OvationDeadline")

Journey = Annotated[
    str,
    typer.Argument(
        callback=names.journey, help=f"A journey (j_…), a referral (r_…), or whose journey it is: {names.PERSON}."
    ),
]
StepName = Annotated[str, typer.Argument(help="A step, a reaction's instance (second_gift:r_1), or step/effect.")]


@app.command("list")
def list_journeys(
    attention: Annotated[bool, typer.Option("--attention", help="Only those that need a person.")] = False,
    contact: Annotated[
        str, typer.Option(callback=names.person_if_any, help=f"Only this person's: {names.PERSON}.")
    ] = "",
    all_: Annotated[bool, typer.Option("--all", help="Ended ones too.")] = False,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """Lists journeys, the newest first.

    Example: ovation journey list --attention"""
    found = run(_list(attention, contact, all_, limit))
    shown = table("journey", "stage", "deadline", *(["status"] if all_ else []), whole=("journey",))
    for one in found:
        stage = f"{one['stage']}, needs a person" if one["attention"] else one["stage"]
        row = (one["workflow"], stage, _to_the_minute(one["deadline"]), one["status"])
        shown.add_row(*row[: len(shown.columns)])
    answer(as_json, found, shown if found else "no journeys")


def _to_the_minute(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


async def _list(attention: bool, contact: str, ended: bool, limit: int) -> list[dict[str, Any]]:
    wanted = ["WorkflowType IN ('AdvocateJourney', 'Referral')"]
    wanted += ["OvationNeedsAttention = true"] if attention else []
    wanted += [f"OvationContact = '{await _id_of(contact)}'"] if contact else []
    wanted += [] if ended else ["ExecutionStatus = 'Running'"]
    client = await temporal()
    found = []
    async for one in client.list_workflows(" AND ".join(wanted), limit=limit):
        found.append(
            {
                "workflow": one.id,
                "stage": one.typed_search_attributes.get(_STAGE) or "",
                "attention": bool(one.typed_search_attributes.get(_ATTENTION)),
                "deadline": one.typed_search_attributes.get(_DEADLINE),
                "status": (one.status or WorkflowExecutionStatus.RUNNING).name.lower(),
            }
        )
    return found


async def _id_of(person: str) -> str:
    if person.startswith("c_"):
        return person
    async with database() as engine:
        known = await find_contact(engine, person)
    if known is None:
        raise LookupError(f"nobody is known as {person}")
    return known.id


@app.command()
def show(journey: Journey, as_json: Json = False) -> None:
    """Shows one journey: its steps, what happened, what comes next.

    Example: ovation journey show ada@example.com"""
    found, words = run(_show(journey))
    if as_json:
        answer(True, found)
    else:
        from rich.markdown import Markdown

        out.print(Markdown(words))


async def _show(journey: str) -> tuple[dict[str, Any], str]:
    async with database() as engine:
        workflow = await workflow_of(engine, journey, ended=True)
    handle = (await temporal()).get_workflow_handle(workflow)
    try:
        state = await handle.query("state", result_type=dict)
        start = await _start_of(handle)
    except RPCError as error:
        if is_unknown(error):
            raise LookupError(f"{workflow} is not in Temporal any more") from error
        raise
    if journey.startswith("j_") and start.journey != journey:
        raise LookupError(f"{journey} is over, and {workflow} is {start.journey} now: `ovation explain` tells of both")
    words = look_at(Playbook.model_validate(start.playbook), State.model_validate(state)).table
    return {"workflow": workflow, "state": state}, words


async def _start_of(handle: Any) -> JourneyStart:
    """How the journey began, with the playbook that it runs by."""
    async for event in handle.fetch_history_events(page_size=1):
        payload = event.workflow_execution_started_event_attributes.input.payloads[0]
        return JourneyStart.model_validate_json(payload.data)
    raise LookupError("the journey has no history")


def _steer(command: str, journey: str, as_json: bool, **said: Any) -> None:
    done = run(_update(command, journey, Intervention(by=getpass.getuser(), **said)))
    answer(as_json, {"done": done}, f"done: {done}")


async def _update(command: str, journey: str, said: Intervention) -> str:
    async with database() as engine:
        workflow = await workflow_of(engine, journey)
    return await update(await temporal(), workflow, command, said)


@app.command()
def pause(journey: Journey, reason: Reason = "", as_json: Json = False) -> None:
    """Nothing new begins until it is resumed.

    Example: ovation journey pause ada@example.com --reason "until the contract is signed" """
    _steer("pause", journey, as_json, reason=reason)


@app.command()
def resume(journey: Journey, reason: Reason = "", as_json: Json = False) -> None:
    """Goes on; what was due meanwhile begins at once.

    Example: ovation journey resume ada@example.com"""
    _steer("resume", journey, as_json, reason=reason)


@app.command("run")
def run_now(journey: Journey, step: StepName, reason: Reason = "", as_json: Json = False) -> None:
    """Runs a step now, whenever it is due.

    Example: ovation journey run ada@example.com case_study"""
    _steer("run", journey, as_json, step=step, reason=reason)


@app.command()
def skip(journey: Journey, step: StepName, reason: Reason = "", as_json: Json = False) -> None:
    """Leaves a step out.

    Example: ovation journey skip ada@example.com check_in --reason "done by telephone" """
    _steer("skip", journey, as_json, step=step, reason=reason)


@app.command()
def retry(journey: Journey, step: StepName, reason: Reason = "", as_json: Json = False) -> None:
    """Tries a stuck or waiting step again, now.

    Example: ovation journey retry ada@example.com gift"""
    _steer("retry", journey, as_json, step=step, reason=reason)


@app.command()
def resolve(
    journey: Journey,
    step: StepName,
    happened: Annotated[bool, typer.Option("--happened/--did-not-happen", help="What you found at the vendor.")],
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Settles a doubt: you looked at the vendor, and it did happen, or it did not.

    Example: ovation journey resolve ada@example.com check_in/send --happened"""
    _steer("resolve", journey, as_json, step=step, found=happened, reason=reason)


@app.command()
def end(
    journey: Journey,
    reason: Reason,
    as_json: Json = False,
) -> None:
    """Ends a journey; what is in flight comes to its end first.

    Example: ovation journey end ada@example.com --reason "not wanted any more" """
    if not reason.strip():
        stop("say why: --reason", WRONG_USE)
    _steer("end", journey, as_json, reason=reason)
