"""The books of Mailchimp's double: one audience, its members, what they are tagged with and were told of.

`last_changed` is a time to the second, as the vendor keeps it.
"""

import hashlib
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from pydantic import BaseModel, Field

from platforms.base import Body
from platforms.stand_in import Answer

LIST_ID = "a6b5da1054"


class Refused(Exception):
    """An error in the vendor's form (RFC 7807). `field` names what is wrong with a resource."""

    def __init__(self, status: int, title: str, detail: str, field: str | None = None) -> None:
        super().__init__(title)
        document = {"type": "https://mailchimp.com/developer/marketing/docs/errors/", "title": title}
        body: Body = {**document, "status": status, "detail": detail, "instance": str(uuid4())}
        if field is not None:
            body["errors"] = [{"field": field, "message": detail}]
        self.answer = Answer(status, json=body, media_type="application/problem+json")


def missing() -> Refused:
    return Refused(404, "Resource Not Found", "The requested resource could not be found.")


class Occurrence(BaseModel):
    """An event of a member's."""

    name: str
    properties: dict[str, str] = Field(default_factory=dict)
    occurred_at: str


class Member(BaseModel):
    email: str
    contact_id: str
    status: str
    merge_fields: dict[str, str | float] = Field(default_factory=dict)
    tags: list[str] = Field(default_factory=list)
    events: list[Occurrence] = Field(default_factory=list)
    last_changed: str

    @property
    def hash(self) -> str:
        return hashed(self.email)

    def shown(self) -> Body:
        """As the vendor shows it, as far as we look."""
        ids = {"id": self.hash, "contact_id": self.contact_id, "unique_email_id": self.contact_id[:10]}
        tags = [{"id": number, "name": name} for number, name in enumerate(self.tags, 1)]
        state = {"email_address": self.email, "status": self.status, "list_id": LIST_ID}
        return {**ids, **state, "merge_fields": self.merge_fields, "tags": tags, "last_changed": self.last_changed}


class Hook(BaseModel):
    id: str
    url: str
    events: dict[str, bool]
    sources: dict[str, bool]

    def shown(self) -> Body:
        return {**self.model_dump(), "list_id": LIST_ID}


class Audience(BaseModel):
    """`forgotten`: hashes of members who had themselves erased. `journeys`: steps that may be started, as
    journey/step → addresses that went through, once each."""

    name: str = "Acme friends"
    double_optin: bool = False
    merge_tags: list[str] = Field(default_factory=lambda: ["FNAME", "LNAME", "REFLINK"])
    members: dict[str, Member] = Field(default_factory=dict)
    forgotten: list[str] = Field(default_factory=list)
    webhooks: dict[str, Hook] = Field(default_factory=dict)
    journeys: dict[str, list[str]] = Field(default_factory=lambda: {"1201/7734": list[str]()})
    made: int = 0

    def next_id(self) -> str:
        self.made += 1
        return hashlib.sha256(str(self.made).encode()).hexdigest()

    def member(self, name: str) -> Member | None:
        """By hash, by contact id, or by the address itself."""
        found = self.members.get(name) or self.members.get(hashed(name))
        return found or next((m for m in self.members.values() if m.contact_id == name), None)

    def add(self, email: str, status: str) -> Member:
        """Raises Refused for somebody who had themselves erased."""
        if hashed(email) in self.forgotten:
            words = f"{email} was permanently deleted and cannot be re-imported."
            raise Refused(400, "Forgotten Email Not Subscribed", words)
        made = Member(email=email, contact_id=self.next_id()[:32], status=status, last_changed=now())
        self.members[made.hash] = made
        return made


def hashed(email: str) -> str:
    return hashlib.md5(email.strip().lower().encode(), usedforsecurity=False).hexdigest()


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def trimmed(body: Any, fields: str | None) -> Any:
    """Only the named fields, as paths with dots; all of them where none is named."""
    if not fields:
        return body
    kept: Body = {}
    for path in fields.split(","):
        name, _, rest = path.partition(".")
        if name not in body:
            continue
        if not rest:
            kept[name] = body[name]
        elif isinstance(body[name], list):
            rows = kept.setdefault(name, [{} for _ in body[name]])
            for row, whole in zip(rows, body[name], strict=True):
                row.update(trimmed(whole, rest))
        else:
            kept.setdefault(name, {}).update(trimmed(body[name], rest))
    return kept
