"""`ovation journey …`: see and steer journeys. What it does is also done in the Temporal UI, by the same Updates."""

import getpass
from typing import Annotated, Any

import typer
from temporalio.client import WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from journeys.show import show as look_at
from journeys.state import State
from models.journey import Intervention, JourneyStart
from models.playbook import Playbook
from starter.cli.console import Json, answer, database, out, run, stop, table, temporal, when
from starter.cli.steering import update
from store.record import workflow_of

app = typer.Typer(no_args_is_help=True, help="See and steer journeys.")

_STAGE = SearchAttributeKey.for_keyword("OvationStage")
_ATTENTION = SearchAttributeKey.for_bool("OvationNeedsAttention")
_DEADLINE = SearchAttributeKey.for_datetime("OvationDeadline")

Journey = Annotated[str, typer.Argument(help="A journey (j_…), a contact (c_…), or an e-mail address.")]
StepName = Annotated[str, typer.Argument(help="A step, a reaction's instance (second_gift:r_1), or step/effect.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept with the journey.")]


@app.command("list")
def list_journeys(
    attention: Annotated[bool, typer.Option("--attention", help="Only those that need a person.")] = False,
    contact: Annotated[str, typer.Option(help="Only this contact's (c_…).")] = "",
    all_: Annotated[bool, typer.Option("--all", help="Ended ones too.")] = False,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 50,
    as_json: Json = False,
) -> None:
    """Lists journeys, the newest first.

    Example: ovation journey list --attention"""
    found = run(_list(attention, contact, all_, limit))
    shown = table("journey", "stage", "needs a person", "deadline", "status")
    for one in found:
        shown.add_row(one["workflow"], one["stage"], "yes" if one["attention"] else "", one["deadline"], one["status"])
    answer(as_json, found, shown if found else "no journeys")


async def _list(attention: bool, contact: str, ended: bool, limit: int) -> list[dict[str, Any]]:
    wanted = ["WorkflowType IN ('AdvocateJourney', 'Referral')"]
    wanted += ["OvationNeedsAttention = true"] if attention else []
    wanted += [f"OvationContact = '{contact.replace(chr(39), '')}'"] if contact else []
    wanted += [] if ended else ["ExecutionStatus = 'Running'"]
    client = await temporal()
    found = []
    async for one in client.list_workflows(" AND ".join(wanted), limit=limit):
        deadline = one.typed_search_attributes.get(_DEADLINE)
        found.append(
            {
                "workflow": one.id,
                "stage": one.typed_search_attributes.get(_STAGE) or "",
                "attention": bool(one.typed_search_attributes.get(_ATTENTION)),
                "deadline": when(deadline),
                "status": (one.status or WorkflowExecutionStatus.RUNNING).name.lower(),
            }
        )
    return found


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
        workflow = await workflow_of(engine, journey)
    handle = (await temporal()).get_workflow_handle(workflow)
    try:
        state = await handle.query("state", result_type=dict)
        start = await _start_of(handle)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise LookupError(f"{workflow} is not in Temporal any more") from error
        raise
    words = look_at(start, State.model_validate(state)).table
    return {"workflow": workflow, "state": state}, words


async def _start_of(handle: Any) -> Playbook:
    """The playbook the journey runs by: the one it began with."""
    async for event in handle.fetch_history_events(page_size=1):
        payload = event.workflow_execution_started_event_attributes.input.payloads[0]
        return Playbook.model_validate(JourneyStart.model_validate_json(payload.data).playbook)
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

    Example: ovation journey pause ada@example.com --reason "on parental leave" """
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

    Example: ovation journey skip ada@example.com check_in --reason "she called us" """
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
    reason: Annotated[str, typer.Option(help="Why; it is kept with the journey.")],
    as_json: Json = False,
) -> None:
    """Ends a journey; what is in flight comes to its end first.

    Example: ovation journey end ada@example.com --reason "asked us by phone" """
    if not reason.strip():
        stop("say why: --reason", 2)
    _steer("end", journey, as_json, reason=reason)
