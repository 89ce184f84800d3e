"""A referral's deal: found by our id of the referral, made if absent, moved without undoing what people did.

The failure prevented: a deal made twice while the search index lags, and a salesperson's work undone by a message that
we repeat. One custom field holds our id, another the stage that we told last: what we told once we do not tell again, a
deal moves forward only, and what people closed, deleted or took to another pipeline stays where it is.
"""

import html
import json
import re
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

from platforms.base import Body, Call, Reply
from platforms.capabilities import Referral
from platforms.errors import InDoubt, Unauthorized
from platforms.pipedrive import person
from platforms.pipedrive.person import NEWEST, at

if TYPE_CHECKING:
    from platforms.pipedrive import PipedriveSettings

STATUSES = ("won", "lost")
LONGEST = 20_000
NOTES = 200
"""Notes of a deal that are read back, the newest first."""

_ALL = "open,won,lost,deleted"


def field(deal: Body, code: str | None) -> str | None:
    """The text in a custom field. REST gives it plain, a webhook with its type around it."""
    fields = deal.get("custom_fields")
    value: Any = fields.get(code) if isinstance(fields, Mapping) else None
    if isinstance(value, Mapping):
        value = value.get("value")
    return value if isinstance(value, str) and value else None


def ours(action: Referral, settings: "PipedriveSettings") -> Generator[Call, Reply, tuple[Body | None, int | None]]:
    """GET /v2/itemSearch/field, then GET /v2/deals for what the index does not know yet; the oldest of several, since a
    colleague who duplicates a deal copies our field too. None when it is surely not there.

    Beside it the referred person's id, where they had to be looked for."""
    query = {"entity_type": "deal", "field": str(settings.referral_field), "match": "exact"}
    reply = yield Call.get(at(settings, "/v2/itemSearch/field"), query={**query, "term": action.referral})
    for number in sorted(item["id"] for item in reply.json["data"]):
        found = yield Call.get(at(settings, f"/v2/deals/{number}"), query=_own_fields(settings), accepts=(404,))
        if found.ok and field(found.json["data"], settings.referral_field) == action.referral:
            return found.json["data"], None
    about = yield from person.known(action.person, settings)
    return (yield from _not_indexed(action, about, settings)), about


def gone(deal: Body) -> bool:
    """Whether a colleague deleted it."""
    return bool(deal.get("is_deleted")) or deal.get("status") == "deleted"


def made(action: Referral, about: int | None, settings: "PipedriveSettings") -> Generator[Call, Reply, Body]:
    """POST /v2/deals with both fields of ours in it, for the person, made if absent, and the owner, if there is one."""
    about = about if about is not None else (yield from person.made(action.person, settings))
    owner = yield from person.owner(action.owner_email, settings)
    word = settings.stages.get(action.stage)
    numbers = {"person_id": about, "owner_id": owner, "pipeline_id": settings.pipeline_id}
    body: Body = {
        "title": _title(action),
        **{name: number for name, number in numbers.items() if number is not None},
        **_placed(word),
        **_worth(action, {}),
        "custom_fields": {settings.referral_field: action.referral, settings.stage_field: action.stage},
    }
    reply = yield Call.post(at(settings, "/v2/deals"), json=body)
    deal: Body = reply.json["data"]
    return deal


def kept(there: Body, action: Referral, settings: "PipedriveSettings") -> Generator[Call, Reply, None]:
    """PATCH /v2/deals/{id} with what differs, if anything does."""
    change = _worth(action, there)
    if field(there, settings.stage_field) != action.stage:
        word = settings.stages.get(action.stage)
        may_move = there.get("status") == "open" and (yield from _forward(there, word, settings))
        change |= {"custom_fields": {settings.stage_field: action.stage}, **(_placed(word) if may_move else {})}
    if change:
        yield Call.patch(at(settings, f"/v2/deals/{there['id']}"), json=change)


