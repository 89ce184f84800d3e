"""Tasks and notes: made once, linked to a contact or a deal, and found again by our key.

The failure prevented: a task that is made twice because a search did not show the first one yet. The mark with our key
ends the text; the look-up reads the holder's records one by one, which HubSpot answers from the records themselves.
"""

import html
import re
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from platforms.base import Body, Call, Reply, Talk
from platforms.capabilities import Receipt, Who
from platforms.errors import InDoubt, Unavailable
from platforms.hubspot import contact
from platforms.hubspot.contact import objects
from platforms.hubspot.problem import said

if TYPE_CHECKING:
    from platforms.hubspot import HubSpotSettings

BATCH = 100
READ_BACK = 2000
"""How many records of a contact or deal are read back at most."""
LONGEST = 10_000
"""Characters of our text. HubSpot takes 65,536 of HTML, and escaping makes at most six of one."""


@dataclass(frozen=True, slots=True)
class Kind:
    """`body` is the property with the text; `to_contact` and `to_deal` HubSpot's numbers for the links."""

    plural: str
    body: str
    to_contact: int
    to_deal: int


TASK = Kind("tasks", "hs_task_body", 204, 216)
NOTE = Kind("notes", "hs_note_body", 202, 214)


def mark(key: str) -> str:
    """What the text ends with. Brackets are in no key, so none is taken for a longer one."""
    return f"[ovation:{key}]"


def marked(text: str, key: str) -> str:
    """Our text as HTML, nothing in it markup, with the mark."""
    kept = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    lines = html.escape(kept).splitlines()
    return "<br>".join([*lines, *([""] if lines else []), mark(key)])


def instant(at: datetime) -> str:
    """A time in UTC as HubSpot reads it, to the millisecond."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def create(kind: Kind, properties: dict[str, str], to: str, settings: "HubSpotSettings") -> Talk:
    """POST of a record together with its link to the contact `to`: the look-up relies on that link."""
    body = {"properties": properties, "associations": [link(to, kind.to_contact)]}
    reply = yield Call.post(objects(settings, kind.plural), json=body)
    return _receipt(reply.json, to)


def link(to: str, number: int) -> Body:
    """A link to record `to`, of one of HubSpot's own types."""
    return {"to": {"id": to}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number}]}


def find(kind: Kind, who: Who, key: str, settings: "HubSpotSettings") -> Generator[Call, Reply, Receipt | None]:
    """The contact's record that ends with the mark; None when it is surely not there."""
    found = yield from contact.known(who, settings, linked=kind.plural)
    if found is None:
        return None
    record = yield from with_mark(kind, "contacts", found, key, settings)
    return None if record is None else _receipt(record, found["id"])


def with_mark(
    kind: Kind, of: str, holder: Body, key: str, settings: "HubSpotSettings"
) -> Generator[Call, Reply, Body | None]:
    """The record of `holder` (one of contacts or deals) that ends with the mark, newest first; else None.

    Raises InDoubt for a holder of more records than are read back, Unavailable when some could not be read."""
    ids = yield from _linked(kind, of, holder, settings)
    for some in _batches(sorted(ids, key=_age)):
        for record in (yield from _read(kind, some, settings)):
            if mark(key) in re.sub(r"<[^>]*>", "", record["properties"].get(kind.body) or ""):
                return record
    return None


def _linked(kind: Kind, of: str, holder: Body, settings: "HubSpotSettings") -> Generator[Call, Reply, set[str]]:
    """The ids of the holder's records. They come with the first of them; where there are more, all are asked for anew,
    because the two lists have cursors of their own."""
    first: Body = (holder.get("associations") or {}).get(kind.plural) or {}
    if not _next(first):
        return {str(link["id"]) for link in first.get("results", [])}
    path = f"/crm/associations/{settings.api_version}/{of}/{kind.plural}/batch/read"
    ids: set[str] = set()
    asked = {"id": holder["id"]}
    while True:
        reply = yield Call.post(path, json={"inputs": [asked]}, writes=False)
        page: Body = next(iter(_whole(reply)), {"to": []})
        ids |= {str(link["toObjectId"]) for link in page["to"]}
        if len(ids) > READ_BACK:
            raise InDoubt(f"{of} {holder['id']} has more than {READ_BACK} {kind.plural}: look for {kind.body} there")
        if not (after := _next(page)):
            return ids
        asked = {"id": holder["id"], "after": after}


def _read(kind: Kind, ids: Iterable[str], settings: "HubSpotSettings") -> Generator[Call, Reply, list[Body]]:
    body = {"inputs": [{"id": one} for one in ids], "properties": [kind.body], "propertiesWithHistory": []}
    reply = yield Call.post(objects(settings, kind.plural, "/batch/read"), json=body, writes=False)
    return _whole(reply)


def _whole(reply: Reply) -> list[Body]:
    """The results, if they are all: a record deleted meanwhile may lack, one that could not be read may be ours."""
    errors = reply.json.get("errors") or []
    if any(error.get("category") != "OBJECT_NOT_FOUND" for error in errors):
        raise Unavailable(f"HubSpot read only some of the records: {said(reply)}")
    results: list[Body] = reply.json["results"]
    return results


def _batches(ids: list[str]) -> Iterator[list[str]]:
    return (ids[begin : begin + BATCH] for begin in range(0, len(ids), BATCH))


def _age(record: str) -> int:
    """Newest first: ids grow."""
    return -int(record) if record.isascii() and record.isdigit() else 0


def _next(page: Body) -> str | None:
    following = (page.get("paging") or {}).get("next") or {}
    return following.get("after")


def _receipt(record: Body, to: str) -> Receipt:
    return Receipt(reference=record["id"], facts={"record": record["id"], "contact": to}, url=record.get("url"))
