"""What HubSpot's double answers about contacts, tasks, notes and owners.

Tasks and notes have no key: the same request twice is two of them. A contact's e-mail address is taken once.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import ValidationError

from platforms.base import Body
from platforms.hubspot.stand_in_books import (
    CONTACTS,
    NOTES,
    REVENUES,
    TASKS,
    Options,
    Portal,
    Record,
    Refused,
    now,
)
from platforms.hubspot.stand_in_requests import CreateBody, ReadBody, ReadLinksBody, Strict, UpdateBody
from platforms.stand_in import Answer, Heard, Route

VERSIONS = frozenset({"2026-03", "2026-09"})
PAGE = 100
"""Links in one answer; HubSpot's own number is not published."""

_DEFAULTS = ["email", "firstname", "lastname"]
_KINDS: dict[str, tuple[Options, dict[str, int]]] = {
    "tasks": (TASKS, {"contacts": 204, "deals": 216}),
    "notes": (NOTES, {"contacts": 202, "deals": 214}),
}
"""Properties, and the numbers of the links to contacts and deals."""
RATE = {
    "X-HubSpot-RateLimit-Max": "100",
    "X-HubSpot-RateLimit-Remaining": "99",
    "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
    "X-HubSpot-RateLimit-Daily": "250000",
    "X-HubSpot-RateLimit-Daily-Remaining": "249999",
}
Request = TypeVar("Request", bound=Strict)


def operation(handle: Callable[[Heard, Portal], Body], status: int = 200) -> Callable[[Heard, Portal], Answer]:
    """Answers with the body that `handle` gives, or with its refusal."""

    def answer(heard: Heard, books: Portal) -> Answer:
        try:
            if heard.params["version"] not in VERSIONS:
                raise Refused(404, "resource not found")
            body = handle(heard, books)
            return Answer(207 if "numErrors" in body else status, json=body, headers=RATE)
        except Refused as refused:
            return refused.answer

    return answer


def read(model: type[Request], given: Any) -> Request:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Refused(400, f"Invalid input JSON: {where}: {first['msg']}", "VALIDATION_ERROR") from error


def _contact(heard: Heard, books: Portal) -> Record:
    by = heard.query.get("idProperty")
    if by not in (None, "email"):
        raise Refused(400, f"{by} is not a unique property", "VALIDATION_ERROR")
    found = books.contact(heard.params["id"], by)
    if found is None:
        raise Refused(404, "resource not found")
    return found


def _get_contact(heard: Heard, books: Portal) -> Body:
    found = _contact(heard, books)
    asked = [name for name in heard.query.get("properties", "").split(",") if name in CONTACTS]
    return with_links(found.shown([*_DEFAULTS, *asked]), heard, books, "contact")


def with_links(shown: Body, heard: Heard, books: Portal, own: str) -> Body:
    """The record with the first page of the links that were asked for; kinds without any are left out."""
    kinds = [kind for kind in heard.query.get("associations", "").split(",") if kind in (*_KINDS, "contacts")]
    linked = {kind: links for kind in kinds if (links := _of(books, kind).get(shown["id"]))}
    if linked:
        shown["associations"] = {kind: _page_of_links(own, kind, links) for kind, links in linked.items()}
    return shown


def _page_of_links(own: str, kind: str, links: list[str]) -> Body:
    page: Body = {"results": [{"id": one, "type": f"{own}_to_{kind[:-1]}"} for one in links[:PAGE]]}
    if len(links) > PAGE:
        page["paging"] = {"next": {"after": links[PAGE - 1]}}
    return page


def _create_contact(heard: Heard, books: Portal) -> Body:
    asked = read(CreateBody, heard.json)
    books.check(asked.properties, CONTACTS)
    return books.add(asked.properties).shown([*_DEFAULTS, *asked.properties])


def _update_contact(heard: Heard, books: Portal) -> Body:
    found = _contact(heard, books)
    asked = read(UpdateBody, heard.json)
    books.check(asked.properties, CONTACTS)
    books.change(found, asked.properties)
    return found.shown([*_DEFAULTS, *asked.properties])


def _create_record(heard: Heard, books: Portal) -> Body:
    kind = heard.params["kind"]
    known, numbers = _kind(kind)
    asked = read(CreateBody, heard.json)
    books.check(asked.properties, known)
    if "hs_timestamp" not in asked.properties:
        missing = {"message": "hs_timestamp is required", "context": {"properties": ["hs_timestamp"]}}
        words = "Error creating RECORD. Some required properties were not set."
        raise Refused(400, words, "VALIDATION_ERROR", errors=[missing])
    for link in asked.associations:
        number = numbers["contacts" if link.to.id in books.contacts else "deals"]
        there = link.to.id in books.contacts or link.to.id in books.deals
        if not there or [t.associationTypeId for t in link.types] != [number]:
            raise Refused(400, f"No valid association to {link.to.id}", "VALIDATION_ERROR")
    record = books.record(asked.properties)
    _book(books, kind)[record.id] = record
    for link in asked.associations:
        _of(books, kind).setdefault(link.to.id, []).append(record.id)
    return record.shown(list(asked.properties))


