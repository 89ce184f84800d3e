"""Two jobs: a notification channel that is renewed before Zoho closes it, and the records that changed.

The failure prevented: a channel that ended after a week while everybody thought it open, and a notification that was
never sent again. What changed is read from where the last round ended, every quarter of an hour and when a
notification pokes.
"""

import hashlib
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from models.event import Event
from platforms.base import Body, Call, Reply, Round, Upkept, reveal
from platforms.errors import Malformed
from platforms.zoho import news
from platforms.zoho.client import deal_fields
from platforms.zoho.problem import details_of
from platforms.zoho.records import REF, STAGE, path, records_in

if TYPE_CHECKING:
    from platforms.zoho import ZohoSettings

EVENTS = ("Leads.edit", "Deals.create", "Deals.edit", "Contacts.edit")
LASTS = timedelta(days=6)
"""Zoho allows a week; who asks for more gets an hour."""
RENEWED_DAILY = timedelta(days=1)
BEFORE_IT_ENDS = timedelta(minutes=10)

PAGES, PER_PAGE = 5, "200"
OVERLAP = timedelta(minutes=5)
"""Read twice, lest Zoho's clock and ours disagree. What was heard before is known by its source id."""
SOON = timedelta(minutes=1)

_OPT_OUT = ("Email", "Email_Opt_Out")


def keep_channel(round: Round, settings: "ZohoSettings") -> Generator[Call, Reply, Upkept]:
    """GET /crm/v8/actions/watch, then PUT of our channel, which replaces it, or POST if there is none.

    One whose address was ours before is closed."""
    channel = _channel(round.webhook_url)
    there = yield Call.get(path("/actions/watch"), query={"channel_id": channel})
    watches = (there.json or {}).get("watch") or []
    body = {"watch": [_watch(channel, round, settings)]}
    ours = any(str(one.get("channel_id")) == channel for one in watches)
    reply = yield (Call.put if ours else Call.post)(path("/actions/watch"), json=body)
    former = round.mark.get("channel")
    if former and former != channel:
        query = {"channel_ids": str(former)}
        yield Call("DELETE", path("/actions/watch"), query=query, accepts=frozenset({202, 400}))
    until = _ends(reply)
    early = until is not None and until < round.now + RENEWED_DAILY + BEFORE_IT_ENDS
    return Upkept(mark={"channel": channel}, again_at=until - BEFORE_IT_ENDS if early and until is not None else None)


def read_changes(round: Round, settings: "ZohoSettings") -> Generator[Call, Reply, Upkept]:
    """GET /crm/v8/{module} of leads, deals and contacts that changed since the mark. The first round begins now: what
    people did before is history, not news."""
    fields = {
        "Leads": ("id", REF, STAGE, "Lead_Status", *_OPT_OUT),
        "Deals": deal_fields(settings),
        "Contacts": ("id", *_OPT_OUT),
    }
    mark: dict[str, object] = {}
    events: list[Event] = []
    for module, names in fields.items():
        place = round.mark.get(module)
        found, left = yield from _look(module, names, place if isinstance(place, dict) else {}, round, settings)
        events += found
        mark[module] = left
    more = any(isinstance(left, dict) and "began" in left for left in mark.values())
    return Upkept(mark=mark, events=events, again_at=round.now + SOON if more else None)


def _look(
    module: str, fields: tuple[str, ...], place: Body, round: Round, settings: "ZohoSettings"
) -> Generator[Call, Reply, tuple[list[Event], Body]]:
    """The events since `place`, and where the next round goes on. The time moves on only when all pages are read;
    until then a token says where; one that Zoho has forgotten means to begin again."""
    since, began = str(place.get("since") or _instant(round.now)), str(place.get("began") or _instant(round.now))
    token = place.get("token")
    events: list[Event] = []
    for _ in range(PAGES):
        reply = yield _page(module, fields, since, token)
        if reply.status == 400:
            return events, {"since": since}
        events += [event for record in records_in(reply) for event in _one(module, record, settings)]
        info = (reply.json or {}).get("info") or {}
        token = info.get("next_page_token") if info.get("more_records") else None
        if not token:
            return events, {"since": _instant(datetime.fromisoformat(began) - OVERLAP)}
    return events, {"since": since, "began": began, "token": token}


def _page(module: str, fields: tuple[str, ...], since: str, token: object) -> Call:
    names = ",".join([*fields, "Modified_Time"])
    order = {"fields": names, "sort_by": "Modified_Time", "sort_order": "asc", "per_page": PER_PAGE}
    return Call(
        "GET",
        path(f"/{module}"),
        query={**order, **({"page_token": str(token)} if token else {})},
        headers={"If-Modified-Since": since},
        writes=False,
        accepts=frozenset({304, 400} if token else {304}),
    )


def _one(module: str, record: Body, settings: "ZohoSettings") -> list[Event]:
    """One that makes no sense, such as a lead whose reference somebody overwrote, must not stop all that follow."""
    try:
        at = news.moment(record.get("Modified_Time"))
        told = news.moved(module, record, at, settings) if module != "Contacts" else []
        return [*told, *(news.opted_out(module, record, at) if module != "Deals" else [])]
    except (Malformed, ValueError):
        return []


def _watch(channel: str, round: Round, settings: "ZohoSettings") -> Body:
    return {
        "channel_id": channel,
        "events": [*EVENTS],
        "channel_expiry": _instant(round.now + LASTS),
        "token": reveal(settings.webhook_secret),
        "notify_url": round.webhook_url,
        "return_affected_field_values": True,
        "notify_on_related_action": False,
    }


def _channel(url: str) -> str:
    """A number of our own, by the address: two installations at one company keep out of each other's way."""
    digest = hashlib.sha256(url.partition("?")[0].encode()).hexdigest()
    return str(10**12 + int(digest[:9], 16))


def _ends(reply: Reply) -> datetime | None:
    """When the channel ends, as Zoho says: it may be sooner than we asked."""
    events = details_of(reply).get("events")
    ends = [one.get("channel_expiry") for one in events] if isinstance(events, list) else []
    return min((news.moment(end) for end in ends if end), default=None)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
