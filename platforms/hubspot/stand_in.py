"""HubSpot's double: contacts, lists, tasks, notes, deals and owners of one portal, and the webhooks of one app.

The app is subscribed to the changes that the moves `tag` and `deal` make, and to nothing else: what we write ourselves
is not told back to us.
"""

import json
import time
from typing import Any, TypeVar
from uuid import uuid4

from pydantic import SecretStr, ValidationError

from platforms.base import Body, reveal
from platforms.hubspot import HubSpotSettings
from platforms.hubspot.stand_in_answers import RATE, ROUTES
from platforms.hubspot.stand_in_books import CONTACTS, Portal, Record, Refused
from platforms.hubspot.stand_in_deals import DEAL_ROUTES, moved
from platforms.hubspot.stand_in_lists import LIST_ROUTES
from platforms.hubspot.stand_in_requests import Joining, Moving, Strict, Tagging
from platforms.stand_in import Answer, Heard, StandIn, Webhook

PORTAL_ID, APP_ID, SUBSCRIPTION_ID, FIRST_EVENT = 247279312, 51879189, 7662269, 1765889350
FIRST_HIRED = 64492918

_NO_CREDENTIALS = (
    "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at "
    "https://developers.hubspot.com/docs/methods/auth/oauth-overview"
)

Move = TypeVar("Move", bound=Strict)


def _guard(heard: Heard) -> Answer | None:
    if heard.headers.get("authorization") == f"Bearer {reveal(heard.settings.access_token)}":
        return None
    return Refused(401, _NO_CREDENTIALS, "INVALID_AUTHENTICATION").answer


def _rate_limited() -> Answer:
    words = "You have reached your ten_secondly_rolling limit."
    limit = {"errorType": "RATE_LIMIT", "policyName": "TEN_SECONDLY_ROLLING"}
    body = {"status": "error", "message": words, **limit, "correlationId": str(uuid4())}
    return Answer(429, json=body, headers={**RATE, "X-HubSpot-RateLimit-Remaining": "0", "Retry-After": "1"})


def _contact_joins(given: Any, books: Portal) -> Answer:
    """Adds a contact, or changes the one of this address."""
    try:
        joining = _told(Joining, given)
        record = _joined(joining, books)
    except Refused as refused:
        return refused.answer
    return Answer(json=record.shown(list(record.properties)))


def _joined(joining: Joining, books: Portal) -> Record:
    properties = {**joining.properties, "email": joining.email}
    if joining.owner is not None:
        owner = joining.owner.lower()
        books.owners.setdefault(owner, str(FIRST_HIRED + len(books.owners)))
        properties["hubspot_owner_id"] = books.owners[owner]
    books.check(properties, CONTACTS, by_api=False)
    found = books.contact(joining.email, by="email")
    if found is None:
        return books.add(properties)
    books.change(found, properties)
    return found


def _tag(given: Any, books: Portal) -> Answer:
    """Sets a property of a contact, who is added first if nobody has this address, and tells of it."""
    try:
        tagging = _told(Tagging, given)
        record = _tagged(tagging, books)
    except Refused as refused:
        return refused.answer
    event = _change(record, "0-1", {tagging.property: tagging.value}, books)
    return Answer(json=record.shown([tagging.property]), webhooks=[Webhook(json.dumps([event]).encode())])


def _tagged(tagging: Tagging, books: Portal) -> Record:
    if tagging.id is None and tagging.email is None:
        raise Refused(400, "name the contact by email or id", "VALIDATION_ERROR")
    books.check({tagging.property: tagging.value}, CONTACTS, by_api=False)
    found = books.contact(tagging.id or tagging.email or "", None if tagging.id else "email")
    if found is None and tagging.email is not None:
        found = _joined(Joining(email=tagging.email), books)
    if found is None:
        raise Refused(404, "resource not found", "OBJECT_NOT_FOUND")
    books.change(found, {tagging.property: tagging.value})
    return found


def _deal_moves(given: Any, books: Portal) -> Answer:
    """A colleague moves the deal of a referral; the webhook names the new stage and no more."""
    try:
        moving = _told(Moving, given)
        record = moved(moving.referral, moving.stage, moving.amount, books)
    except Refused as refused:
        return refused.answer
    event = _change(record, "0-3", {"dealstage": moving.stage}, books)
    return Answer(json=record.shown(list(record.properties)), webhooks=[Webhook(json.dumps([event]).encode())])


def _change(record: Record, kind: str, change: dict[str, str], books: Portal) -> Body:
    """One property of a record changed. `kind` is HubSpot's number for contacts or deals."""
    books.events += 1
    [(name, value)] = change.items()
    app = {"subscriptionId": SUBSCRIPTION_ID, "portalId": PORTAL_ID, "appId": APP_ID}
    what = {"subscriptionType": "object.propertyChange", "objectId": int(record.id), "objectTypeId": kind}
    changed = {"propertyName": name, "propertyValue": value}
    source = {"changeSource": "CRM_UI", "sourceId": "userId:98499705", "isSensitive": False, "attemptNumber": 0}
    occurred = {"eventId": FIRST_EVENT + books.events, "occurredAt": time.time_ns() // 10**6}
    return {**occurred, **app, **what, **changed, **source}


def _told(model: type[Move], given: Any) -> Move:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise Refused(400, "; ".join(f"{e['loc']}: {e['msg']}" for e in error.errors()), "VALIDATION_ERROR") from error


STAND_IN = StandIn(
    name="hubspot",
    books=Portal,
    routes=[*DEAL_ROUTES, *LIST_ROUTES, *ROUTES],
    guard=_guard,
    rate_limited=_rate_limited,
    broken=lambda: Refused(500, "There was a problem with the request.").answer,
    settings=lambda: HubSpotSettings(
        access_token=SecretStr("pat-na1-sandbox"),
        client_secret=SecretStr("hubspot-sandbox-client-secret"),
        stages={
            "submitted": "appointmentscheduled",
            "qualified": "qualifiedtobuy",
            "won": "closedwon",
            "lost": "closedlost",
            "disqualified": "closedlost",
        },
    ),
    moves={"contact": _contact_joins, "tag": _tag, "deal": _deal_moves},
)
