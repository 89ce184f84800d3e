"""Intercom's double: contacts, one message at a time to each of them, and what they do with it.

A repeat sends twice, as Intercom does. A contact who is not ready yet is answered with 404. Unsubscribing from e-mail
keeps nobody from being written to inside the product: whoever wants that must not write.
"""

import html
import time
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import SecretStr, ValidationError

from platforms.base import Body, reveal
from platforms.intercom import IntercomSettings
from platforms.intercom.client import VERSION
from platforms.intercom.stand_in_books import (
    ADMIN,
    WITHOUT_SEAT,
    WORKSPACE,
    Contact,
    Message,
    Refused,
    Workspace,
    conversation,
    limits,
    told,
    wrong,
)
from platforms.intercom.stand_in_requests import (
    MessageBody,
    Rating,
    Replying,
    SearchBody,
    SigningUp,
    Strict,
    Tagging,
    Unsubscribing,
    explained,
)
from platforms.stand_in import Answer, Heard, Route, StandIn

VERSIONS = frozenset({"2.14", "2.15", VERSION})
Request = TypeVar("Request", bound=Strict)
Asked = TypeVar("Asked")


def _operation(handle: Callable[[Asked, Workspace], Answer]) -> Callable[[Asked, Workspace], Answer]:
    """Answers as `handle` does, or with its refusal."""

    def answer(asked: Asked, books: Workspace) -> Answer:
        try:
            return handle(asked, books)
        except Refused as refused:
            return refused.answer

    return answer


def _read(model: type[Request], given: Any) -> Request:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise Refused(400, *explained(list(error.errors(include_input=False)))) from error


def me(heard: Heard, books: Workspace) -> Answer:
    app = {"type": "app", "id_code": WORKSPACE, "name": "Acme", "region": "US", "timezone": "America/New_York"}
    return Answer(200, json={**_admin(ADMIN), "app": app}, headers=limits())


def admins(heard: Heard, books: Workspace) -> Answer:
    listed = [_admin(ADMIN), {**_admin(WITHOUT_SEAT), "has_inbox_seat": False}]
    return Answer(200, json={"type": "admin.list", "admins": listed}, headers=limits())


def _admin(number: int) -> Body:
    return {"type": "admin", "id": str(number), "name": "Grace", "email": "csm@acme.example", "has_inbox_seat": True}


def get_contact(heard: Heard, books: Workspace) -> Answer:
    contact = books.contacts.get(heard.params["id"])
    if contact is None:
        raise Refused(404, wrong("not_found", "User Not Found"))
    return Answer(200, json=contact.shown(), headers=limits())


def search(heard: Heard, books: Workspace) -> Answer:
    """By equality, which is all that we ask; the lag of Intercom's index is left out."""
    asked = _read(SearchBody, heard.json)
    met = all if asked.query.operator == "AND" else any
    wanted = [(condition.field, condition.value.lower()) for condition in asked.query.value]
    there = [c for c in books.contacts.values() if met(str(getattr(c, f)).lower() == v for f, v in wanted)]
    size = asked.pagination.per_page
    pages = {"type": "pages", "page": 1, "per_page": size, "total_pages": 1}
    found = {"type": "list", "data": [contact.shown() for contact in there[:size]], "total_count": len(there)}
    return Answer(200, json={**found, "pages": pages}, headers=limits())


def send(heard: Heard, books: Workspace) -> Answer:
    """200 and the message; with its conversation, where one was asked for."""
    asked = _read(MessageBody, heard.json)
    if asked.from_.id != ADMIN:
        raise Refused(400, wrong("parameter_invalid", "No admin with this id may send messages", "from.id"))
    contact = books.contacts.get(asked.to.id)
    if contact is None or not contact.ready or contact.role != asked.to.type:
        raise Refused(404, wrong("not_found", "User Not Found"))
    opened = books.next_conversation() if asked.create_conversation_without_contact_reply else None
    sent = {"conversation": opened, "body": asked.body, "admin": ADMIN, "contact": contact.id}
    message = Message(id=str(books.next_id()), at=int(time.time()), **sent)
    books.messages.append(message)
    body = {"type": "admin_message", "id": message.id, "created_at": message.at, "body": message.body}
    more = {"message_type": "inapp", "owner": _admin(ADMIN), **({"conversation_id": opened} if opened else {})}
    return Answer(200, json={**body, **more}, headers=limits())


