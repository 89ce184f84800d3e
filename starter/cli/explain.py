"""`ovation explain CONTACT`: why this person entered or did not, was asked or was not, what comes next and when."""

from typing import Any

from temporalio.service import RPCError

from journeys.state import State
from starter.cli.console import Json, answer, database, out, run, temporal, when
from starter.cli.names import Contact
from store.record import Record, record_of


def explain(contact: Contact, as_json: Json = False) -> None:
    """Why this person entered or did not, was asked or was not, and what comes next.

    Example: ovation explain ada@example.com"""
    found = run(_explain(contact))
    if as_json:
        answer(True, found)
        return
    _print(found)


async def _explain(contact: str) -> dict[str, Any]:
    async with database() as engine:
        record = await record_of(engine, contact)
    if record is None:
        raise LookupError(f"nobody is known as {contact}")
    told = _told(record)
    told["next"] = [line for one in record.journeys if one.ended_at is None for line in await _next(one.workflow_id)]
    return told


def _told(record: Record) -> dict[str, Any]:
    contact = record.contact
    return {
        "contact": {
            "id": contact.id,
            "name": contact.name,
            "email": contact.email,
            "tier": contact.tier,
            "opted_out_at": contact.opted_out_at,
            "churned_at": contact.churned_at,
            "known_as": [identity.text for identity in contact.identities],
        },
        "events": [
            {"at": r.at, "type": r.type, "from": r.source, "handed_on_at": r.handed_at, "trouble": r.last_error}
            for r in record.events
        ],
        "entries": [
            {"at": r.at, "playbook": r.playbook, "journey": r.journey_id, "not_entered_because": r.refused}
            for r in record.entries
        ],
        "journeys": [
            {
                "journey": r.id,
                "playbook": r.playbook,
                "started_at": r.started_at,
                "ended_at": r.ended_at,
                "ended_because": r.ended_because,
                "workflow": r.workflow_id,
            }
            for r in record.journeys
        ],
        "effects": [
            {
                "key": r.key,
                "what": r.effect,
                "purpose": r.purpose,
                "platform": r.platform,
                "status": r.status,
                "why": r.reason,
                "at": r.settled_at or r.claimed_at,
                "reference": r.reference,
                "deadline": r.deadline_at,
            }
            for r in record.effects
        ],
    }


async def _next(workflow: str) -> list[dict[str, Any]]:
    """What a running journey will do next, as it says itself. Empty when Temporal is away."""
    try:
        raw = await (await temporal()).get_workflow_handle(workflow).query("state", result_type=dict)
    except (RPCError, RuntimeError):
        return []
    state = State.model_validate(raw)
    waiting = [
        {
            "workflow": workflow,
            "step": step,
            "effect": effect,
            "due": one.due,
            "state": one.life.value,
            "why": one.reason,
        }
        for step, effect, one in state.effects()
        if not one.settled and not state.steps[step].dropped
    ]
    return sorted(waiting, key=lambda line: (line["due"] is None, line["due"]))


def _print(told: dict[str, Any]) -> None:
    def line(text: str) -> None:
        out.print(text, soft_wrap=True)

    contact = told["contact"]
    line(f"{contact['name']} ({contact['id']}), known as {', '.join(contact['known_as'])}")
    line(
        f"tier {contact['tier']}"
        + (f", opted out on {when(contact['opted_out_at'])}" if contact["opted_out_at"] else "")
    )
    line("\nWhat came")
    for event in told["events"]:
        trouble = f"  ({event['trouble']})" if event["trouble"] else ""
        line(f"  {when(event['at'])}  {event['type']} from {event['from']}{trouble}")
    line("\nWhat was decided")
    for entry in told["entries"]:
        what = f"did not enter: {entry['not_entered_because']}" if entry["not_entered_because"] else "entered"
        line(f"  {when(entry['at'])}  {entry['playbook']}: {what}")
    for journey in told["journeys"]:
        over = f"ended {when(journey['ended_at'])}: {journey['ended_because']}" if journey["ended_at"] else "running"
        line(f"  {journey['journey']} since {when(journey['started_at'])}, {over}")
    line("\nWhat was done")
    for effect in told["effects"]:
        why = f": {effect['why']}" if effect["why"] else ""
        where = f" by {effect['platform']}" if effect["platform"] else ""
        step = effect["key"].partition("/")[2]
        line(f"  {when(effect['at']) or 'not yet':19}  {step}{where}: {effect['status']}{why}")
    line("\nWhat comes next")
    for coming in told["next"]:
        due = when(coming["due"]) if coming["due"] else "when its moment comes"
        why = f" ({coming['why']})" if coming["why"] else ""
        line(f"  {due:19}  {coming['step']}/{coming['effect']}: {coming['state']}{why}")
    if not told["next"]:
        line("  nothing is planned")
