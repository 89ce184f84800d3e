"""The books of ActiveCampaign's double: contacts, what they may be put into, and what they are in.

Ids and numbers are text, as in the vendor's answers; times carry the account's own offset.
"""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from pydantic import BaseModel, Field

from platforms.base import Body
from platforms.stand_in import Answer

ZONE = timezone(timedelta(hours=-5))


class Refused(Exception):
    """An error in one of the vendor's forms."""

    def __init__(self, status: int, body: Body) -> None:
        super().__init__(status)
        self.answer = Answer(status, json=body)


def unknown(kind: str, number: str) -> Refused:
    return Refused(404, {"message": f"No Result found for {kind} with id {number}"})


def invalid(title: str, code: str = "") -> Refused:
    return Refused(422, {"errors": [{"title": title, "detail": "", "code": code, "source": {"pointer": "/data"}}]})


class Contact(BaseModel):
    id: str
    email: str
    first_name: str = ""
    last_name: str = ""
    cdate: str
    udate: str
    fields: dict[str, str] = Field(default_factory=dict)

    def shown(self) -> Body:
        names = {"firstName": self.first_name, "lastName": self.last_name, "phone": ""}
        times = {"cdate": self.cdate, "udate": self.udate}
        return {"id": self.id, "email": self.email, **names, **times, "hash": f"h{self.id}", "links": {}}


class OnList(BaseModel):
    """`status`: 0 unconfirmed, 1 active, 2 unsubscribed, 3 bounced."""

    id: str
    contact: str
    list: str
    status: str
    sdate: str | None = None
    udate: str | None = None


class Tagged(BaseModel):
    id: str
    contact: str
    tag: str
    cdate: str


class Run(BaseModel):
    """A contact's way through an automation, `seriesid`; `status` 1 running, 2 done."""

    id: str
    contact: str
    seriesid: str
    status: str = "1"
    adddate: str
    remdate: str | None = None


class Automation(BaseModel):
    name: str
    status: str = "1"
    once: bool = True


class Hook(BaseModel):
    id: str
    name: str
    url: str
    events: list[str]
    sources: list[str]


class Account(BaseModel):
    """`lists`, `tags` and `fields`: id → name; a field's name is its personalization tag."""

    lists: dict[str, str] = Field(default_factory=lambda: {"1": "Customers", "2": "Referred friends"})
    tags: dict[str, str] = Field(default_factory=dict)
    automations: dict[str, Automation] = Field(
        default_factory=lambda: {
            "42": Automation(name="Referral nurture"),
            "43": Automation(name="Old nurture", status="2"),
            "44": Automation(name="Advocate rewards", once=False),
        }
    )
    fields: dict[str, str] = Field(default_factory=lambda: {"6": "OVATION_REF", "7": "REFLINK"})
    contacts: dict[str, Contact] = Field(default_factory=dict)
    on_lists: list[OnList] = Field(default_factory=list)
    tagged: list[Tagged] = Field(default_factory=list)
    runs: list[Run] = Field(default_factory=list)
    webhooks: dict[str, Hook] = Field(default_factory=dict)
    last_id: int = 9

    def next_id(self) -> str:
        self.last_id += 1
        return str(self.last_id)

    def by_email(self, email: str) -> Contact | None:
        return next((c for c in self.contacts.values() if c.email.lower() == email.lower()), None)

    def contact(self, number: Any) -> Contact:
        found = self.contacts.get(str(number))
        if found is None:
            raise unknown("Subscriber", str(number))
        return found

    def add(self, email: str) -> Contact:
        at = now()
        made = Contact(id=self.next_id(), email=email, cdate=at, udate=at)
        self.contacts[made.id] = made
        return made

    def put_on_list(self, contact: str, number: str, status: str) -> tuple[OnList, bool]:
        """Sets the state, whatever it was: the vendor re-subscribes without a word."""
        row = next((r for r in self.on_lists if (r.contact, r.list) == (contact, number)), None)
        new = row is None
        if row is None:
            row = OnList(id=self.next_id(), contact=contact, list=number, status=status)
            self.on_lists.append(row)
        row.status = status
        if status == "1":
            row.sdate = now()
        else:
            row.udate = now()
        self.contacts[contact].udate = now()
        return row, new

    def give_tag(self, contact: str, number: str) -> Tagged:
        """One link for a contact and a tag."""
        row = next((r for r in self.tagged if (r.contact, r.tag) == (contact, number)), None)
        if row is None:
            row = Tagged(id=self.next_id(), contact=contact, tag=number, cdate=now())
            self.tagged.append(row)
            self.contacts[contact].udate = now()
        return row

    def tag_named(self, name: str) -> str:
        found = next((number for number, tag in self.tags.items() if tag.lower() == name.lower()), None)
        if found is None:
            found = self.next_id()
            self.tags[found] = name
        return found


def now() -> str:
    return datetime.now(UTC).astimezone(ZONE).isoformat(timespec="seconds")
