"""What no flow told of: every quarter of an hour the records that changed are read again.

The failure prevented: a flow that was switched off, or a callout that failed for a day, and a won deal nobody hears of.
A page ends at a time and an id, so that no number of records of one second stops the reading; the last ten minutes are
read again, because a record becomes visible after the time that stands on it.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from models.event import Event
from platforms.base import Body, Call, Reply, Round, Upkept
from platforms.errors import Malformed
from platforms.salesforce import news
from platforms.salesforce.client import KEY
from platforms.salesforce.problem import codes, refuse
from platforms.salesforce.records import NO_ASSIGNMENT, REF, found_in, literal, named, namespaced, path, soql, whole_id
from platforms.salesforce.referral import STAGE, instant

if TYPE_CHECKING:
    from platforms.salesforce import SalesforceSettings

PAGE = 200
PAGES = 5
OVERLAP = timedelta(minutes=10)
SOON = timedelta(minutes=1)
"""When the next round begins, where this one left something."""

NOT_THERE = frozenset({"INVALID_TYPE", "INVALID_FIELD"})
"""Leads or rows that the org has no use for, and so no fields. The doctor names what lacks."""


@dataclass(frozen=True, slots=True)
class Watch:
    """One kind of change: what is selected, by which time, and how a record is read."""

    name: str
    kind: str
    fields: tuple[str, ...]
    where: str
    read: Callable[[Body, datetime, Any], list[Event]]
    by: str = "SystemModstamp"
    needed: bool = False


_DEAL = "ConvertedOpportunity"
WATCHES = (
    Watch(
        "tagged",
        "Contact",
        ("Email", "Referral_Given__c"),
        "Referral_Given__c = true",
        lambda record, at, settings: [news.tagged("Contact", record, news.TAG, at)],
        by="Referral_Given_At__c",
        needed=True,
    ),
    Watch(
        "opted_out",
        "Contact",
        ("Email", "HasOptedOutOfEmail"),
        "HasOptedOutOfEmail = true",
        lambda record, at, settings: news.opted_out("Contact", record, at),
        needed=True,
    ),
    Watch(
        "leads",
        "Lead",
        ("Email", "HasOptedOutOfEmail", "Status", "IsConverted", f"{_DEAL}Id", f"{_DEAL}.{REF}", REF, STAGE),
        f"{REF} != null",
        lambda record, at, settings: [*news.moved("Lead", record, at, settings), *_gone(record, at)],
    ),
    Watch(
        "deals",
        "Opportunity",
        ("StageName", "IsClosed", "IsWon", "Amount", REF, STAGE),
        f"{REF} != null",
        lambda record, at, settings: news.moved("Opportunity", record, at, settings),
    ),
    Watch(
        "rows",
        "Referral__c",
        ("Status__c", "Revenue__c", REF, STAGE),
        f"{REF} != null",
        lambda record, at, settings: news.moved("Referral__c", record, at, settings),
    ),
    Watch(
        "tasks",
        "Task",
        ("IsClosed", KEY),
        f"{KEY} != null AND IsClosed = true",
        lambda record, at, settings: news.finished(record, at),
    ),
)


def changes(round: Round, settings: "SalesforceSettings") -> Generator[Call, Reply, Upkept]:
    """GET …/query for each kind of change, from where the last round ended. The first begins now: what people did
    before is history, not news."""
    mark: dict[str, object] = {}
    events: list[Event] = []
    for watch in WATCHES:
        place = _place(round.mark.get(watch.name), round.now)
        found, place, left = yield from _look(watch, place, settings)
        events += found
        mark[watch.name] = _kept(place, round.now) if not left else place
    more = any(place.get("more") for place in mark.values() if isinstance(place, dict))
    return Upkept(mark=mark, events=events, again_at=round.now + SOON if more else None)


def _look(
    watch: Watch, place: Body, settings: "SalesforceSettings"
) -> Generator[Call, Reply, tuple[list[Event], Body, bool]]:
    """The events after `place`, where they end, and whether there is more than this round reads."""
    events: list[Event] = []
    for _ in range(PAGES):
        records = yield from _page(watch, place, settings)
        for record in records:
            at = news.moment(record[watch.by], watch.by)
            events += _read(watch, record, at, settings)
            place = {"at": instant(at), "id": record["Id"]}
            if watch.kind == "Lead":
                yield from _mark_deal(record, settings)
        if len(records) < PAGE:
            return events, place, False
    return events, {**place, "more": True}, True


def _page(watch: Watch, place: Body, settings: "SalesforceSettings") -> Generator[Call, Reply, list[Body]]:
    money = ["CurrencyIsoCode"] if settings.multi_currency and watch.kind in ("Opportunity", "Referral__c") else []
    after = f"{watch.by} > {place['at']}"
    if number := whole_id(str(place.get("id"))):
        after = f"({after} OR ({watch.by} = {place['at']} AND Id > {literal(number)}))"
    fields, where = ("Id", watch.by, *watch.fields, *money), f"{watch.where} AND {after}"
    query = namespaced(soql(fields, watch.kind, where, order=f"{watch.by}, Id", limit=PAGE), settings)
    reply = yield Call.get(path("/query", settings), query={"q": query}, accepts=(400,))
    if reply.ok:
        return found_in(reply, settings)
    if not watch.needed and codes(reply) & NOT_THERE:
        return []
    refuse(reply)


def _read(watch: Watch, record: Body, at: datetime, settings: "SalesforceSettings") -> list[Event]:
    """A record that makes no sense, such as one with half an e-mail address, must not stop all that come after it."""
    try:
        return watch.read(record, at, settings)
    except (Malformed, ValueError):
        return []


def _gone(record: Body, at: datetime) -> list[Event]:
    return news.opted_out("Lead", record, at) if record.get("Email") else []


def _mark_deal(record: Body, settings: "SalesforceSettings") -> Generator[Call, Reply, None]:
    """A deal that came of a lead carries our reference from now on, also where nobody mapped that field in Set-up.
    One that cannot, because another deal does, is left."""
    number, deal = record.get("ConvertedOpportunityId"), record.get(_DEAL) or {}
    if record.get("IsConverted") is True and number and not deal.get(REF):
        where = path(f"/sobjects/Opportunity/{number}", settings)
        yield Call.patch(where, json={named(REF, settings): record[REF]}, headers=NO_ASSIGNMENT, accepts=(400, 404))


def _place(given: Any, now: datetime) -> Body:
    if isinstance(given, dict) and isinstance(given.get("at"), str):
        return {"at": instant(news.moment(given["at"], "the mark")), "id": given.get("id", "")}
    return {"at": instant(now - OVERLAP), "id": ""}


def _kept(place: Body, now: datetime) -> Body:
    """Where the next round begins: at the end of this one, but ten minutes back if that is nearer than that."""
    back = instant(now - OVERLAP)
    return place if place["at"] <= back else {"at": back, "id": ""}
