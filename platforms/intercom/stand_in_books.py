"""The books of Intercom's double: contacts, messages, the conversations that come of them, and what is told of them.

Conversations exist from the first message on where the sender asked for that, else from the first answer.
"""

import json
import time
from email.utils import formatdate
from typing import Any
from uuid import uuid4

from pydantic import BaseModel, Field

from platforms.base import Body
from platforms.stand_in import Answer, Webhook

WORKSPACE = "a86dr8yl"
ADMIN, WITHOUT_SEAT = 394051, 394052
PER_WINDOW = 1667


class Refused(Exception):
    """Errors in Intercom's form: each with its code, message and field."""

    def __init__(self, status: int, *errors: Body) -> None:
        super().__init__(status)
        body = {"type": "error.list", "request_id": str(uuid4()), "errors": list(errors)}
        self.answer = Answer(status, json=body, headers=limits())


def wrong(code: str, message: str, field: str | None = None) -> Body:
    return {"code": code, "message": message, "field": field}


def limits(left: int = PER_WINDOW - 1) -> dict[str, str]:
    """Calls are counted in windows of ten seconds."""
    now = int(time.time())
    names = {"X-RateLimit-Limit": PER_WINDOW, "X-RateLimit-Remaining": left, "X-RateLimit-Reset": (now // 10 + 1) * 10}
    return {**{name: str(value) for name, value in names.items()}, "Date": formatdate(now, usegmt=True)}


class Contact(BaseModel):
    """A contact as REST shows them; `tags` and `ready`, whether they can be written to, it shows elsewhere or not."""

    id: str
    external_id: str | None = None
    role: str
    email: str
    name: str
    created_at: int
    last_seen_at: int | None = None
    unsubscribed_from_emails: bool = False
    has_hard_bounced: bool = False
    marked_email_as_spam: bool = False
    tags: list[str] = Field(default_factory=list)
    ready: bool = True

    def shown(self) -> Body:
        own = self.model_dump(exclude={"tags", "ready"})
        return {"type": "contact", "workspace_id": WORKSPACE, **own, "custom_attributes": {}}

    def author(self) -> Body:
        return {"type": self.role, "id": self.id, "name": self.name, "email": self.email}


class Message(BaseModel):
    """A message as it was taken in, and what was answered to it."""

    id: str
    conversation: str | None
    body: str
    admin: int
    contact: str
    at: int
    answers: list[str] = Field(default_factory=list)


class Workspace(BaseModel):
    """The books."""

    contacts: dict[str, Contact] = Field(default_factory=dict)
    messages: list[Message] = Field(default_factory=list)
    last_id: int = 18

    def next_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def of(self, email: str) -> Contact:
        """The contact of this address. Raises Refused for a stranger."""
        found = next((c for c in self.contacts.values() if c.email == email.lower()), None)
        if found is None:
            raise Refused(404, wrong("not_found", "nobody has this address"))
        return found

    def newest_to(self, contact: Contact) -> Message:
        """The last message to a contact, now with a conversation. Raises Refused where there is none."""
        found = next((m for m in reversed(self.messages) if m.contact == contact.id), None)
        if found is None:
            raise Refused(404, wrong("not_found", "nothing was sent to this contact"))
        found.conversation = found.conversation or self.next_conversation()
        return found

    def next_conversation(self) -> str:
        return str(215_468_000_000 + self.next_id())


def conversation(message: Message, contact: Contact) -> Body:
    """A conversation that a colleague began, as webhooks show it."""
    author = {"type": "admin", "id": str(message.admin), "name": "Grace", "email": "csm@acme.example"}
    source = {"type": "conversation", "id": message.id, "delivered_as": "admin_initiated", "author": author}
    person = {"type": "contact", "id": contact.id, "external_id": contact.external_id}
    return {
        **{"type": "conversation", "id": message.conversation, "created_at": message.at, "state": "open"},
        "source": {**source, "body": message.body},
        "contacts": {"type": "contact.list", "contacts": [person]},
        "conversation_parts": {"type": "conversation_part.list", "conversation_parts": []},
    }


def told(topic: str, item: Body) -> Webhook:
    """A notification. The version of its payload is the app's, not that of our calls."""
    now = int(time.time())
    about: dict[str, Any] = {
        "type": "notification_event",
        "app_id": WORKSPACE,
        "id": f"notif_{uuid4()}",
        "topic": topic,
    }
    sent = {"delivery_status": "pending", "delivery_attempts": 1, "delivered_at": 0, "first_sent_at": now}
    data = {"type": "notification_event_data", "item": item}
    body = {**about, **sent, "created_at": now, "links": {}, "self": None, "data": data}
    return Webhook(json.dumps(body).encode(), after=0.2)
