"""Pipedrive's API, out: the deal of a referral with its note, and a task for a colleague.

The failure prevented: a second deal, note or task because the first answer was lost. Pipedrive has no idempotency key
and keeps nothing unique; so our id, or our key, is in the very call that makes a thing, and is looked for before.
"""

import html
from collections.abc import Generator
from typing import TYPE_CHECKING

from platforms.base import Body, Call, Reply, Talk, Token, reveal
from platforms.capabilities import CreateTask, PutLead, Receipt
from platforms.errors import InDoubt, Rejected, Unauthorized
from platforms.pipedrive import deal, person
from platforms.pipedrive.news import mark_of, marked
from platforms.pipedrive.person import at

if TYPE_CHECKING:
    from platforms.pipedrive import PipedriveSettings

LONGEST = 20_000
PAGES, PER_PAGE = 4, 500
"""How far a look-up goes back through a person's activities, and the doctor through the account's fields."""


def headers(settings: "PipedriveSettings", token: Token | None) -> dict[str, str]:
    """An API token in a header of Pipedrive's own."""
    return {"x-api-token": reveal(settings.api_token)}


def put_lead(action: PutLead, key: str, settings: "PipedriveSettings") -> Talk:
    """POST /v2/deals if the referral has no deal, else PATCH of what differs; then the note on it, the same way.

    A deal that a colleague deleted is not made again."""
    there, about = yield from deal.ours(action, settings)
    if there is None:
        there = yield from deal.made(action, about, settings)
    elif deal.gone(there):
        return Receipt(reference=str(there["id"]), facts={"deal": there["id"], "deleted": True})
    else:
        yield from deal.kept(there, action, settings)
    yield from deal.note_kept(there["id"], action, settings)
    return _about(there, settings)


def find_lead(action: PutLead, key: str, settings: "PipedriveSettings") -> Generator[Call, Reply, Receipt | None]:
    """The referral's deal if it was told this stage and its note says these words; else there is something to do, which
    a repeat does without doing the rest twice."""
    there, _ = yield from deal.ours(action, settings)
    if there is None or deal.gone(there) or deal.field(there, settings.stage_field) != action.stage:
        return None
    note, words = yield from deal.note(there["id"], action, settings)
    if note is None or deal.plain(note.get("content")) != deal.plain(words):
        return None
    return _about(there, settings)


def create_task(action: CreateTask, key: str, settings: "PipedriveSettings") -> Talk:
    """POST /v2/activities, with the person as primary participant: the look-up relies on that link. The note is HTML,
    so our text is escaped. Date and time are those of UTC."""
    about = yield from person.known(action.who, settings)
    about = about if about is not None else (yield from person.made(action.who, settings))
    if about is None:
        raise Rejected("Pipedrive does not know this contact, and without an e-mail address nobody would find them")
    owner = yield from person.owner(action.owner_email, settings)
    if action.owner_email and owner is None:
        raise Rejected("nobody in Pipedrive has the task owner's e-mail address: invite them, or name another owner")
    body = {
        "subject": action.title[:255],
        "type": "call" if action.call else "task",
        **({"owner_id": owner} if owner is not None else {}),
        "due_date": f"{action.due:%Y-%m-%d}",
        "due_time": f"{action.due:%H:%M}",
        "busy": False,
        "note": _note(action.notes, key),
        "participants": [{"person_id": about, "primary": True}],
    }
    reply = yield Call.post(at(settings, "/v2/activities"), json=body)
    return _task(reply.json["data"], about, settings)


def find_task(action: CreateTask, key: str, settings: "PipedriveSettings") -> Generator[Call, Reply, Receipt | None]:
    """GET /v2/activities of the person, newest first, for the one whose note has our key.

    Raises InDoubt for a person with more activities than are read."""
    about = yield from person.known(action.who, settings)
    if about is None:
        return None
    order = {"sort_by": "add_time", "sort_direction": "desc", "limit": str(PER_PAGE)}
    query = {"person_id": str(about), **order}
    for _ in range(PAGES):
        reply = yield Call.get(at(settings, "/v2/activities"), query=query)
        for activity in reply.json["data"]:
            if mark_of(activity.get("note")) == key:
                return _task(activity, about, settings)
        cursor = (reply.json.get("additional_data") or {}).get("next_cursor")
        if not cursor:
            return None
        query = {**query, "cursor": str(cursor)}
    raise InDoubt(f"person {about} has more than {PAGES * PER_PAGE} activities: look for the one with our key")


def doctor(settings: "PipedriveSettings") -> Talk:
    """GET /v1/users/me, then the fields of deals and the stages of the pipeline: token and set-up at once.

    Raises Unauthorized naming what is missing."""
    me: Body = (yield Call.get(at(settings, "/v1/users/me"))).json["data"]
    fields = yield from _fields(settings)
    missing = [name for name in ("referral_field", "stage_field") if getattr(settings, name) not in fields]
    if missing:
        names = ", ".join(f"OVATION_PIPEDRIVE__{name.upper()}" for name in missing)
        raise Unauthorized(f"Pipedrive has no text field on deals with this key: {names}")
    stages = yield from _stages(settings)
    wanted = {int(word) for word in settings.stages.values() if word.isdigit()}
    if wanted - set(stages):
        raise Unauthorized(f"pipeline {settings.pipeline_id} has no stage {sorted(wanted - set(stages))}")
    named = {str(number): name for number, name in stages.items()}
    return Receipt(facts={"company": me.get("company_id"), "user": me["id"], "stages": named})


def _fields(settings: "PipedriveSettings") -> Generator[Call, Reply, set[str]]:
    """The keys of the text fields that the account added to deals."""
    codes: set[str] = set()
    query = {"limit": str(PER_PAGE)}
    for _ in range(PAGES):
        reply = yield Call.get(at(settings, "/v2/dealFields"), query=query)
        codes |= {f["field_code"] for f in reply.json["data"] if f["is_custom_field"] and f["field_type"] == "varchar"}
        cursor = (reply.json.get("additional_data") or {}).get("next_cursor")
        if not cursor:
            break
        query = {**query, "cursor": str(cursor)}
    return codes


def _stages(settings: "PipedriveSettings") -> Generator[Call, Reply, dict[int, str]]:
    """Number → name, in the pipeline's order; of every pipeline while none is set, for whoever looks for numbers."""
    whose = {"pipeline_id": str(settings.pipeline_id)} if settings.pipeline_id is not None else {}
    query = {**whose, "sort_by": "order_nr", "limit": str(PER_PAGE)}
    reply = yield Call.get(at(settings, "/v2/stages"), query=query)
    return {stage["id"]: stage["name"] for stage in reply.json["data"] if not stage.get("is_deleted")}


def _note(text: str, key: str) -> str:
    lines = [*text[:LONGEST].splitlines(), marked(key)]
    return "<br>".join(html.escape(line, quote=False) for line in lines)


def _about(there: Body, settings: "PipedriveSettings") -> Receipt:
    facts = {"deal": there["id"], **({"person": there["person_id"]} if there.get("person_id") else {})}
    url = f"https://{settings.company}.pipedrive.com/deal/{there['id']}"
    return Receipt(reference=str(there["id"]), facts=facts, url=url)


def _task(activity: Body, about: int, settings: "PipedriveSettings") -> Receipt:
    url = f"https://{settings.company}.pipedrive.com/person/{about}"
    return Receipt(reference=str(activity["id"]), facts={"activity": activity["id"], "person": about}, url=url)
