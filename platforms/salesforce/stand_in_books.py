"""The record that Salesforce's double keeps: objects with their fields, and the rules that hold for them.

An org as the README asks for it: the custom fields are there, references are unique, and a duplicate rule holds back a
second contact or lead of one e-mail address.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from pydantic import BaseModel, Field

from platforms.base import Body
from platforms.salesforce.records import whole_id

ORG_ID = "00D5g000004ABCDEA2"
PREFIXES = {
    "Contact": "003", "Lead": "00Q", "Opportunity": "006", "Task": "00T", "Campaign": "701", "CampaignMember": "00v",
    "Account": "001", "User": "005", "Referral__c": "a01", "Organization": "00D",
}  # fmt: skip
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class Refused(Exception):
    """An error in Salesforce's form."""

    def __init__(self, code: str, message: str, fields: Sequence[str] = (), status: int = 400, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = [{**more, "message": message, "errorCode": code, "fields": list(fields)}]


@dataclass(frozen=True)
class F:
    """A field. `of`: what its values are; `to`: the objects that a lookup leads to."""

    of: str = "text"
    size: int = 255
    required: bool = False
    written: bool = True
    unique: bool = False
    options: tuple[str, ...] = ()
    to: tuple[str, ...] = ()


_COMMON = {
    "Id": F("id", written=False),
    "CreatedDate": F("datetime", written=False),
    "SystemModstamp": F("datetime", written=False),
}
_OWNED = {"OwnerId": F("lookup", to=("User",))}
_REF = {"Ovation_Ref__c": F(size=64, unique=True)}
_STAGE = {"Ovation_Stage__c": F(size=20)}
_NOTES = {"Ovation_Notes__c": F(size=32_768)}
_BY = {"Referred_By__c": F("lookup", to=("Contact",))}
_PERSON = {
    "FirstName": F(size=40), "LastName": F(size=80, required=True), "Email": F("email", 80), "Phone": F(size=40),
    "HasOptedOutOfEmail": F("boolean"), "DoNotCall": F("boolean"),
}  # fmt: skip
_ADDRESS = {f"Mailing{part}": F() for part in ("Street", "City", "State", "PostalCode", "Country")}
LEAD_STATUSES = ("Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted")
DEAL_STAGES = ("Prospecting", "Qualification", "Negotiation/Review", "Closed Won", "Closed Lost")
ROW_STATUSES = ("Submitted", "Accepted", "Qualified", "Won", "Lost", "Disqualified")

FIELDS: dict[str, dict[str, F]] = {
    "Contact": {
        **_COMMON, **_OWNED, **_REF, **_PERSON, **_ADDRESS, "MobilePhone": F(size=40),
        "AccountId": F("lookup", to=("Account",)), "Referral_Given__c": F("boolean"),
        "Referral_Given_At__c": F("datetime"), "Ovation_Revenue__c": F("number"), "Ovation_Revenue_EUR__c": F("number"),
    },
    "Lead": {
        **_COMMON, **_OWNED, **_REF, **_STAGE, **_NOTES, **_BY, **_PERSON, "Company": F(required=True),
        "LeadSource": F(), "Status": F("picklist", options=LEAD_STATUSES), "IsConverted": F("boolean", written=False),
        "ConvertedContactId": F("lookup", to=("Contact",), written=False),
        "ConvertedOpportunityId": F("lookup", to=("Opportunity",), written=False),
    },
    "Opportunity": {
        **_COMMON, **_OWNED, **_REF, **_STAGE, **_BY, "Name": F(size=120, required=True),
        "StageName": F("picklist", required=True, options=DEAL_STAGES), "CloseDate": F("date", required=True),
        "Amount": F("number"), "IsClosed": F("boolean", written=False), "IsWon": F("boolean", written=False),
        "Ovation_Revenue__c": F("number"), "Ovation_Revenue_EUR__c": F("number"),
    },
    "Task": {
        **_COMMON, **_OWNED, "Subject": F(), "Description": F(size=32_000),
        "WhoId": F("lookup", to=("Contact", "Lead")), "ActivityDate": F("date"),
        "Status": F("picklist", options=("Not Started", "In Progress", "Completed")),
        "Priority": F("picklist", options=("High", "Normal", "Low")), "IsClosed": F("boolean", written=False),
        "TaskSubtype": F("picklist", options=("Task", "Call", "Email")), "Ovation_Key__c": F(),
    },
    "Campaign": {**_COMMON, **_OWNED, **_REF, "Name": F(size=80, required=True), "IsActive": F("boolean")},
    "CampaignMember": {
        **_COMMON, "CampaignId": F("lookup", to=("Campaign",), required=True),
        "ContactId": F("lookup", to=("Contact",), required=True), "Status": F(size=40),
    },
    "Account": {**_COMMON, **_OWNED, "Name": F(required=True)},
    "User": {**_COMMON, "Email": F("email"), "IsActive": F("boolean"), "UserType": F()},
    "Organization": {**_COMMON, "Name": F(), "IsSandbox": F("boolean")},
    "Referral__c": {
        **_COMMON, **_OWNED, **_REF, **_STAGE, **_NOTES, "Name": F(size=80), "Submitted_At__c": F("datetime"),
        "Status__c": F("picklist", options=ROW_STATUSES), "Revenue__c": F("number"), "Link__c": F(),
        "Advocate__c": F("lookup", to=("Contact",)), "Referred_Contact__c": F("lookup", to=("Contact",)),
        "Referred_Lead__c": F("lookup", to=("Lead",)), "Opportunity__c": F("lookup", to=("Opportunity",)),
    },
}  # fmt: skip
RELATIONS = {"Owner": "OwnerId", "Account": "AccountId", "ConvertedOpportunity": "ConvertedOpportunityId"}


def _no_records() -> dict[str, dict[str, Body]]:
    return {kind: {} for kind in FIELDS}


class Org(BaseModel):
    """The books: object → id → record. `thrown_away` are ids in the recycle bin; `session` counts sign-ins that were
    ended by force; `calls_left` is what is left of the day's."""

    records: dict[str, dict[str, Body]] = Field(default_factory=_no_records)
    thrown_away: list[str] = Field(default_factory=list)
    made: dict[str, int] = Field(default_factory=Counter)
    session: int = 0
    calls: int = 0
    calls_left: int = 100_000
    robot: str = ""

    def model_post_init(self, _: Any) -> None:
        if not self.robot:
            self.add("Organization", {"Name": "Acme", "IsSandbox": True})
            self.robot = self.add("User", _user("ovation@acme.example"))["Id"]
            self.add("User", _user("csm@acme.example"))

    def add(self, kind: str, values: Body) -> Body:
        """A new record, already checked."""
        self.made[kind] = self.made.get(kind, 0) + 1
        number = ORG_ID if kind == "Organization" else whole_id(f"{PREFIXES[kind]}5g00000{self.made[kind]:05d}")
        empty = {name: False if field.of == "boolean" else None for name, field in FIELDS[kind].items()}
        owner = {"OwnerId": self.robot} if "OwnerId" in FIELDS[kind] and kind != "User" else {}
        stamps = {"Id": number, "CreatedDate": now(), "SystemModstamp": now()}
        record = {**empty, **owner, **_defaults(kind), **values, **stamps}
        self.records[kind][str(number)] = record
        derive(kind, record)
        return record

    def change(self, kind: str, record: Body, values: Body) -> None:
        """Sets fields, already checked; the others stay."""
        record.update(values)
        record["SystemModstamp"] = now()
        derive(kind, record)

    def find(self, kind: str, field: str, value: Any) -> list[Body]:
        """Records with this value that are not thrown away; a text in any case."""
        wanted = value.lower() if isinstance(value, str) else value
        there = (one for one in self.records[kind].values() if one["Id"] not in self.thrown_away)
        return [one for one in there if (one[field].lower() if isinstance(one[field], str) else one[field]) == wanted]

    def value(self, record: Body, field: str) -> Any:
        """A field's value, also of a related record."""
        relation, dot, name = field.partition(".")
        if not dot:
            return record[field]
        number = record.get(RELATIONS[relation])
        other = next((book[number] for book in self.records.values() if number in book), None)
        return None if other is None else other[name]

    def check(self, kind: str, values: Body, record: Body | None = None) -> None:
        """Raises Refused for values that Salesforce would not take."""
        for name, value in values.items():
            self._check_one(kind, name, value)
        lacking = [n for n, f in FIELDS[kind].items() if f.required and not {**(record or {}), **values}.get(n)]
        if lacking and kind != "User":
            raise Refused("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(lacking)}]", lacking)
        if kind == "Lead" and record is not None and record["IsConverted"]:
            raise Refused("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
        for name in (n for n, f in FIELDS[kind].items() if f.unique and values.get(n)):
            for other in self.find(kind, name, values[name]):
                if record is None or other["Id"] != record["Id"]:
                    words = f"duplicate value found: {name} duplicates value on record with id: {other['Id']}"
                    raise Refused("DUPLICATE_VALUE", words, [])

    def _check_one(self, kind: str, name: str, value: Any) -> None:
        field = FIELDS[kind].get(name)
        if field is None:
            raise Refused("INVALID_FIELD", f"No such column '{name}' on sobject of type {kind}")
        if not field.written:
            words = f"Unable to create/update fields: {name}. Please check the security settings of this field"
            raise Refused("INVALID_FIELD_FOR_INSERT_UPDATE", words, [name])
        if value is None:
            return
        if not _reads(field.of, value):
            words = f"Cannot deserialize instance of {field.of} from value {value} or request may be missing a required"
            raise Refused("JSON_PARSER_ERROR", f"{words} field at [line:1, column:1]")
        if isinstance(value, str) and len(value) > field.size:
            words = f"{name}: data value too large: {value[:20]} (max length={field.size})"
            raise Refused("STRING_TOO_LONG", words, [name])
        if field.options and value not in field.options:
            words = f"{name}: bad value for restricted picklist field: {value}"
            raise Refused("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", words, [name])
        if field.to and not any(value in self.records[one] for one in field.to):
            raise Refused("INVALID_CROSS_REFERENCE_KEY", f"invalid cross reference id: {name}", [name])


def derive(kind: str, record: Body) -> None:
    """Fields that Salesforce fills itself."""
    if kind == "Opportunity":
        record["IsClosed"] = str(record["StageName"]).startswith("Closed")
        record["IsWon"] = record["StageName"] == "Closed Won"
    if kind == "Task":
        record["IsClosed"] = record["Status"] == "Completed"


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def _user(email: str) -> Body:
    return {"Email": email, "IsActive": True, "UserType": "Standard"}


def _defaults(kind: str) -> Body:
    first: dict[str, Body] = {
        "Lead": {"Status": LEAD_STATUSES[0]},
        "Task": {"Status": "Not Started", "Priority": "Normal", "TaskSubtype": "Task"},
    }
    return first.get(kind, {})


def _reads(of: str, value: Any) -> bool:
    """Whether a JSON value is one of a field of this kind."""
    match of:
        case "boolean":
            return isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "email":
            return isinstance(value, str) and _EMAIL.fullmatch(value) is not None
        case "date":
            return isinstance(value, str) and _iso(date, value)
        case "datetime":
            return isinstance(value, str) and "T" in value and _iso(datetime, value)
        case _:
            return isinstance(value, str)


def _iso(kind: type[date], value: str) -> bool:
    try:
        kind.fromisoformat(value)
    except ValueError:
        return False
    return True
