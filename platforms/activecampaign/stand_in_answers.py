"""What ActiveCampaign's double answers to each operation that we use.

It re-subscribes whoever it is told to, and sends people through an automation as often as it is asked, if the
automation lets them: as the vendor does.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from platforms.activecampaign.stand_in_books import Account, Contact, Hook, Refused, Run, invalid, now, unknown
from platforms.activecampaign.stand_in_requests import (
    HookBody,
    ListBody,
    RunBody,
    Strict,
    SyncBody,
    TagBody,
    TaggedBody,
)
from platforms.base import Body
from platforms.stand_in import Answer, Heard, Route

HEADERS = {"RateLimit-Limit": "5", "RateLimit-Remaining": "4"}
WINDOW = frozenset({"limit", "offset"})
SEARCH = frozenset({"email", "status", "filters[updated_after]", "filters[updated_before]", "orders[id]", "id_greater"})

Request = TypeVar("Request", bound=Strict)
Handler = Callable[[Heard, Account], tuple[int, Body]]


def _operation(handle: Handler) -> Callable[[Heard, Account], Answer]:
    def answer(heard: Heard, books: Account) -> Answer:
        try:
            status, body = handle(heard, books)
        except Refused as refused:
            return refused.answer
        return Answer(status, json=body, headers=HEADERS)

    return answer


def _read(model: type[Request], heard: Heard) -> Request:
    """Raises Refused: 400 with an empty body for what is no JSON object, 422 with the field for the rest."""
    if not isinstance(heard.json, dict):
        raise Refused(400, {})
    try:
        return model.model_validate(heard.json)
    except ValidationError as error:
        first = error.errors()[0]
        raise invalid(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}", "invalid") from error


def _listing(
    name: str, rows: Callable[[Heard, Account], Iterable[Body]], query: frozenset[str] = frozenset()
) -> Handler:
    """A window of rows: 20 unless told, 100 at most."""

    def handle(heard: Heard, books: Account) -> tuple[int, Body]:
        if stray := sorted(set(heard.query) - WINDOW - query):
            raise invalid(f"unknown parameters {stray}")
        found = list(rows(heard, books))
        begin, limit = _whole(heard.query, "offset", 0), min(_whole(heard.query, "limit", 20), 100)
        return 200, {name: found[begin : begin + limit], "meta": {"total": str(len(found))}}

    return handle


def _whole(query: Mapping[str, str], name: str, otherwise: int) -> int:
    text = query.get(name, str(otherwise))
    if not text.isdigit():
        raise invalid(f"{name} is not a number")
    return int(text)


def _search(heard: Heard, books: Account) -> list[Body]:
    query = heard.query
    found = [c for c in books.contacts.values() if _matches(c, query, books)]
    return [c.shown() for c in sorted(found, key=lambda c: int(c.id))]


def _matches(contact: Contact, query: Mapping[str, str], books: Account) -> bool:
    after, before = query.get("filters[updated_after]"), query.get("filters[updated_before]")
    states = {row.status for row in books.on_lists if row.contact == contact.id}
    return (
        contact.email.lower() == query.get("email", contact.email).lower()
        and ("status" not in query or query["status"] in states)
        and int(contact.id) > _whole(query, "id_greater", 0)
        and (after is None or _time(contact.udate) >= _time(after))
        and (before is None or _time(contact.udate) <= _time(before))
    )


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise invalid("not a date") from error


def _tags(heard: Heard, books: Account) -> list[Body]:
    """The search finds parts of names."""
    part = heard.query.get("search", "").lower()
    kind = {"tagType": "contact", "description": ""}
    return [{"id": number, "tag": name, **kind} for number, name in books.tags.items() if part in name.lower()]


def _theirs(rows: Callable[[Account], Iterable[BaseModel]]) -> Callable[[Heard, Account], list[Body]]:
    def found(heard: Heard, books: Account) -> list[Body]:
        number = books.contact(heard.params["id"]).id
        shown = [row.model_dump() for row in rows(books)]
        return [row for row in shown if row["contact"] == number]

    return found


def _get_contact(heard: Heard, books: Account) -> tuple[int, Body]:
    return 200, {"contact": books.contact(heard.params["id"]).shown()}


def _sync(heard: Heard, books: Account) -> tuple[int, Body]:
    person = _read(SyncBody, heard).contact
    if stray := [value.field for value in person.fieldValues if value.field not in books.fields]:
        raise invalid(f"no field {stray[0]}")
    found = books.by_email(person.email)
    contact = found or books.add(person.email)
    contact.first_name = contact.first_name if person.firstName is None else person.firstName
    contact.last_name = contact.last_name if person.lastName is None else person.lastName
    contact.fields |= {value.field: value.value for value in person.fieldValues}
    contact.udate = now()
    values = [{"contact": contact.id, "field": v.field, "value": v.value, "id": v.field} for v in person.fieldValues]
    return 200 if found else 201, {"fieldValues": values, "contact": contact.shown()}


def _join_list(heard: Heard, books: Account) -> tuple[int, Body]:
    asked = _read(ListBody, heard).contactList
    contact = books.contact(asked.contact)
    if asked.list not in books.lists:
        raise unknown("List", asked.list)
    row, new = books.put_on_list(contact.id, asked.list, asked.status)
    return 201 if new else 200, {"contacts": [contact.shown()], "contactList": row.model_dump()}


def _make_tag(heard: Heard, books: Account) -> tuple[int, Body]:
    asked = _read(TagBody, heard).tag
    if asked.tag.lower() in {name.lower() for name in books.tags.values()}:
        raise invalid("Tag already exists in the system", "duplicate")
    number = books.tag_named(asked.tag)
    return 201, {"tag": {"id": number, **asked.model_dump(), "links": {}}}


def _give_tag(heard: Heard, books: Account) -> tuple[int, Body]:
    asked = _read(TaggedBody, heard).contactTag
    if asked.tag not in books.tags:
        raise unknown("Tag", asked.tag)
    return 201, {"contactTag": books.give_tag(books.contact(asked.contact).id, asked.tag).model_dump()}


def _enter(heard: Heard, books: Account) -> tuple[int, Body]:
    asked = _read(RunBody, heard).contactAutomation
    contact, automation = books.contact(asked.contact), books.automations.get(asked.automation)
    if automation is None:
        raise unknown("Series", asked.automation)
    before = [r for r in books.runs if (r.contact, r.seriesid) == (asked.contact, asked.automation)]
    if automation.status != "1" or any(r.status == "1" for r in before) or (before and automation.once):
        raise Refused(403, {"message": "Could not create SubscriberSeries"})
    run = Run(id=books.next_id(), contact=asked.contact, seriesid=asked.automation, adddate=now())
    books.runs.append(run)
    return 201, {"contacts": [contact.shown()], "contactAutomation": run.model_dump()}


def _make_hook(heard: Heard, books: Account) -> tuple[int, Body]:
    asked = _read(HookBody, heard).webhook
    hook = Hook(id=books.next_id(), **asked.model_dump(include={"name", "url", "events", "sources"}))
    books.webhooks[hook.id] = hook
    return 201, {"webhook": hook.model_dump()}


def _drop_hook(heard: Heard, books: Account) -> tuple[int, Body]:
    if books.webhooks.pop(heard.params["id"], None) is None:
        raise unknown("Webhook", heard.params["id"])
    return 200, {}


def _me(heard: Heard, books: Account) -> tuple[int, Body]:
    return 200, {"user": {"id": "1", "username": "admin", "email": "admin@acme.example", "links": {}}}


def _lists(heard: Heard, books: Account) -> list[Body]:
    return [{"id": number, "name": name, "stringid": name.lower()} for number, name in books.lists.items()]


def _automations(heard: Heard, books: Account) -> list[Body]:
    return [{"id": number, "name": one.name, "status": one.status} for number, one in books.automations.items()]


def _fields(heard: Heard, books: Account) -> list[Body]:
    return [{"id": n, "title": tag.title(), "perstag": tag, "type": "text"} for n, tag in books.fields.items()]


def _hooks(heard: Heard, books: Account) -> list[Body]:
    return [hook.model_dump() for hook in books.webhooks.values()]


_HANDLERS: dict[tuple[str, str], Handler] = {
    ("GET", "/users/me"): _me,
    ("GET", "/lists"): _listing("lists", _lists),
    ("GET", "/automations"): _listing("automations", _automations),
    ("GET", "/fields"): _listing("fields", _fields),
    ("GET", "/tags"): _listing("tags", _tags, frozenset({"search"})),
    ("POST", "/tags"): _make_tag,
    ("GET", "/contacts"): _listing("contacts", _search, SEARCH),
    ("GET", "/contacts/{id}"): _get_contact,
    ("GET", "/contacts/{id}/contactLists"): _listing("contactLists", _theirs(lambda books: books.on_lists)),
    ("GET", "/contacts/{id}/contactTags"): _listing("contactTags", _theirs(lambda books: books.tagged)),
    ("GET", "/contacts/{id}/contactAutomations"): _listing("contactAutomations", _theirs(lambda books: books.runs)),
    ("POST", "/contact/sync"): _sync,
    ("POST", "/contactLists"): _join_list,
    ("POST", "/contactTags"): _give_tag,
    ("POST", "/contactAutomations"): _enter,
    ("GET", "/webhooks"): _listing("webhooks", _hooks),
    ("POST", "/webhooks"): _make_hook,
    ("DELETE", "/webhooks/{id}"): _drop_hook,
}
ROUTES = [Route(method, f"/api/3{path}", _operation(handle)) for (method, path), handle in _HANDLERS.items()]


def told(model: type[Request], given: Any) -> Request:
    """A move's own request. Raises Refused."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise invalid("; ".join(f"{e['loc']}: {e['msg']}" for e in error.errors())) from error
