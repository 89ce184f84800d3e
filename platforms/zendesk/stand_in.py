"""Zendesk's double: tickets that agents and customers move, the export, and webhooks to whoever registered one.

Nobody is told anything before a webhook is registered, and our own writes are told like everybody's.
"""

from typing import Any

from pydantic import SecretStr

from platforms.stand_in import Answer, Heard, StandIn
from platforms.zendesk import ZendeskSettings
from platforms.zendesk.client import headers
from platforms.zendesk.stand_in_answers import ROUTES, invalid, operation, read
from platforms.zendesk.stand_in_books import AGENT, RATE, Account, Refused
from platforms.zendesk.stand_in_requests import Asking, Rating, Treating


def ask(given: Any, books: Account) -> Answer:
    """A customer opens a ticket, and becomes a user if they are none."""
    asking = read(Asking, given)
    user = books.user_of(asking.email, asking.name)
    fields = {"subject": asking.subject, **({"priority": asking.priority} if asking.priority else {})}
    ticket = books.open(user.id, fields, asking.subject, public=True)
    return Answer(200, json=ticket.shown(), webhooks=books.tell("ticket.created", ticket, {}, user.id))


def treat(given: Any, books: Account) -> Answer:
    """An agent works on a ticket."""
    treating = read(Treating, given)
    ours = (t for t in books.tickets.values() if t.fields.get("external_id") == f"ovation:{treating.referral}")
    ticket = books.tickets.get(treating.ticket) if treating.ticket is not None else next(ours, None)
    if ticket is None:
        raise Refused(404, "RecordNotFound", "Not found")
    tags = [*ticket.fields["tags"], *([treating.tag] if treating.tag else [])]
    fields = {"tags": tags, **({"status": treating.status} if treating.status else {})}
    webhooks = books.change(ticket, fields, AGENT + 1)
    return Answer(200, json=ticket.shown(), webhooks=webhooks)


def rate(given: Any, books: Account) -> Answer:
    rating = read(Rating, given)
    ticket = books.tickets.get(rating.ticket)
    if ticket is None or ticket.status not in ("solved", "closed"):
        raise invalid("base", "Only a solved ticket can be rated")
    ticket.rating = {"id": books.next_id(), **rating.model_dump(exclude={"ticket"}, exclude_none=True)}
    return Answer(200, json=ticket.shown(), webhooks=books.change(ticket, {}, ticket.requester_id))


def guard(heard: Heard) -> Answer | None:
    if heard.headers.get("authorization") == headers(heard.settings, None)["Authorization"]:
        return None
    return Answer(401, json={"error": "Couldn't authenticate you"})


def rate_limited() -> Answer:
    spent = {**RATE, "X-Rate-Limit-Remaining": "0", "Retry-After": "41"}
    return Answer(
        429, text="Number of allowed API requests per minute exceeded", media_type="text/plain", headers=spent
    )


def broken() -> Answer:
    return Answer(500, json={"error": "InternalError", "description": "Internal Server Error"})


def settings() -> ZendeskSettings:
    return ZendeskSettings(
        subdomain="acme",
        email="agent@acme.example",
        api_token=SecretStr("zendesk-sandbox-token"),
        webhook_secret=SecretStr("zendesk-sandbox-signing-secret"),
    )


STAND_IN = StandIn(
    name="zendesk",
    books=Account,
    routes=ROUTES,
    guard=guard,
    rate_limited=rate_limited,
    broken=broken,
    settings=settings,
    moves={"ask": operation(ask), "treat": operation(treat), "rate": operation(rate)},
)