def sign_up(given: Any, books: Workspace) -> Answer:
    asked = _read(SigningUp, given)
    now = int(time.time())
    own = {**asked.model_dump(), "email": asked.email.lower(), "created_at": now, "last_seen_at": now}
    contact = Contact(id=f"6762f2341bb69f9f2193{books.next_id():04x}", **own)
    books.contacts[contact.id] = contact
    return Answer(200, json=contact.shown(), webhooks=[told(f"contact.{asked.role}.created", contact.shown())])


def unsubscribe(given: Any, books: Workspace) -> Answer:
    asked = _read(Unsubscribing, given)
    contact = books.of(asked.email)
    kinds = [{"type": "subscription", "id": asked.kind, "consent_type": "opt_out"}] if asked.kind else []
    contact.unsubscribed_from_emails = contact.unsubscribed_from_emails or not kinds
    topic, name = "contact.unsubscribed", "contact_unsubscribe"
    if kinds:
        topic, name = "granular.unsubscribe", "granular_unsubscribe"
    item = {"type": name, "contact": contact.shown(), "subscription_types": {"type": "list", "data": kinds}}
    return Answer(200, json=contact.shown(), webhooks=[told(topic, item)])


def reply(given: Any, books: Workspace) -> Answer:
    asked = _read(Replying, given)
    contact = books.of(asked.email)
    message = books.newest_to(contact)
    message.answers.append(asked.text)
    item = conversation(message, contact)
    part = {"type": "conversation_part", "part_type": "comment", "author": contact.author()}
    part["body"] = f"<p>{html.escape(asked.text)}</p>"
    item["conversation_parts"]["conversation_parts"] = [part]
    return Answer(200, json=item, webhooks=[told("conversation.user.replied", item)])


def rate(given: Any, books: Workspace) -> Answer:
    asked = _read(Rating, given)
    contact = books.of(asked.email)
    item = conversation(books.newest_to(contact), contact)
    whose = {"type": "contact", "id": contact.id}
    item["conversation_rating"] = {"rating": asked.rating, "remark": asked.remark, "contact": whose}
    return Answer(200, json=item, webhooks=[told("conversation.rating.added", item)])


def tag(given: Any, books: Workspace) -> Answer:
    asked = _read(Tagging, given)
    contact = books.of(asked.email)
    contact.tags.append(asked.tag)
    item = {"type": "contact_tag", "tag": {"type": "tag", "id": "81", "name": asked.tag}, "contact": contact.shown()}
    return Answer(200, json=item, webhooks=[told(f"contact.{contact.role}.tag.created", item)])


def guard(heard: Heard) -> Answer | None:
    """The token first, then the version."""
    if heard.headers.get("authorization") != f"Bearer {reveal(heard.settings.access_token)}":
        return Refused(401, wrong("unauthorized", "Access Token Invalid")).answer
    if heard.headers.get("intercom-version", VERSION) not in VERSIONS:
        return Refused(400, wrong("intercom_version_invalid", "The requested version could not be found")).answer
    return None


def rate_limited() -> Answer:
    refused = Refused(429, wrong("rate_limit_exceeded", "Exceeded rate limit of 1667 in 10_seconds")).answer
    return Answer(429, json=refused.json, headers=limits(0))


def broken() -> Answer:
    return Refused(500, wrong("server_error", "Internal server error")).answer


def settings() -> IntercomSettings:
    return IntercomSettings(
        access_token=SecretStr("intercom-sandbox-token"),
        admin_id=ADMIN,
        client_secret=SecretStr("intercom-sandbox-client-secret"),
    )


STAND_IN = StandIn(
    name="intercom",
    books=Workspace,
    routes=[
        Route("GET", "/me", _operation(me)),
        Route("GET", "/admins", _operation(admins)),
        Route("GET", "/contacts/{id}", _operation(get_contact)),
        Route("POST", "/contacts/search", _operation(search)),
        Route("POST", "/messages", _operation(send)),
    ],
    guard=guard,
    rate_limited=rate_limited,
    broken=broken,
    settings=settings,
    moves={
        "sign_up": _operation(sign_up),
        "unsubscribe": _operation(unsubscribe),
        "reply": _operation(reply),
        "rate": _operation(rate),
        "tag": _operation(tag),
    },
)
