"""The records of Pipedrive's double: persons, deals and activities, by version 2 of the API.

Search finds what the index knows; lists find everything. What is changed is told to the webhooks that asked for it,
also when it was us who changed it.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from platforms.base import Body
from platforms.pipedrive.stand_in_account import OPERATIONS
from platforms.pipedrive.stand_in_books import (
    PIPELINE,
    STAGES,
    TYPES,
    Activity,
    Company,
    Deal,
    Person,
    Refused,
    Thing,
    change_event,
    known_number,
    now,
    page,
)
from platforms.pipedrive.stand_in_requests import (
    ActivityBody,
    DealBody,
    DealChange,
    PersonBody,
    read,
)
from platforms.stand_in import Answer, Heard, Route, Webhook

V2_SORTS = ("id", "update_time", "add_time")


def operation(handle: Callable[[Any, Company], Answer]) -> Callable[[Any, Company], Answer]:
    """Answers, or refuses in Pipedrive's form."""

    def answer(asked: Any, books: Company) -> Answer:
        try:
            return handle(asked, books)
        except Refused as refused:
            return refused.answer

    return answer


def told(entity: str, thing: Thing, previous: Body, books: Company, source: str = "app") -> list[Webhook]:
    """A webhook for each registration that wants this change; none for a change that changed nothing."""
    hooks = [hook for hook in books.hooks.values() if hook.wants("change", entity)] if previous else []
    shown = thing.model_dump()
    return [
        Webhook(json.dumps(change_event(entity, shown, previous, source, hook.id)).encode(), url=hook.subscription_url)
        for hook in hooks
    ]


def change(thing: Thing, values: Mapping[str, Any]) -> Body:
    """Sets the values; gives what was there before of those that are others now."""
    previous = {name: getattr(thing, name) for name, value in values.items() if getattr(thing, name) != value}
    for name in previous:
        setattr(thing, name, values[name])
    if previous:
        thing.update_time = now()
    return previous


def closing(deal: Deal, status: str, reason: str | None = None) -> Body:
    """What a new status sets beside itself."""
    if status == deal.status:
        return {}
    at = now() if status in ("won", "lost") else None
    times = {"won_time": at if status == "won" else None, "lost_time": at if status == "lost" else None}
    return {"status": status, "close_time": at, "lost_reason": reason if status == "lost" else None, **times}


def _one(thing: Thing) -> Answer:
    return Answer(json={"success": True, "data": thing.model_dump()})


def _search_persons(heard: Heard, books: Company) -> Answer:
    term = heard.query.get("term", "")
    if not term or heard.query.get("fields") != "email" or heard.query.get("exact_match") != "true":
        raise Refused(400, "Validation failed: term: is required")
    found = [p for p in books.persons.values() if p.has(term) and not p.is_deleted and p.id not in books.not_indexed]
    items = [
        {"id": one.id, "type": "person", "name": one.name, "emails": [e["value"] for e in one.emails]} for one in found
    ]
    body = {"items": [{"result_score": 0.5, "item": item} for item in items]}
    return Answer(json={"success": True, "data": body, "additional_data": {"next_cursor": None}})


def _search_field(heard: Heard, books: Company) -> Answer:
    code, term = heard.query.get("field", ""), heard.query.get("term", "")
    if heard.query.get("entity_type") != "deal" or not code or not term:
        raise Refused(400, "Validation failed: entity_type, field and term are required")
    found = [d for d in books.deals.values() if d.custom_fields.get(code) == term and d.id not in books.not_indexed]
    shown = [{"id": deal.id, code: term} for deal in found if not deal.is_deleted]
    return Answer(json={"success": True, "data": shown, "additional_data": {"next_cursor": None}})


def _list_persons(heard: Heard, books: Company) -> Answer:
    there = [person for person in books.persons.values() if not person.is_deleted]
    return page(there, heard.query, lambda person: person.model_dump(exclude={"marketing_status"}), V2_SORTS)


def _get_person(heard: Heard, books: Company) -> Answer:
    person = books.persons.get(known_number(heard.params["id"]))
    if person is None:
        raise Refused(404, "Person not found")
    return _one(person)


def _add_person(heard: Heard, books: Company) -> Answer:
    asked = read(PersonBody, heard.json)
    asked.owner_id = books.known_owner(asked.owner_id)
    person = Person(id=books.next_id(), **asked.model_dump(exclude_none=True))
    books.persons[person.id] = person
    return _one(person)


def _list_deals(heard: Heard, books: Company) -> Answer:
    """Archived deals are left out, deleted ones too unless asked for."""
    query = heard.query
    statuses = query.get("status", "open,won,lost").split(",")
    there = [
        deal
        for deal in books.deals.values()
        if not deal.is_archived
        and ("deleted" if deal.is_deleted else deal.status) in statuses
        and query.get("person_id", str(deal.person_id)) == str(deal.person_id)
    ]
    return page(there, query, lambda deal: _deal(deal, query), V2_SORTS)


