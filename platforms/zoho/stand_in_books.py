"""The books of Zoho's double: one organization with leads, deals, contacts, notes and notification channels.

Times carry the organization's offset, as Zoho's do; ids are numbers in text.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from pydantic import BaseModel, Field

from platforms.base import Body
from platforms.stand_in import Answer

ORG, ME = "4150868000000215001", "4150868000000225013"
OFFSET = timezone(timedelta(hours=1))
STATUSES = (
    *("Attempted to Contact", "Contact in Future", "Contacted", "Junk Lead"),
    *("Lost Lead", "Not Contacted", "Pre-Qualified", "Not Qualified"),
)
STAGES = (
    *("Qualification", "Needs Analysis", "Value Proposition", "Identify Decision Makers"),
    *("Proposal/Price Quote", "Negotiation/Review", "Closed Won", "Closed Lost", "Closed Lost to Competition"),
)
MODULES = ("Leads", "Deals", "Contacts")
LONGEST_CHANNEL = timedelta(weeks=1)


class Refused(Exception):
    """An error in Zoho's form: of one record, or of the whole call."""

    def __init__(self, code: str, message: str, *, status: int = 400, **details: Any) -> None:
        super().__init__(message)
        self.item: Body = {"code": code, "details": details, "message": message, "status": "error"}
        self.status = status

    @property
    def answer(self) -> Answer:
        return Answer(self.status, json=self.item)


class Record(BaseModel):
    """`fields` by API name. `blueprint`: the values that its transitions lead to, and whether they are complete."""

    id: str
    module: str
    fields: Body
    Created_Time: str
    Modified_Time: str
    converted: bool = False
    blueprint: dict[str, bool] | None = None

    def shown(self, names: Sequence[str]) -> Body:
        own = {"id": self.id, "Created_Time": self.Created_Time, "Modified_Time": self.Modified_Time}
        everything = {**self.fields, **own}
        return {"id": self.id, **{name: everything.get(name) for name in names}}

    def details(self) -> Body:
        by = {"Created_By": {"name": "Ovation", "id": ME}, "Modified_By": {"name": "Ovation", "id": ME}}
        return {"id": self.id, "Created_Time": self.Created_Time, "Modified_Time": self.Modified_Time, **by}


class Note(BaseModel):
    id: str
    parent: str
    Note_Title: str
    Note_Content: str


class Watch(BaseModel):
    """A notification channel as it was opened."""

    channel_id: str
    events: list[str]
    channel_expiry: str
    token: str | None
    notify_url: str
    return_affected_field_values: bool

    def wants(self, event: str) -> bool:
        return event in self.events and datetime.fromisoformat(self.channel_expiry) > datetime.now(UTC)

    def shown(self, event: str) -> Body:
        module = event.partition(".")[0]
        where = {
            "resource_name": module,
            "resource_id": ORG,
            "resource_uri": f"https://www.zohoapis.com/crm/v8/{module}",
        }
        return {"channel_id": self.channel_id, "channel_expiry": self.channel_expiry, **where}


class Organization(BaseModel):
    """`users`: e-mail address → id. `unique_email`: the company lets no two leads have one address. `index_lags`: what
    is written now is not found by search; `not_indexed` are those that were."""

    users: dict[str, str] = Field(default_factory=lambda: {"csm@acme.example": "4150868000000225014"})
    records: dict[str, Record] = Field(default_factory=dict)
    notes: dict[str, Note] = Field(default_factory=dict)
    channels: dict[str, Watch] = Field(default_factory=dict)
    unique_email: bool = False
    index_lags: bool = False
    not_indexed: set[str] = Field(default_factory=set)
    last_id: int = 4150868000003194000

    def next_id(self) -> str:
        self.last_id += 1
        return str(self.last_id)

    def add(self, module: str, fields: Body) -> Record:
        """Raises Refused where a unique field forbids it. Uniqueness ignores case, and converted leads."""
        self.check(module, fields)
        at = now()
        record = Record(id=self.next_id(), module=module, fields=fields, Created_Time=at, Modified_Time=at)
        self.records[record.id] = record
        self._touched(record)
        return record

    def change(self, record: Record, fields: Body) -> list[str]:
        """Sets the values; gives the names of those that are others now."""
        self.check(record.module, fields, but=record.id)
        changed = [name for name, value in fields.items() if record.fields.get(name) != value]
        record.fields.update(fields)
        record.Modified_Time = now()
        self._touched(record)
        return changed

    def check(self, module: str, fields: Body, but: str = "") -> None:
        values = {"Lead_Status": STATUSES, "Stage": STAGES}
        for name, allowed in values.items():
            if name in fields and fields[name] not in allowed:
                raise Refused("INVALID_DATA", "invalid data", api_name=name, expected_data_type="picklist")
        for name in ("Ovation_Ref", *(("Email",) if self.unique_email and module == "Leads" else ())):
            there = self._with(module, name, fields.get(name), but)
            if there is not None:
                record = {"id": there.id, "module": {"api_name": module, "id": ORG}}
                raise Refused("DUPLICATE_DATA", "duplicate data", api_name=name, id=there.id, duplicate_record=record)

    def of(self, module: str) -> list[Record]:
        return [record for record in self.records.values() if record.module == module]

    def known(self, module: str, number: str) -> Record:
        record = self.records.get(number)
        if record is None or record.module != module:
            raise Refused("INVALID_DATA", "the id given seems to be invalid", id=number)
        return record

    def by_referral(self, module: str, referral: str | None) -> Record:
        """Of this referral, or the newest. Raises Refused."""
        there = [r for r in self.of(module) if referral in (None, r.fields.get("Ovation_Ref"))]
        if not there:
            raise Refused("INVALID_DATA", "the id given seems to be invalid", status=404)
        return there[-1]

    def _with(self, module: str, name: str, value: object, but: str) -> Record | None:
        if not isinstance(value, str):
            return None
        same = (r for r in self.of(module) if str(r.fields.get(name)).lower() == value.lower())
        return next((r for r in same if r.id != but and not r.converted), None)

    def _touched(self, record: Record) -> None:
        if self.index_lags:
            self.not_indexed.add(record.id)


def now() -> str:
    return datetime.now(OFFSET).isoformat(timespec="seconds")
