"""The books of Pipedrive's double: one company with its users, one pipeline, persons, deals, activities and notes.

Nothing in them is unique but numbers: the same person or deal twice is two, as at Pipedrive.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import uuid4

from pydantic import BaseModel, Field

from platforms.base import Body
from platforms.stand_in import Answer

COMPANY, ME, PIPELINE = 54235233, 7, 1
STAGES = {1: "Lead In", 2: "Contact Made", 3: "Qualified", 4: "Negotiation"}
TYPES = ("call", "meeting", "task", "deadline", "email", "lunch")
INFO = "Please check developers.pipedrive.com"


class Refused(Exception):
    """An error in Pipedrive's form."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        body = {"success": False, "error": error, "error_info": INFO, "data": None, "additional_data": None}
        self.answer = Answer(status, json=body)


class Thing(BaseModel):
    """What persons, deals and activities have in common. Times to the second, in UTC."""

    id: int
    owner_id: int = ME
    add_time: str = Field(default_factory=lambda: now())
    update_time: str = Field(default_factory=lambda: now())
    is_deleted: bool = False


class Person(Thing):
    name: str
    org_id: int | None = None
    emails: list[Body]
    phones: list[Body]
    visible_to: int = 3
    label_ids: list[int] = Field(default_factory=list)
    custom_fields: Body = Field(default_factory=dict)
    marketing_status: str = "no_consent"

    def has(self, email: str) -> bool:
        return any(str(one["value"]).lower() == email.lower() for one in self.emails)


class Deal(Thing):
    title: str
    person_id: int | None = None
    org_id: int | None = None
    pipeline_id: int = PIPELINE
    stage_id: int = 1
    value: int | float = 0
    currency: str = "EUR"
    status: str = "open"
    is_archived: bool = False
    lost_reason: str | None = None
    won_time: str | None = None
    lost_time: str | None = None
    close_time: str | None = None
    stage_change_time: str = Field(default_factory=lambda: now())
    expected_close_date: str | None = None
    label_ids: list[int] = Field(default_factory=list)
    custom_fields: Body = Field(default_factory=dict)


class Activity(Thing):
    subject: str
    type: str
    deal_id: int | None = None
    person_id: int | None = None
    due_date: str | None = None
    due_time: str | None = None
    busy: bool = False
    done: bool = False
    participants: list[Body]
    note: str | None = None


class Note(BaseModel):
    id: int
    content: str
    deal_id: int | None = None
    person_id: int | None = None
    user_id: int = ME
    add_time: str = Field(default_factory=lambda: now().replace("T", " ").removesuffix("Z"))
    update_time: str = Field(default_factory=lambda: now().replace("T", " ").removesuffix("Z"))
    active_flag: bool = True


class Hook(BaseModel):
    id: int
    subscription_url: str
    event_action: str
    event_object: str
    name: str
    version: str
    http_auth_user: str | None
    http_auth_password: str | None
    is_active: int = 1

    def wants(self, action: str, entity: str) -> bool:
        told = self.event_action in (action, "*") and self.event_object in (entity, "*")
        return bool(self.is_active) and told

    def shown(self) -> Body:
        more = {"company_id": COMPANY, "owner_id": ME, "user_id": ME, "admin_id": ME, "type": "general"}
        return {**self.model_dump(), **more, "remove_time": None, "remove_reason": None, "last_http_status": None}