def _deal(deal: Deal, query: Mapping[str, str]) -> Body:
    codes = query.get("custom_fields", "").split(",") if "custom_fields" in query else list(deal.custom_fields)
    if len(codes) > 15:
        raise Refused(400, "Validation failed: custom_fields: a maximum of 15 keys is allowed")
    return {**deal.model_dump(), "custom_fields": {code: deal.custom_fields.get(code) for code in codes}}


def _known_deal(heard: Heard, books: Company) -> Deal:
    deal = books.deals.get(known_number(heard.params["id"]))
    if deal is None:
        raise Refused(404, "Deal not found")
    return deal


def _get_deal(heard: Heard, books: Company) -> Answer:
    return Answer(json={"success": True, "data": _deal(_known_deal(heard, books), heard.query)})


def _add_deal(heard: Heard, books: Company) -> Answer:
    asked = read(DealBody, heard.json)
    values = _checked(asked, PIPELINE, heard, books)
    status = values.pop("status", "open")
    deal = Deal(id=books.next_id(), **values)
    change(deal, closing(deal, status, asked.lost_reason))
    books.deals[deal.id] = deal
    return _one(deal)


def _change_deal(heard: Heard, books: Company) -> Answer:
    deal, asked = _known_deal(heard, books), read(DealChange, heard.json)
    values = _checked(asked, deal.pipeline_id, heard, books)
    values |= closing(deal, values.pop("status", deal.status), asked.lost_reason)
    values["custom_fields"] = {**deal.custom_fields, **asked.custom_fields}
    previous = change(deal, values)
    webhooks = told("deal", deal, previous, books, source="api")
    return Answer(json={"success": True, "data": deal.model_dump()}, webhooks=webhooks)


def _checked(asked: DealChange, pipeline: int, heard: Heard, books: Company) -> Body:
    own = (heard.settings.referral_field, heard.settings.stage_field)
    if unknown := set(asked.custom_fields) - set(own):
        raise Refused(400, f"Validation failed: custom_fields: unknown field {sorted(unknown)[0]}")
    if (asked.pipeline_id or pipeline) != PIPELINE or (asked.stage_id is not None and asked.stage_id not in STAGES):
        raise Refused(400, "Validation failed: stage_id: the stage does not belong to the pipeline")
    if asked.lost_reason is not None and asked.status != "lost":
        raise Refused(400, "Validation failed: lost_reason: can only be set if deal status is lost")
    books.known_person(asked.person_id)
    if asked.owner_id is not None:
        books.known_owner(asked.owner_id)
    return asked.model_dump(exclude_unset=True, exclude_none=True)


def _list_activities(heard: Heard, books: Company) -> Answer:
    query = heard.query
    there = [
        one
        for one in books.activities.values()
        if query.get("person_id", str(one.person_id)) == str(one.person_id)
        and query.get("done", str(one.done).lower()) == str(one.done).lower()
    ]
    return page(there, query, lambda one: one.model_dump(), (*V2_SORTS, "due_date"))


def _add_activity(heard: Heard, books: Company) -> Answer:
    asked = read(ActivityBody, heard.json)
    if asked.type not in TYPES:
        raise Refused(400, f"Validation failed: type: unknown activity type {asked.type}")
    asked.owner_id = books.known_owner(asked.owner_id)
    for participant in asked.participants:
        books.known_person(participant.person_id)
    primary = next((one.person_id for one in asked.participants if one.primary), None)
    given = asked.model_dump(exclude_none=True, include=set(Activity.model_fields))
    activity = Activity(id=books.next_id(), person_id=primary, **given)
    books.activities[activity.id] = activity
    return _one(activity)


_RECORDS: list[tuple[str, str, Callable[[Heard, Company], Answer]]] = [
    ("GET", "/api/v2/persons/search", _search_persons),
    ("GET", "/api/v2/itemSearch/field", _search_field),
    ("GET", "/api/v2/persons", _list_persons),
    ("GET", "/api/v2/persons/{id}", _get_person),
    ("POST", "/api/v2/persons", _add_person),
    ("GET", "/api/v2/deals", _list_deals),
    ("GET", "/api/v2/deals/{id}", _get_deal),
    ("POST", "/api/v2/deals", _add_deal),
    ("PATCH", "/api/v2/deals/{id}", _change_deal),
    ("GET", "/api/v2/activities", _list_activities),
    ("POST", "/api/v2/activities", _add_activity),
]
ROUTES = [Route(method, path, operation(handle)) for method, path, handle in (*OPERATIONS, *_RECORDS)]
