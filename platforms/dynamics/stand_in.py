"""Dynamics' double: one environment with an application user, contacts, leads, opportunities, tasks and lists.

Its webhooks tell of people's changes and of ours alike, and of the changed columns alone, as Dataverse's do.
"""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from platforms.base import Body
from platforms.dynamics import DynamicsSettings
from platforms.dynamics.stand_in_answers import ROUTES, closed, token_of, told
from platforms.dynamics.stand_in_books import Environment, Refused, now
from platforms.stand_in import Answer, Heard, StandIn

SELLER = "9d0b1c2e-0000-4000-8000-000000000001"


class _Move(BaseModel):
    """Names a row: a person by e-mail address, a referral by our id, a task by our key; else the newest."""

    model_config = ConfigDict(extra="forbid")

    email: str | None = None
    referral: str | None = None
    key: str | None = None
    table: str = "leads"
    values: Body = Field(default_factory=dict)
    amount: float | None = None


def _contact(move: _Move, books: Environment) -> Answer:
    """Somebody adds a contact, or changes the one of this address; owned by the success manager."""
    there = books.find("contacts", "emailaddress1", move.email)
    values = books.read("contacts", {"emailaddress1": move.email, **move.values})
    if there:
        return _changed("contacts", there[0], values, books)
    csm = books.find("systemusers", "internalemailaddress", "csm@acme.example")[0]["systemuserid"]
    return Answer(200, json=books.add("contacts", {"lastname": "Somebody", "_ownerid_value": csm, **values}))


def _tag(move: _Move, books: Environment) -> Answer:
    """Somebody sets the date on which a referral was given, of a contact who is added first if absent."""
    if not books.find("contacts", "emailaddress1", move.email):
        _contact(move, books)
    row = _one("contacts", "emailaddress1", move.email, books)
    return _changed("contacts", row, {"new_referralgivenon": now()}, books)


def _opt_out(move: _Move, books: Environment) -> Answer:
    row = _one("contacts", "emailaddress1", move.email, books)
    return _changed("contacts", row, {"donotbulkemail": True}, books)


def _change(move: _Move, books: Environment) -> Answer:
    """Somebody changes a referral's lead, or its row: the values are columns."""
    row = _one(move.table, "new_ovationref", move.referral, books)
    return _changed(move.table, row, books.read(move.table, move.values), books)


def _qualify(move: _Move, books: Environment) -> Answer:
    """Somebody qualifies the lead, to an opportunity that comes of it."""
    lead = _one("leads", "new_ovationref", move.referral, books)
    if lead["statecode"] == 1:
        raise Refused(400, "0x80040230", "The lead is already closed.")
    dollars = books.find("transactioncurrencies", "isocurrencycode", "USD")[0]["transactioncurrencyid"]
    came_of = {"_originatingleadid_value": lead["leadid"], "_transactioncurrencyid_value": dollars}
    books.add("opportunities", {"name": lead["subject"], **came_of})
    return _changed("leads", lead, {"statecode": 1, "statuscode": 3}, books)


def _win(move: _Move, books: Environment) -> Answer:
    return _close(move, books, won=True)


def _lose(move: _Move, books: Environment) -> Answer:
    return _close(move, books, won=False)


def _close(move: _Move, books: Environment, *, won: bool) -> Answer:
    lead = _one("leads", "new_ovationref", move.referral, books)
    deal = _one("opportunities", "_originatingleadid_value", lead["leadid"], books)
    webhooks = closed(deal, won, move.amount, 3 if won else 4, SELLER, books)
    return Answer(200, json=deal, webhooks=webhooks)


def _complete(move: _Move, books: Environment) -> Answer:
    row = _one("tasks", "subcategory", move.key, books)
    return _changed("tasks", row, {"statecode": 1, "statuscode": 5}, books)


def _one(table: str, column: str, value: str | None, books: Environment) -> Body:
    there = list(books.rows[table].values()) if value is None else books.find(table, column, value)
    if not there:
        raise Refused(404, "0x80040217", f"no row of {table} has this {column}")
    return there[-1]


def _changed(table: str, row: Body, values: Body, books: Environment) -> Answer:
    before = dict(row)
    books.change(row, values)
    return Answer(200, json=row, webhooks=told(table, before, row, SELLER))


def _move(act: Callable[[_Move, Environment], Answer]) -> Callable[[Any, Environment], Answer]:
    def moved(given: Any, books: Environment) -> Answer:
        try:
            return act(_Move.model_validate(given or {}), books)
        except ValidationError as error:
            return Answer(422, json={"errors": error.errors(include_url=False, include_context=False)})
        except Refused as refused:
            return Answer(refused.status, json=refused.body)

    return moved


def _guard(heard: Heard) -> Answer | None:
    if heard.path.endswith("/oauth2/v2.0/token"):
        return None
    if heard.headers.get("authorization") == f"Bearer {token_of(heard.settings)}":
        return None
    return Answer(401, headers={"WWW-Authenticate": "Bearer"}, json={"error": {"code": "", "message": "Unauthorized"}})


def _rate_limited() -> Answer:
    words = "Number of requests exceeded the limit of 6000 over time window of 300 seconds."
    return Answer(429, json={"error": {"code": "0x80072322", "message": words}}, headers={"Retry-After": "2"})


def _broken() -> Answer:
    words = "An unexpected error occurred."
    return Answer(500, json={"error": {"code": "0x80040216", "message": words}})


STAND_IN = StandIn(
    name="dynamics",
    books=Environment,
    routes=ROUTES,
    guard=_guard,
    rate_limited=_rate_limited,
    broken=_broken,
    settings=lambda: DynamicsSettings(
        environment_url="https://acme.crm4.dynamics.com",
        tenant="acme.example",
        client_id="7d5f9b0e-3b59-4c3d-9d57-5f3b8a1c2d4e",
        client_secret=SecretStr("dynamics-sandbox-client-secret"),
        webhook_secret=SecretStr("dynamics-sandbox-webhook-key"),
        webhook_name="Ovation",
    ),
    moves={
        "contact": _move(_contact),
        "tag": _move(_tag),
        "opt_out": _move(_opt_out),
        "change": _move(_change),
        "qualify": _move(_qualify),
        "win": _move(_win),
        "lose": _move(_lose),
        "complete": _move(_complete),
    },
)