def note(deal: int, action: Referral, settings: "PipedriveSettings") -> Generator[Call, Reply, tuple[Body | None, str]]:
    """Our note on the deal and what it is to say, as HTML.

    Raises InDoubt for a deal with so many notes that ours may be among those not read."""
    query = {"deal_id": str(deal), "sort": "add_time DESC", "limit": str(NOTES)}
    reply = yield Call.get(at(settings, "/v1/notes"), query=query)
    mark = f"[ovation:{action.referral}]"
    there = [one for one in reply.json.get("data") or [] if mark in plain(one.get("content"))]
    paging = (reply.json.get("additional_data") or {}).get("pagination") or {}
    if not there and paging.get("more_items_in_collection"):
        raise InDoubt(f"deal {deal} has more than {NOTES} notes: look for the one that ends with {mark}")
    return (there[-1] if there else None), _words(action, mark)


def note_kept(deal: int, action: Referral, settings: "PipedriveSettings") -> Generator[Call, Reply, None]:
    """POST /v1/notes, or PUT /v1/notes/{id} where the words are others."""
    there, words = yield from note(deal, action, settings)
    if there is None:
        yield Call.post(at(settings, "/v1/notes"), json={"content": words, "deal_id": deal})
    elif plain(there.get("content")) != plain(words):
        yield Call.put(at(settings, f"/v1/notes/{there['id']}"), json={"content": words})


def plain(content: object) -> str:
    """A note's text without its markup: Pipedrive cleans HTML in ways of its own."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", str(content or ""))).split())


def _own_fields(settings: "PipedriveSettings") -> dict[str, str]:
    return {"custom_fields": f"{settings.referral_field},{settings.stage_field}"}


def _not_indexed(
    action: Referral, about: int | None, settings: "PipedriveSettings"
) -> Generator[Call, Reply, Body | None]:
    """Among the person's deals, or the newest of all where the person is unknown, deleted ones too."""
    whose = {"person_id": str(about)} if about is not None else {}
    order = {"sort_by": "add_time", "sort_direction": "desc", "limit": str(NEWEST)}
    query = {**whose, **order, "status": _ALL, **_own_fields(settings)}
    reply = yield Call.get(at(settings, "/v2/deals"), query=query)
    deals = [deal for deal in reply.json["data"] if field(deal, settings.referral_field) == action.referral]
    return min(deals, key=lambda deal: (gone(deal), deal["id"]), default=None)


def _forward(there: Body, word: str | None, settings: "PipedriveSettings") -> Generator[Call, Reply, bool]:
    """Whether this is a move forward. GET /v2/stages: the order of stages is in no other answer.

    Raises Unauthorized for a stage that the pipeline does not have."""
    if word is None or word in STATUSES:
        return word is not None
    if there.get("pipeline_id") != settings.pipeline_id:
        return False
    reply = yield Call.get(at(settings, "/v2/stages"), query={"pipeline_id": str(settings.pipeline_id)})
    order = {stage["id"]: stage["order_nr"] for stage in reply.json["data"] if not stage.get("is_deleted")}
    if int(word) not in order:
        raise Unauthorized(f"pipeline {settings.pipeline_id} has no stage {word}: set OVATION_PIPEDRIVE__STAGES anew")
    return bool(order[int(word)] > order.get(there.get("stage_id"), 0))


def _placed(word: str | None) -> Body:
    if word is None:
        return {}
    return {"status": word} if word in STATUSES else {"stage_id": int(word)}


def _worth(action: Referral, there: Body) -> Body:
    """The deal's worth where nobody wrote one. The JSON number has the decimal's own digits."""
    if action.amount is None or there.get("value"):
        return {}
    return {"value": json.loads(action.amount.decimal_text()), "currency": action.amount.currency}


def _title(action: Referral) -> str:
    friend = person.name(action.person) or action.person.company or "Somebody"
    company = f" ({action.person.company})" if action.person.company and action.person.company != friend else ""
    return f"{friend}{company}, referred by {person.name(action.advocate) or 'a customer'}"[:255]


def _words(action: Referral, mark: str) -> str:
    """Our text, nothing in it markup, then the mark by which the note is found again."""
    advocate = ", ".join(part for part in (person.name(action.advocate), action.advocate.company) if part)
    parts = [f"Referred by {advocate or 'a customer'}.", action.notes[:LONGEST], action.link or "", mark]
    lines = [line for part in parts if part for line in part.splitlines()]
    return "".join(f"<p>{html.escape(line, quote=False)}</p>" for line in lines if line.strip())
