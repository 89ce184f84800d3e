"""Our webhook at ActiveCampaign, kept in place; and who left a list while no webhook of theirs reached us.

The failure prevented: an opt-out that came while the gateway was being deployed. The vendor sends a webhook once and
never again, so contacts who left and changed lately are read by the API, in windows of time that overlap.
"""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from models.base import Json
from models.event import Event
from platforms.activecampaign import contact, webhook
from platforms.activecampaign.reading import API, everything, listed
from platforms.base import Body, Call, Reply, Round, Upkept
from platforms.errors import Malformed

if TYPE_CHECKING:
    from platforms.activecampaign import ActiveCampaignSettings

EVENTS = ["unsubscribe", "sms_unsub", "bounce", "contact_tag_added"]
SOURCES = ["public", "admin", "system"]
"""All but `api`: what we and other programs write is not told back."""

AT_ONCE = 20
"""Contacts in one round: each is a call, and the account stands five a second."""
OVERLAP = timedelta(minutes=5)
SOON = timedelta(minutes=1)


def register(round: Round, settings: "ActiveCampaignSettings") -> Generator[Call, Reply, Upkept]:
    """GET /webhooks, then POST where ours is not there as it should be, then DELETE of ours with another secret.

    In this order, so that there is always one; what two of them tell is one event."""
    url = _address(round, settings)
    ours = [row for row in (yield from everything("/webhooks", "webhooks")) if _same_place(row, url)]
    right = next((row for row in ours if _as_it_should_be(row, url)), None)
    if right is None:
        wanted = {"name": "Ovation", "url": url, "events": EVENTS, "sources": SOURCES}
        reply = yield Call.post(f"{API}/webhooks", json={"webhook": wanted})
        right = reply.json["webhook"]
    for row in ours:
        if str(row["id"]) != str(right["id"]):
            yield Call("DELETE", f"{API}/webhooks/{row['id']}", accepts=frozenset({404}))
    return Upkept(mark={"webhook": str(right["id"])})


def opt_outs(round: Round, settings: "ActiveCampaignSettings") -> Generator[Call, Reply, Upkept]:
    """GET /contacts?status=2 within a window of time, in the order of their ids, then each one's lists.

    The first round only notes the time: who left before is no news, and is seen when they are to be put somewhere."""
    if "since" not in round.mark:
        return Upkept(mark={"since": _text(round.now)})
    since, until = str(round.mark["since"]), str(round.mark.get("until", _text(round.now)))
    rows = yield from _left_between(since, until, str(round.mark.get("after", "0")))
    events: list[Event] = []
    for row in rows:
        events += yield from _lists_left(row, datetime.fromisoformat(since), round.now, settings)
    if len(rows) == AT_ONCE:
        mark: Json = {"since": since, "until": until, "after": str(rows[-1]["id"])}
        return Upkept(mark=mark, events=events, again_at=round.now + SOON)
    return Upkept(mark={"since": _text(datetime.fromisoformat(until) - OVERLAP)}, events=events)


def _left_between(since: str, until: str, after: str) -> Generator[Call, Reply, list[Body]]:
    query = {
        "status": contact.UNSUBSCRIBED,
        "filters[updated_after]": since,
        "filters[updated_before]": until,
        "orders[id]": "ASC",
        "id_greater": after,
        "limit": str(AT_ONCE),
    }
    reply = yield Call.get(f"{API}/contacts", query=query)
    return listed(reply.json, "contacts")


def _lists_left(
    row: Body, since: datetime, now: datetime, settings: "ActiveCampaignSettings"
) -> Generator[Call, Reply, list[Event]]:
    """The lists that this contact left since. One without a time counts as left now: told twice beats never."""
    events: list[Event] = []
    for one in (yield from contact.memberships(row)):
        number, at = str(one.get("list")), webhook.moment(one.get("udate")) or now
        if str(one.get("status")) == contact.UNSUBSCRIBED and contact.counts(number, settings) and at >= since:
            events += _told(row, number, at)
    return events


def _told(row: Body, number: str, at: datetime) -> list[Event]:
    """One contact with half an e-mail address must not stop those who come after."""
    try:
        return [webhook.opted_out(str(row["id"]), row.get("email") or None, number, at)]
    except Malformed:
        return []


def _text(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _address(round: Round, settings: "ActiveCampaignSettings") -> str:
    mark = "&" if urlsplit(round.webhook_url).query else "?"
    return f"{round.webhook_url}{mark}{urlencode(webhook.sign_query(settings))}"


def _same_place(row: Body, url: str) -> bool:
    """Ours, whatever the secret in its query."""
    there, here = urlsplit(str(row.get("url"))), urlsplit(url)
    return (there.netloc.lower(), there.path) == (here.netloc.lower(), here.path)


def _as_it_should_be(row: Body, url: str) -> bool:
    told, by = row.get("events") or [], row.get("sources") or []
    return row.get("url") == url and set(EVENTS) <= set(told) and set(by) == set(SOURCES)
