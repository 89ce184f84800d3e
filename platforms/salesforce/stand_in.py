"""Salesforce's double: one org with an integration user, contacts, leads, deals, campaigns, tasks and referrals.

Its flows tell of what people do and of what we write ourselves, as an org's do: whoever takes his own echo for news is
found out here.
"""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from platforms.base import Body
from platforms.salesforce import SalesforceSettings
from platforms.salesforce.stand_in_answers import ROUTES
from platforms.salesforce.stand_in_books import ORG_ID, Org, Refused, now
from platforms.salesforce.stand_in_flows import told
from platforms.stand_in import Answer, Heard, StandIn, Webhook

_STATUS = {"Lead": "Status", "Opportunity": "StageName", "Referral__c": "Status__c"}


class _Move(BaseModel):
    """Names a record: a person by e-mail address, a referral by our id, a task by our key; else the newest."""

    model_config = ConfigDict(extra="forbid")

    email: str | None = None
    referral: str | None = None
    key: str | None = None
    object: str = "Lead"
    status: str = ""
    amount: float | None = None
    values: Body = Field(default_factory=dict)


def _contact(move: _Move, books: Org) -> Answer:
    """Somebody adds a contact, or changes the one of this address."""
    there = books.find("Contact", "Email", move.email)
    values = {"LastName": "Somebody", "Email": move.email, **move.values} if not there else move.values
    books.check("Contact", values, there[0] if there else None)
    record = there[0] if there else books.add("Contact", {})
    return _done("Contact", record, values, books, new=not there)


def _tag(move: _Move, books: Org) -> Answer:
    """Somebody ticks `Referral_Given__c`, of a contact who is added first if nobody has the address."""
    if not books.find("Contact", "Email", move.email):
        _contact(move, books)
    return _done("Contact", _one("Contact", "Email", move.email, books), {"Referral_Given__c": True}, books)


def _opt_out(move: _Move, books: Org) -> Answer:
    return _done("Contact", _one("Contact", "Email", move.email, books), {"HasOptedOutOfEmail": True}, books)


def _stage(move: _Move, books: Org) -> Answer:
    """Somebody sets the status of a referral's lead, deal or row."""
    record = _one(move.object, "Ovation_Ref__c", move.referral, books)
    values = {_STATUS[move.object]: move.status}
    books.check(move.object, values, record)
    return _done(move.object, record, values, books)


def _convert(move: _Move, books: Org) -> Answer:
    """Somebody converts the lead: to a contact and a deal that carries our reference, as the field is mapped."""
    lead = _one("Lead", "Ovation_Ref__c", move.referral, books)
    if lead["IsConverted"]:
        raise Refused("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    person = {name: lead[name] for name in ("FirstName", "LastName", "Email")}
    account = books.add("Account", {"Name": lead["Company"]})
    friend = books.add("Contact", {**person, "AccountId": account["Id"]})
    opened = {"Name": f"{lead['Company']}-", "StageName": "Prospecting", "CloseDate": now()[:10]}
    ours = {name: lead[name] for name in ("Ovation_Ref__c", "Ovation_Stage__c", "Referred_By__c")}
    deal = books.add("Opportunity", {**opened, **ours})
    turned = {"ConvertedContactId": friend["Id"], "ConvertedOpportunityId": deal["Id"]}
    return _done("Lead", lead, {"IsConverted": True, "Status": "Closed - Converted", **turned}, books)


def _win(move: _Move, books: Org) -> Answer:
    deal = _one("Opportunity", "Ovation_Ref__c", move.referral, books)
    return _done("Opportunity", deal, {"StageName": "Closed Won", "Amount": move.amount or deal["Amount"]}, books)


def _lose(move: _Move, books: Org) -> Answer:
    deal = _one("Opportunity", "Ovation_Ref__c", move.referral, books)
    return _done("Opportunity", deal, {"StageName": "Closed Lost"}, books)


def _complete(move: _Move, books: Org) -> Answer:
    return _done("Task", _one("Task", "Ovation_Key__c", move.key, books), {"Status": "Completed"}, books)


def _throw_away(move: _Move, books: Org) -> Answer:
    """Somebody deletes a task of ours."""
    task = _one("Task", "Ovation_Key__c", move.key, books)
    books.thrown_away.append(task["Id"])
    return Answer(200, json=task)


def _end_session(move: _Move, books: Org) -> Answer:
    books.session += 1
    return Answer(200, json={"session": books.session})


def _spend_the_day(move: _Move, books: Org) -> Answer:
    """Other integrations use up the org's calls: from now on every call is answered 403."""
    books.calls_left = 0
    return Answer(200, json={"calls_left": 0})


def _one(kind: str, field: str, value: str | None, books: Org) -> Body:
    there = list(books.records[kind].values()) if value is None else books.find(kind, field, value)
    if not there:
        raise Refused("NOT_FOUND", f"no {kind} with this {field}", status=404)
    return there[-1]


def _done(kind: str, record: Body, values: Body, books: Org, *, new: bool = False) -> Answer:
    before = {} if new else dict(record)
    books.change(kind, record, values)
    return Answer(200, json=record, webhooks=[Webhook(body) for body in told(kind, before, record)])


def _move(act: Callable[[_Move, Org], Answer]) -> Callable[[Any, Org], Answer]:
    def moved(given: Any, books: Org) -> Answer:
        try:
            return act(_Move.model_validate(given or {}), books)
        except ValidationError as error:
            return Answer(422, json={"errors": error.errors(include_url=False, include_context=False)})
        except Refused as refused:
            return Answer(refused.status, json=refused.body)

    return moved


def _guard(heard: Heard) -> Answer | None:
    """Which session is good is for the books to say; that there is one is looked at here."""
    if heard.path == "/services/oauth2/token" or heard.headers.get("authorization", "").startswith("Bearer "):
        return None
    return Answer(401, json=[{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}])


def _rate_limited() -> Answer:
    """A burst, told by status 429 so that a wait is short. The day's end is told by 403: the move `spend_the_day`."""
    words = "ConcurrentPerOrgLongTxn Limit exceeded."
    return Answer(429, json=[{"message": words, "errorCode": "REQUEST_LIMIT_EXCEEDED"}])


def _broken() -> Answer:
    words = "An unexpected error occurred. Please include this ErrorId if you contact support: 1234567-89012 (-123456)"
    return Answer(500, json=[{"message": words, "errorCode": "UNKNOWN_EXCEPTION"}])


STAND_IN = StandIn(
    name="salesforce",
    books=Org,
    routes=ROUTES,
    guard=_guard,
    rate_limited=_rate_limited,
    broken=_broken,
    settings=lambda: SalesforceSettings(
        base_url="https://acme.my.salesforce.com",
        client_id="3MVG9sandbox",
        client_secret=SecretStr("salesforce-sandbox-client-secret"),
        webhook_secret=SecretStr("salesforce-sandbox-flow-key"),
        org_id=ORG_ID,
    ),
    moves={
        "contact": _move(_contact),
        "tag": _move(_tag),
        "opt_out": _move(_opt_out),
        "stage": _move(_stage),
        "convert": _move(_convert),
        "win": _move(_win),
        "lose": _move(_lose),
        "complete": _move(_complete),
        "throw_away": _move(_throw_away),
        "end_session": _move(_end_session),
        "spend_the_day": _move(_spend_the_day),
    },
)
