"""The books of Zendesk's double: users, tickets with their comments, webhooks, and keys that are kept for two hours.

Times are whole seconds, as Zendesk's: two changes within one second have the same stamp.
"""

import json
import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from pydantic import BaseModel, Field

from platforms.base import Body
from platforms.stand_in import Answer, Webhook

AGENT = 8447388090495
ACCOUNT = 22129848
HOST = "https://acme.zendesk.com/api/v2"
KEPT = 7200.0
"""Seconds for which an idempotency key is known."""
RATE = {"X-Rate-Limit": "700", "X-Rate-Limit-Remaining": "699"}


class Refused(Exception):
    """An error in Zendesk's form."""

    def __init__(self, status: int, error: str, description: str | None = None, **more: Any) -> None:
        super().__init__(error)
        words = {"description": description} if description else {}
        self.answer = Answer(status, json={"error": error, **words, **more}, headers=RATE)


class User(BaseModel):
    id: int
    name: str
    email: str
    role: str

    def shown(self) -> Body:
        fixed = {"url": f"{HOST}/users/{self.id}.json", "active": True, "verified": True, "suspended": False}
        return {**self.model_dump(), **fixed}


class Comment(BaseModel):
    id: int
    author_id: int
    body: str
    public: bool
    created_at: str


class Ticket(BaseModel):
    """`change`: the account's changes so far, its place in the export; `reopens`: how often it was solved no more."""

    id: int
    requester_id: int
    created_at: str
    updated_at: str
    change: int
    fields: Body
    comments: list[Comment] = Field(default_factory=list)
    rating: Body | None = None
    reopens: int = 0

    @property
    def status(self) -> str:
        return str(self.fields["status"])

    def shown(self) -> Body:
        """As REST shows it."""
        times = {"created_at": self.created_at, "updated_at": self.updated_at}
        who = {"requester_id": self.requester_id, "submitter_id": self.requester_id, "assignee_id": None}
        place = {"id": self.id, "url": f"{HOST}/tickets/{self.id}.json", "via": {"channel": "api"}}
        first = self.comments[0].body if self.comments else ""
        said = {"description": first, "is_public": False}
        rated = {"satisfaction_rating": self.rating or {"score": "unoffered"}}
        unset = dict.fromkeys(("external_id", "priority", "type"))
        return {**place, **times, **who, **said, **rated, **unset, "subject": first[:80], **self.fields}


class Hook(BaseModel):
    id: str
    fields: Body


class Key(BaseModel):
    """A kept idempotency key: what was asked under it, and the answer that is given again."""

    at: float
    asked: str
    answer: Body


class Account(BaseModel):
    """The books."""

    users: dict[int, User] = Field(
        default_factory=lambda: {AGENT: User(id=AGENT, name="Ovation", email="agent@acme.example", role="admin")}
    )
    tickets: dict[int, Ticket] = Field(default_factory=dict)
    webhooks: dict[str, Hook] = Field(default_factory=dict)
    keys: dict[str, Key] = Field(default_factory=dict)
    changes: int = 0
    last_id: int = 35435

    def next_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def open(self, requester: int, fields: Body, comment: str, *, public: bool) -> Ticket:
        """A new ticket with its first comment."""
        self.changes += 1
        at = now()
        own = {"status": "new", "tags": [], **fields}
        ticket = Ticket(
            id=self.next_id(), requester_id=requester, created_at=at, updated_at=at, change=self.changes, fields=own
        )
        self.tickets[ticket.id] = ticket
        self.say(ticket, requester, comment, public=public)
        return ticket

    def say(self, ticket: Ticket, author: int, body: str, *, public: bool) -> None:
        said = Comment(id=self.next_id(), author_id=author, body=body, public=public, created_at=now())
        ticket.comments.append(said)

    def change(self, ticket: Ticket, fields: Body, actor: int) -> list[Webhook]:
        """Sets fields of a ticket; gives the webhooks that tell of it, whoever did it."""
        before = dict(ticket.fields)
        ticket.fields |= fields
        self.changes += 1
        ticket.change, ticket.updated_at = self.changes, now()
        done = ("solved", "closed")
        ticket.reopens += before["status"] in done and ticket.status not in (*done, "deleted")
        told = []
        if before["status"] != ticket.status and ticket.status != "deleted":
            event = {"current": ticket.status.upper(), "previous": str(before["status"]).upper()}
            told += self.tell("ticket.status_changed", ticket, event, actor)
        was, are = set(before["tags"]), set(ticket.fields["tags"])
        if was != are:
            difference: Body = {"tags_added": sorted(are - was), "tags_removed": sorted(was - are)}
            told += self.tell("ticket.tags_changed", ticket, difference, actor)
        return told

    def tell(self, kind: str, ticket: Ticket, event: Body, actor: int) -> list[Webhook]:
        """A webhook to each endpoint that is subscribed to it: ids as text, words in upper case."""
        name, shown = f"zen:event-type:{kind}", ticket.shown()
        upper = {field: str(shown[field]).upper() for field in ("status", "priority", "type") if shown.get(field)}
        detail = {
            **{field: shown[field] for field in ("subject", "tags", "external_id", "created_at", "updated_at", "via")},
            **{"id": str(ticket.id), "requester_id": str(ticket.requester_id), "actor_id": str(actor)},
            **upper,
        }
        about = {"type": name, "account_id": ACCOUNT, "id": str(uuid4()), "time": now(nanoseconds=True)}
        body = {**about, "zendesk_event_version": "2022-06-20", "subject": f"zen:ticket:{ticket.id}"}
        raw = json.dumps({**body, "event": event, "detail": detail}).encode()
        hooks = [hook.fields for hook in self.webhooks.values() if hook.fields["status"] == "active"]
        return [Webhook(raw, after=0.2, url=hook["endpoint"]) for hook in hooks if name in hook["subscriptions"]]

    def known_key(self, key: str) -> Key | None:
        kept = self.keys.get(key)
        return kept if kept is not None and time.time() - kept.at < KEPT else None

    def user_of(self, email: str, name: str) -> User:
        """The end user of this address, made if absent."""
        found = next((user for user in self.users.values() if user.email == email.lower()), None)
        if found is None:
            found = User(id=self.next_id(), name=name, email=email.lower(), role="end-user")
            self.users[found.id] = found
        return found


def now(*, nanoseconds: bool = False) -> str:
    at = datetime.now(UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S") + (f".{at.microsecond:06d}030Z" if nanoseconds else "Z")