class Company(BaseModel):
    """`users`: e-mail address → number. `index_lags`: what is made now is not found by search; `not_indexed` are
    those that were."""

    users: dict[str, int] = Field(default_factory=lambda: {"owner@acme.example": 8, "csm@acme.example": 9})
    persons: dict[int, Person] = Field(default_factory=dict)
    deals: dict[int, Deal] = Field(default_factory=dict)
    activities: dict[int, Activity] = Field(default_factory=dict)
    notes: dict[int, Note] = Field(default_factory=dict)
    hooks: dict[int, Hook] = Field(default_factory=dict)
    index_lags: bool = False
    not_indexed: set[int] = Field(default_factory=set)
    last_id: int = 30

    def next_id(self) -> int:
        self.last_id += 1
        if self.index_lags:
            self.not_indexed.add(self.last_id)
        return self.last_id

    def known_owner(self, number: int | None) -> int:
        if number is not None and number not in (ME, *self.users.values()):
            raise Refused(400, f"Validation failed: owner_id: User {number} not found")
        return number or ME

    def known_person(self, number: int | None) -> int | None:
        if number is not None and (number not in self.persons or self.persons[number].is_deleted):
            raise Refused(400, f"Validation failed: person_id: Person {number} not found")
        return number

    def deal_of(self, referral: str) -> Deal | None:
        return next((deal for deal in self.deals.values() if referral in deal.custom_fields.values()), None)


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def known_number(text: str) -> int:
    """A number in a path or a query. Raises Refused."""
    if not text.isascii() or not text.isdigit():
        raise Refused(400, f"Validation failed: {text} is not a number")
    return int(text)


def change_event(entity: str, thing: Body, previous: Body, source: str, hook: int) -> Body:
    """A change as a webhook of version 2 tells it: ids as text, and each custom field with its type around it."""
    fields = {code: {"type": "varchar", "value": value} for code, value in thing.get("custom_fields", {}).items()}
    data = {**thing, **({"custom_fields": fields} if "custom_fields" in thing else {})}
    stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    about = {"action": "change", "entity": entity, "entity_id": str(thing["id"]), "version": "2.0"}
    who = {"company_id": str(COMPANY), "user_id": str(ME), "webhook_id": str(hook), "webhook_owner_id": str(ME)}
    how = {"change_source": source, "is_bulk_edit": False, "type": "general", "attempt": 1}
    ids = {"id": str(uuid4()), "correlation_id": str(uuid4()), "timestamp": stamp, "host": "acme.pipedrive.com"}
    return {"meta": {**about, **who, **how, **ids, "permitted_user_ids": [str(ME)]}, "data": data, "previous": previous}


Listed = TypeVar("Listed", bound=Thing)


def page(
    things: Sequence[Listed], query: Mapping[str, str], shown: Callable[[Listed], Body], sorts: Sequence[str]
) -> Answer:
    """A page of a list of version 2. Raises Refused for a query that Pipedrive would refuse."""
    since, by, direction = (
        query.get("updated_since", ""),
        query.get("sort_by", "id"),
        query.get("sort_direction", "asc"),
    )
    if by not in sorts or direction not in ("asc", "desc"):
        raise Refused(400, "Validation failed: sort_by: must be one of " + ", ".join(sorts))
    if since and not _is_instant(since):
        raise Refused(400, "Validation failed: updated_since: invalid date format")
    chosen = [thing for thing in things if thing.update_time >= since]
    chosen.sort(key=lambda thing: (getattr(thing, by), thing.id), reverse=direction == "desc")
    begin, limit = _begin(query.get("cursor")), _limit(query.get("limit", "100"))
    cursor = base64.urlsafe_b64encode(str(begin + limit).encode()).decode() if begin + limit < len(chosen) else None
    body: dict[str, Any] = {"success": True, "data": [shown(thing) for thing in chosen[begin : begin + limit]]}
    return Answer(json={**body, "additional_data": {"next_cursor": cursor}})


def _is_instant(text: str) -> bool:
    """Without milliseconds: Pipedrive refuses those."""
    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007 (only the form is looked at)
    except ValueError:
        return False
    return True


def _begin(cursor: str | None) -> int:
    try:
        return int(base64.urlsafe_b64decode(cursor).decode()) if cursor else 0
    except ValueError as error:
        raise Refused(400, "Validation failed: cursor: invalid cursor") from error


def _limit(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 500:
        raise Refused(400, "Validation failed: limit: must be between 1 and 500")
    return int(text)
