"""What Zendesk's double answers to each operation that we use.

An idempotency key works for two hours, a stamp that is out of date collides, a closed ticket stays closed. Unlike
Zendesk the export shows the last minute too, so that a demonstration need not wait for it.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from platforms.base import Body, reveal
from platforms.stand_in import Answer, Heard, Route
from platforms.zendesk.stand_in_books import AGENT, RATE, Account, Comment, Hook, Key, Refused, Ticket
from platforms.zendesk.stand_in_requests import (
    ChangedTicket,
    CreateBody,
    HookBody,
    HookChangeBody,
    NewTicket,
    Strict,
    UpdateBody,
    explained,
)

Request = TypeVar("Request", bound=Strict)
Asked = TypeVar("Asked")
MINUTE = 60


def operation(handle: Callable[[Asked, Account], Answer]) -> Callable[[Asked, Account], Answer]:
    """Answers as `handle` does, or with its refusal."""

    def answer(asked: Asked, books: Account) -> Answer:
        try:
            return handle(asked, books)
        except Refused as refused:
            return refused.answer

    return answer


def read(model: type[Request], given: Any) -> Request:
    if given is None:
        raise Refused(400, "InvalidJSON", "the body is not JSON")
    try:
        return model.model_validate(given)
    except ValidationError as error:
        details = explained(list(error.errors(include_input=False)))
        raise Refused(422, "RecordInvalid", "Record validation errors", details=details) from error


def me(heard: Heard, books: Account) -> Answer:
    return Answer(200, json={"user": books.users[AGENT].shown()}, headers=RATE)


def list_tickets(heard: Heard, books: Account) -> Answer:
    """Not those that were deleted."""
    wanted = heard.query.get("external_id")
    there = [t for t in books.tickets.values() if t.status != "deleted"]
    chosen = [t.shown() for t in there if wanted is None or t.fields.get("external_id") == wanted]
    return Answer(200, json={"tickets": chosen[:100], "next_page": None, "count": len(chosen)}, headers=RATE)


def create_ticket(heard: Heard, books: Account) -> Answer:
    """A key that is known gives its first answer again, or refuses another body."""
    asked = read(CreateBody, heard.json).ticket
    key, words = heard.headers.get("idempotency-key"), json.dumps(heard.json, sort_keys=True)
    if key is not None and len(key) > 255:
        raise Refused(400, "IdempotentRequestError", "Idempotency-Key is too long")
    kept = books.known_key(key) if key else None
    if kept is not None and kept.asked != words:
        raise Refused(400, "IdempotentRequestError", "Request parameters don't match the given idempotency key")
    if kept is not None:
        return Answer(201, json=kept.answer, headers={**RATE, "x-idempotency-lookup": "hit"})
    ticket = _opened(asked, books)
    answer: Body = {"ticket": ticket.shown(), "audit": _audit(ticket)}
    if key:
        books.keys[key] = Key(at=time.time(), asked=words, answer=answer)
    named = {"Location": ticket.shown()["url"], **({"x-idempotency-lookup": "miss"} if key else {})}
    told = books.tell("ticket.created", ticket, {}, AGENT)
    return Answer(201, json=answer, headers={**RATE, **named}, webhooks=told)


def _opened(asked: NewTicket, books: Account) -> Ticket:
    requester = asked.requester_id or AGENT
    if requester not in books.users:
        raise invalid("requester", "Requester: is invalid")
    fields = asked.model_dump(exclude_none=True, exclude={"comment", "requester_id"})
    if fields.get("status") == "closed":
        raise invalid("status", "Status: cannot be closed on creation")
    return books.open(requester, fields, asked.comment.body, public=asked.comment.public)


def update_ticket(heard: Heard, books: Account) -> Answer:
    """All or nothing: a comment is added with the change that it goes with, or neither is."""
    ticket = _ticket(heard, books)
    asked = read(UpdateBody, heard.json).ticket
    _may_change(asked, ticket)
    kept_out = {"comment", "safe_update", "updated_stamp", "requester_id"}
    told = books.change(ticket, asked.model_dump(exclude_none=True, exclude=kept_out), AGENT)
    if asked.comment is not None:
        books.say(ticket, AGENT, asked.comment.body, public=asked.comment.public)
    return Answer(200, json={"ticket": ticket.shown(), "audit": _audit(ticket)}, headers=RATE, webhooks=told)


def _may_change(asked: ChangedTicket, ticket: Ticket) -> None:
    if ticket.status == "closed":
        raise invalid("status", "Status: closed prevents ticket update")
    if asked.safe_update and asked.updated_stamp is None:
        raise invalid("updated_stamp", "updated_stamp: is required with safe_update")
    if asked.safe_update and asked.updated_stamp != ticket.updated_at:
        raise Refused(409, "UpdateConflict", "Safe Update prevented the update due to outdated ticket data.")
    if asked.status == "new" and ticket.status != "new":
        raise invalid("status", "Status: cannot be new again")


def comments(heard: Heard, books: Account) -> Answer:
    """By the oldest, in pages of at most a hundred."""
    ticket = _ticket(heard, books)
    begin = int(heard.query.get("page[after]", "0"))
    end = begin + min(int(heard.query.get("page[size]", "100")), 100)
    shown = [_comment(comment) for comment in ticket.comments[begin:end]]
    more = len(ticket.comments) > end
    meta = {"has_more": more, "after_cursor": str(end) if more else None, "before_cursor": None}
    return Answer(200, json={"comments": shown, "meta": meta, "links": {"next": None}}, headers=RATE)


def _comment(comment: Comment) -> Body:
    return {**comment.model_dump(), "type": "Comment", "plain_body": comment.body, "attachments": [], "metadata": {}}


def export(heard: Heard, books: Account) -> Answer:
    """Those that changed since the cursor, each once, as it is now; deleted ones too."""
    cursor, start = heard.query.get("cursor"), heard.query.get("start_time")
    if cursor is None and not (start or "").isdigit():
        raise Refused(400, "InvalidValue", "Missing start_time or cursor")
    if cursor is None and int(start or 0) > time.time() - MINUTE:
        raise Refused(422, "StartTimeTooRecent", "Too recent start_time. Use a start_time older than 60 seconds")
    since = _place(cursor) if cursor is not None else 0
    size = min(int(heard.query.get("per_page", "1000")), 1000)
    changed = sorted((t for t in books.tickets.values() if t.change > since), key=lambda t: t.change)
    page = changed[:size]
    after = f"MTU3NjYxMzUzOS4wfHw={page[-1].change if page else since}"
    body = {"after_cursor": after, "after_url": None, "before_cursor": None, "before_url": None}
    return Answer(
        200, json={**body, **_shown(page, heard.query, books), "end_of_stream": len(changed) <= size}, headers=RATE
    )


def _shown(page: list[Ticket], query: Mapping[str, str], books: Account) -> Body:
    wanted = query.get("include", "").split(",")
    counts = "metric_sets" in wanted
    tickets = [{**t.shown(), **({"metric_set": {"reopens": t.reopens}} if counts else {})} for t in page]
    users = [books.users[number].shown() for number in dict.fromkeys(t.requester_id for t in page)]
    return {"tickets": tickets, **({"users": users} if "users" in wanted else {})}


def _place(cursor: str) -> int:
    place = cursor.rpartition("=")[2]
    if not place.isdigit():
        raise Refused(400, "InvalidCursor", "The cursor is not one of ours")
    return int(place)


def list_hooks(heard: Heard, books: Account) -> Answer:
    begin = int(heard.query.get("page[after]", "0"))
    end = begin + min(int(heard.query.get("page[size]", "30")), 100)
    hooks = [_hook(hook) for hook in books.webhooks.values()]
    meta = {"has_more": len(hooks) > end, "after_cursor": str(end), "before_cursor": str(begin)}
    return Answer(200, json={"webhooks": hooks[begin:end], "meta": meta, "links": {}}, headers=RATE)


def create_hook(heard: Heard, books: Account) -> Answer:
    """Doubles are taken, as Zendesk takes them."""
    asked = read(HookBody, heard.json).webhook
    number = f"01HX{books.next_id():022d}"
    books.webhooks[number] = Hook(id=number, fields=asked.model_dump())
    return Answer(201, json={"webhook": _hook(books.webhooks[number])}, headers=RATE)


def change_hook(heard: Heard, books: Account) -> Answer:
    hook = _known_hook(heard, books)
    hook.fields |= read(HookChangeBody, heard.json).webhook.model_dump(exclude_none=True)
    return Answer(204, headers=RATE)


def signing_secret(heard: Heard, books: Account) -> Answer:
    _known_hook(heard, books)
    secret = reveal(heard.settings.webhook_secret)
    return Answer(200, json={"signing_secret": {"algorithm": "SHA256", "secret": secret}}, headers=RATE)


def _known_hook(heard: Heard, books: Account) -> Hook:
    hook = books.webhooks.get(heard.params["id"])
    if hook is None:
        raise Refused(404, "RecordNotFound", "Not found")
    return hook


def _hook(hook: Hook) -> Body:
    return {"id": hook.id, **hook.fields, "created_by": str(AGENT)}


def _ticket(heard: Heard, books: Account) -> Ticket:
    ticket = books.tickets.get(int(heard.params["id"])) if heard.params["id"].isdigit() else None
    if ticket is None or ticket.status == "deleted":
        raise Refused(404, "RecordNotFound", "Not found")
    return ticket


def _audit(ticket: Ticket) -> Body:
    about = {"id": ticket.change, "ticket_id": ticket.id, "author_id": AGENT, "created_at": ticket.updated_at}
    return {**about, "metadata": {}, "events": [], "via": {"channel": "api"}}


def invalid(field: str, words: str) -> Refused:
    details = {field: [{"description": words, "error": "InvalidValue"}]}
    return Refused(422, "RecordInvalid", "Record validation errors", details=details)


_ROUTES: list[tuple[str, str, Callable[[Heard, Account], Answer]]] = [
    ("GET", "/users/me", me),
    ("GET", "/tickets", list_tickets),
    ("POST", "/tickets", create_ticket),
    ("PUT", "/tickets/{id}", update_ticket),
    ("GET", "/tickets/{id}/comments", comments),
    ("GET", "/incremental/tickets/cursor", export),
    ("GET", "/webhooks", list_hooks),
    ("POST", "/webhooks", create_hook),
    ("PATCH", "/webhooks/{id}", change_hook),
    ("GET", "/webhooks/{id}/signing_secret", signing_secret),
]

ROUTES = [Route(method, f"/api/v2{path}", operation(handle)) for method, path, handle in _ROUTES]
