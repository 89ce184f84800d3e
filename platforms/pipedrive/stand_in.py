"""Pipedrive's double: a company that sells, with an index that may lag and webhooks that may be dropped.

Moves are what people do there: move, win, lose or delete a deal, finish an activity, unsubscribe.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from platforms.base import Body, reveal
from platforms.pipedrive import PipedriveSettings
from platforms.pipedrive.news import UNSUBSCRIBED, mark_of
from platforms.pipedrive.stand_in_answers import ROUTES, change, closing, operation, told
from platforms.pipedrive.stand_in_books import INFO, PIPELINE, STAGES, Company, Deal, Person, Refused
from platforms.pipedrive.stand_in_requests import Chosen, Finished, Joining, Lag, read
from platforms.stand_in import Answer, Heard, StandIn

REFERRAL_FIELD, STAGE_FIELD = "0f" * 20, "57a6" * 10


def _move(given: Any, books: Company) -> Answer:
    """Somebody drags the deal to another stage."""
    chosen = read(Chosen, given)
    if chosen.stage_id not in STAGES:
        raise Refused(400, "stage_id: the pipeline has no such stage")
    return _changed(_deal(chosen, books), {"stage_id": chosen.stage_id}, books)


def _win(given: Any, books: Company) -> Answer:
    """Somebody wins the deal, and may write what it is worth."""
    chosen = read(Chosen, given or {})
    deal = _deal(chosen, books)
    worth = {"value": chosen.value, "currency": chosen.currency}
    return _changed(deal, {**closing(deal, "won"), **{k: v for k, v in worth.items() if v is not None}}, books)


def _lose(given: Any, books: Company) -> Answer:
    chosen = read(Chosen, given or {})
    deal = _deal(chosen, books)
    return _changed(deal, closing(deal, "lost", chosen.reason), books)


def _delete(given: Any, books: Company) -> Answer:
    """Somebody deletes the deal; it can be listed for thirty days more."""
    deal = _deal(read(Chosen, given or {}), books)
    change(deal, {"is_deleted": True, "status": "deleted"})
    return Answer(json=deal.model_dump())


def _finish(given: Any, books: Company) -> Answer:
    """Somebody ticks an activity off."""
    key = read(Finished, given or {}).effect
    there = [one for one in books.activities.values() if key is None or mark_of(one.note) == key]
    if not there:
        raise Refused(404, "no such activity")
    previous = change(there[-1], {"done": True})
    return Answer(json=there[-1].model_dump(), webhooks=told("activity", there[-1], previous, books))


def _person(given: Any, books: Company) -> Answer:
    """Somebody adds a person, whether or not there is one with this address."""
    joining = read(Joining, given)
    emails: list[Body] = [{"value": joining.email, "primary": True, "label": "work"}]
    person = Person(id=books.next_id(), name=joining.name, emails=emails, phones=[])
    books.persons[person.id] = person
    return Answer(json=person.model_dump())


def _unsubscribe(given: Any, books: Company) -> Answer:
    """The reader of a campaign wants no more."""
    email = read(Joining, given).email
    person = next((one for one in books.persons.values() if one.has(email)), None)
    if person is None:
        raise Refused(404, "nobody has this address")
    previous = change(person, {"marketing_status": UNSUBSCRIBED})
    return Answer(json=person.model_dump(), webhooks=told("person", person, previous, books))


def _drop_webhooks(given: Any, books: Company) -> Answer:
    """Three days without a success: Pipedrive deletes the webhooks."""
    books.hooks.clear()
    return Answer(json={})


def _index(given: Any, books: Company) -> Answer:
    books.index_lags = read(Lag, given).lags
    if not books.index_lags:
        books.not_indexed.clear()
    return Answer(json={})


def _deal(chosen: Chosen, books: Company) -> Deal:
    deals = books.deals
    if chosen.referral is not None:
        found = books.deal_of(chosen.referral)
    else:
        found = deals.get(chosen.deal) if chosen.deal is not None else next(reversed(deals.values()), None)
    if found is None:
        raise Refused(404, "no such deal")
    return found


def _changed(deal: Deal, values: Mapping[str, Any], books: Company) -> Answer:
    previous = change(deal, values)
    return Answer(json=deal.model_dump(), webhooks=told("deal", deal, previous, books))


def _guard(heard: Heard) -> Answer | None:
    if heard.headers.get("x-api-token") == reveal(heard.settings.api_token):
        return None
    return Answer(401, json={"success": False, "error": "unauthorized access", "errorCode": 401, "error_info": INFO})


def _rate_limited() -> Answer:
    headers = {"x-ratelimit-limit": "20", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "2"}
    body = {"success": False, "error": "request over limit", "errorCode": 429, "error_info": INFO}
    return Answer(429, json=body, headers=headers)


STAND_IN = StandIn(
    name="pipedrive",
    books=Company,
    routes=ROUTES,
    guard=_guard,
    rate_limited=_rate_limited,
    broken=lambda: Refused(500, "Internal server error").answer,
    settings=lambda: PipedriveSettings(
        company="acme",
        api_token=SecretStr("5a" * 20),
        webhook_secret=SecretStr("pipedrive-sandbox-webhook-secret"),
        referral_field=REFERRAL_FIELD,
        stage_field=STAGE_FIELD,
        pipeline_id=PIPELINE,
        stages={"submitted": "1", "accepted": "2", "qualified": "3", "won": "won", "lost": "lost"},
    ),
    moves={
        "move": operation(_move),
        "win": operation(_win),
        "lose": operation(_lose),
        "delete_deal": operation(_delete),
        "finish": operation(_finish),
        "person": operation(_person),
        "unsubscribe": operation(_unsubscribe),
        "drop_webhooks": operation(_drop_webhooks),
        "index": operation(_index),
    },
)
