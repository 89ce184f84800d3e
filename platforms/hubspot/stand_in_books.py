"""The books of HubSpot's double: a portal with contacts, owners, lists, tasks, notes and deals.

Values are checked as HubSpot checks them: a property must exist, a choice must be one of its options, an owner one of
the portal's. E-mail addresses are unique among contacts, our ids of referrals among deals.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from pydantic import BaseModel, Field

from platforms.base import Body
from platforms.stand_in import Answer

Options = Mapping[str, frozenset[str] | None]
"""Property → the values it takes, None where any text will do."""

_TRUTH = frozenset({"true", "false", ""})
REVENUES = frozenset({"ovation_referral_revenue", "ovation_referral_revenue_eur", "ovation_referral_revenue_gbp"})
NUMBERS = REVENUES | {"amount"}
READ_ONLY = frozenset({"hs_email_optout", "hs_is_closed", "hs_is_closed_won"})
CONTACTS: Options = {
    **dict.fromkeys(("email", "firstname", "lastname", "company", "phone", "mobilephone", "jobtitle", "website")),
    **dict.fromkeys(("address", "city", "state", "zip", "country", "hs_country_region_code", "hs_timezone")),
    **dict.fromkeys(("hubspot_owner_id", "lifecyclestage", "hs_lead_status", *REVENUES)),
    **dict.fromkeys(("referral_given", "hs_email_optout"), _TRUTH),
}
TASKS: Options = {
    **dict.fromkeys(("hs_timestamp", "hs_task_subject", "hs_task_body", "hubspot_owner_id", "hs_task_reminders")),
    "hs_task_status": frozenset({"NOT_STARTED", "IN_PROGRESS", "WAITING", "DEFERRED", "COMPLETED"}),
    "hs_task_priority": frozenset({"LOW", "MEDIUM", "HIGH", "NONE"}),
    "hs_task_type": frozenset({"EMAIL", "CALL", "TODO"}),
}
NOTES: Options = dict.fromkeys(("hs_timestamp", "hs_note_body", "hubspot_owner_id", "hs_attachment_ids"))
STAGES = {
    "appointmentscheduled": "0.2",
    "qualifiedtobuy": "0.4",
    "presentationscheduled": "0.6",
    "contractsent": "0.9",
    "closedwon": "1.0",
    "closedlost": "0.0",
}
"""The stages of the pipeline that every portal begins with, in their order, each with its probability."""
DEALS: Options = {
    **dict.fromkeys(("dealname", "amount", "closedate", "hubspot_owner_id", "description", "hs_lastmodifieddate")),
    **dict.fromkeys(("ovation_referral", "ovation_stage", "ovation_referred_by")),
    **dict.fromkeys(READ_ONLY - {"hs_email_optout"}),
    "deal_currency_code": frozenset({"USD", "EUR"}),
    "pipeline": frozenset({"default"}),
    "dealstage": frozenset(STAGES),
}
_NUMBER = re.compile(r"^-?\d+(\.\d+)?$")


class Refused(Exception):
    """An error in HubSpot's form."""

    def __init__(self, status: int, message: str, category: str | None = None, **more: object) -> None:
        super().__init__(message)
        body: Body = {"status": "error", "message": message, "correlationId": str(uuid4())}
        self.answer = Answer(status, json={**body, **({"category": category} if category else {}), **more})


class Record(BaseModel):
    """A contact, task, note or deal. Times are ISO 8601 in UTC."""

    id: str
    properties: dict[str, str]
    created_at: str
    updated_at: str

    def shown(self, names: list[str]) -> Body:
        """As HubSpot shows it: the named properties, null where they are unset."""
        own = {"hs_object_id": self.id, "createdate": self.created_at, "lastmodifieddate": self.updated_at}
        values = {**dict.fromkeys(names), **{n: v for n, v in self.properties.items() if n in names}, **own}
        times = {"createdAt": self.created_at, "updatedAt": self.updated_at}
        return {"id": self.id, "properties": values, **times, "archived": False}


class ContactList(BaseModel):
    """`members` maps a contact's id to when they joined."""

    id: str
    name: str
    processing_type: str
    members: dict[str, str] = Field(default_factory=dict)