def _update_record(heard: Heard, books: Portal) -> Body:
    known, _ = _kind(heard.params["kind"])
    found = _book(books, heard.params["kind"]).get(heard.params["id"])
    if found is None:
        raise Refused(404, "resource not found")
    asked = read(UpdateBody, heard.json)
    books.check(asked.properties, known)
    found.properties |= asked.properties
    return found.shown(list(asked.properties))


def _read_records(heard: Heard, books: Portal) -> Body:
    known, _ = _kind(heard.params["kind"])
    asked = read(ReadBody, heard.json)
    book = _book(books, heard.params["kind"])
    there = [book[one.id] for one in asked.inputs if one.id in book]
    body = _batch([record.shown([name for name in asked.properties if name in known]) for record in there])
    if lacking := [one.id for one in asked.inputs if one.id not in book]:
        lost = {"status": "error", "category": "OBJECT_NOT_FOUND", "message": "Could not get some objects"}
        body |= {"numErrors": 1, "errors": [{**lost, "context": {"ids": lacking}, "errors": [], "links": {}}]}
    return body


def _read_links(heard: Heard, books: Portal) -> Body:
    number = _kind(heard.params["kind"])[1].get(heard.params["of"])
    if number is None:
        raise Refused(404, "resource not found")
    results = []
    for asked in read(ReadLinksBody, heard.json).inputs:
        links = _of(books, heard.params["kind"]).get(asked.id, [])
        begin = int(asked.after or 0)
        kinds = [{"category": "HUBSPOT_DEFINED", "typeId": number - 1}]
        to = [{"toObjectId": one, "associationTypes": kinds} for one in links[begin : begin + PAGE]]
        result: Body = {"from": {"id": asked.id}, "to": to}
        if len(links) > begin + PAGE:
            result["paging"] = {"next": {"after": str(begin + PAGE)}}
        results += [result] if to else []
    return _batch(results)


def _batch(results: list[Body]) -> Body:
    return {"status": "COMPLETE", "results": results, "startedAt": now(), "completedAt": now()}


def _kind(name: str) -> tuple[Options, dict[str, int]]:
    if name not in _KINDS:
        raise Refused(404, "resource not found")
    return _KINDS[name]


def _book(books: Portal, kind: str) -> dict[str, Record]:
    return books.tasks if kind == "tasks" else books.notes


def _of(books: Portal, kind: str) -> dict[str, list[str]]:
    """Contact or deal → their records of this kind; a deal's contacts too."""
    return {"tasks": books.tasks_of, "notes": books.notes_of, "contacts": books.people_of}[kind]


def _owners(heard: Heard, books: Portal) -> Body:
    email = heard.query.get("email", "").lower()
    chosen = [(mail, one) for mail, one in books.owners.items() if not email or mail == email]
    return {"results": [_owner(mail, one) for mail, one in chosen[: int(heard.query.get("limit", "100"))]]}


def _get_owner(heard: Heard, books: Portal) -> Body:
    email = next((mail for mail, one in books.owners.items() if one == heard.params["id"]), None)
    if email is None:
        raise Refused(404, "resource not found", "OBJECT_NOT_FOUND")
    return _owner(email, heard.params["id"])


def _owner(email: str, number: str) -> Body:
    since = {"createdAt": "2026-01-05T09:00:00.000Z", "updatedAt": "2026-01-05T09:00:00.000Z"}
    return {"id": number, "email": email, "type": "PERSON", "userId": 98499705, **since, "archived": False}


def _get_property(heard: Heard, books: Portal) -> Body:
    name = heard.params["name"]
    if name not in CONTACTS:
        raise Refused(404, f"No property with name {name} exists for object type CONTACT.", "OBJECT_NOT_FOUND")
    texts = {"name": name, "label": name, "description": "", "groupName": "contactinformation"}
    kinds = ("number", "number") if name in REVENUES else ("string", "text")
    if CONTACTS[name] is not None:
        kinds = ("bool", "booleancheckbox")
    return {**texts, "type": kinds[0], "fieldType": kinds[1], "options": []}


_LINKS = "/crm/associations/{version}/{of}/{kind}/batch/read"
ROUTES = [
    Route("GET", "/crm/objects/{version}/contacts/{id}", operation(_get_contact)),
    Route("PATCH", "/crm/objects/{version}/contacts/{id}", operation(_update_contact)),
    Route("POST", "/crm/objects/{version}/contacts", operation(_create_contact, 201)),
    Route("POST", "/crm/objects/{version}/{kind}", operation(_create_record, 201)),
    Route("PATCH", "/crm/objects/{version}/{kind}/{id}", operation(_update_record)),
    Route("POST", "/crm/objects/{version}/{kind}/batch/read", operation(_read_records)),
    Route("POST", _LINKS, operation(_read_links)),
    Route("GET", "/crm/owners/{version}", operation(_owners)),
    Route("GET", "/crm/owners/{version}/{id}", operation(_get_owner)),
    Route("GET", "/crm/properties/{version}/contacts/{name}", operation(_get_property)),
]