class Portal(BaseModel):
    """The books. `owners`: e-mail address → id; `emails`: address → contact; `*_of`: contact or deal → their records;
    `people_of`: deal → contacts."""

    owners: dict[str, str] = Field(default_factory=lambda: {"csm@acme.example": "64492917"})
    contacts: dict[str, Record] = Field(default_factory=dict)
    emails: dict[str, str] = Field(default_factory=dict)
    lists: dict[str, ContactList] = Field(default_factory=dict)
    tasks: dict[str, Record] = Field(default_factory=dict)
    notes: dict[str, Record] = Field(default_factory=dict)
    tasks_of: dict[str, list[str]] = Field(default_factory=dict)
    notes_of: dict[str, list[str]] = Field(default_factory=dict)
    deals: dict[str, Record] = Field(default_factory=dict)
    people_of: dict[str, list[str]] = Field(default_factory=dict)
    last_id: int = 546500061937
    events: int = 0

    def next_id(self) -> str:
        self.last_id += 1
        return str(self.last_id)

    def contact(self, name: str, by: str | None = None) -> Record | None:
        """By id, or by e-mail address whatever its case."""
        return self.contacts.get(self.emails.get(name.lower(), "") if by == "email" else name)

    def check(self, properties: Mapping[str, str], known: Options, *, by_api: bool = True) -> None:
        """Raises Refused for values that HubSpot would not take."""
        wrong = [w for name, value in properties.items() if (w := self._wrong(name, value, known, by_api=by_api))]
        if wrong:
            listed = json.dumps([{"isValid": False, **one} for one in wrong], separators=(",", ":"))
            raise Refused(400, f"Property values were not valid: {listed}", "VALIDATION_ERROR")

    def _wrong(self, name: str, value: str, known: Options, *, by_api: bool) -> dict[str, Any] | None:
        if name not in known:
            return {"message": f'Property "{name}" does not exist', "error": "PROPERTY_DOESNT_EXIST", "name": name}
        if by_api and name in READ_ONLY:
            return {"message": f"{name} is a read only property", "error": "READ_ONLY_VALUE", "name": name}
        options = known[name]
        if options is not None and value not in options:
            return {"message": f"{value} was not one of the allowed options", "error": "INVALID_OPTION", "name": name}
        if name == "email" and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
            return {"message": f"Email address {value} is invalid", "error": "INVALID_EMAIL", "name": name}
        if name in NUMBERS and value and not _NUMBER.match(value):
            return {"message": f"{value} was not a valid number.", "error": "INVALID_DOUBLE", "name": name}
        if name == "hubspot_owner_id" and value and value not in self.owners.values():
            return {"message": f"Owner {value} does not exist", "error": "INVALID_OWNER_ID", "name": name}
        return None

    def add(self, properties: dict[str, str]) -> Record:
        """A new contact. Raises Refused where the address is somebody's already."""
        email = properties.get("email", "").lower()
        if email and email in self.emails:
            raise Refused(409, f"Contact already exists. Existing ID: {self.emails[email]}", "CONFLICT")
        record = self.record({**properties, **({"email": email} if email else {})})
        self.contacts[record.id] = record
        if email:
            self.emails[email] = record.id
        return record

    def change(self, record: Record, properties: Mapping[str, str]) -> None:
        """Sets a contact's properties; the others stay."""
        email = properties.get("email", record.properties.get("email", "")).lower()
        if email and self.emails.get(email, record.id) != record.id:
            raise Refused(409, f"Contact already exists. Existing ID: {self.emails[email]}", "CONFLICT")
        self.emails.pop(record.properties.get("email", ""), None)
        record.properties |= {**properties, **({"email": email} if email else {})}
        record.updated_at = now()
        if email:
            self.emails[email] = record.id

    def deal(self, name: str, by: str | None = None) -> Record | None:
        """By id, or by our id of the referral."""
        if by is None:
            return self.deals.get(name)
        return next((d for d in self.deals.values() if d.properties.get("ovation_referral") == name), None)

    def set_deal(self, record: Record, properties: Mapping[str, str]) -> None:
        """Sets a deal's properties, and those that HubSpot computes. Raises Refused for another deal's referral."""
        referral = properties.get("ovation_referral")
        other = self.deal(referral, "ovation_referral") if referral else None
        if other is not None and other.id != record.id:
            words = f"Cannot set PropertyValueCoordinates. {other.id} already has that value."
            raise Refused(400, words, "VALIDATION_ERROR")
        record.properties |= properties
        probability = STAGES[record.properties["dealstage"]]
        won, over = probability == "1.0", probability in ("1.0", "0.0")
        record.updated_at = now()
        record.properties |= {
            "hs_is_closed": str(over).lower(),
            "hs_is_closed_won": str(won).lower(),
            "hs_lastmodifieddate": record.updated_at,
        }
        self.deals[record.id] = record

    def record(self, properties: dict[str, str]) -> Record:
        """A record with an id of its own, not yet in any book."""
        at = now()
        return Record(id=self.next_id(), properties=properties, created_at=at, updated_at=at)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
