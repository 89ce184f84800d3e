"""Our webhook at Mailchimp, with a secret that is told once; and who unsubscribed while no webhook reached us.

The failures prevented: a secret that was lost with an answer, after which every opt-out is refused as forged; and an
opt-out that came while the gateway was away for longer than the 75 minutes in which Mailchimp tries again.
"""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from models.base import Json
from models.event import Event
from platforms.base import Body, Call, Reply, Round, Upkept
from platforms.errors import Malformed, Rejected
from platforms.mailchimp import member, webhook

if TYPE_CHECKING:
    from platforms.mailchimp import MailchimpSettings

TOLD = {
    **dict.fromkeys(("unsubscribe", "cleaned"), True),
    **dict.fromkeys(("subscribe", "profile", "upemail", "campaign"), False),
}
SOURCES = {"user": True, "admin": True, "api": False}
"""Without `api`: what we and other programs write is not told back."""

PAGE = 500
PAGES = 4
OVERLAP = timedelta(minutes=5)
SOON = timedelta(minutes=1)


def register(round: Round, settings: "MailchimpSettings") -> Generator[Call, Reply, Upkept]:
    """GET …/webhooks; where ours is not there, or is not the one whose secret we hold: DELETE, then POST.

    In this order, because Mailchimp refuses two for one address. Rests where a secret was set by hand."""
    held = round.mark.get("webhook")
    if held is None and settings.webhook_secret is not None:
        return Upkept(mark=round.mark)
    reply = yield Call.get(member.of_list(settings, "/webhooks"))
    ours = [row for row in reply.json.get("webhooks", []) if _same_place(row, round.webhook_url)]
    right = next((row for row in ours if row["id"] == held and _as_it_should_be(row, round)), None)
    for row in ours:
        if row is not right:
            yield Call("DELETE", _hook(row, settings), accepts=frozenset({404}))
    return Upkept(mark=round.mark) if right is not None else (yield from _made(round, settings))


def opt_outs(round: Round, settings: "MailchimpSettings") -> Generator[Call, Reply, Upkept]:
    """GET …/members of either state that changed since, oldest first. The first round only notes the time: who left
    before is no news, and is seen when they are to be put somewhere."""
    events: list[Event] = []
    mark: Json = {}
    more = False
    for status in sorted(member.GONE):
        place = round.mark.get(status)
        if not isinstance(place, dict):
            mark[status] = {"since": _text(round.now), "offset": 0}
            continue
        found, mark[status], left = yield from _changed(status, place, round.now, settings)
        events += found
        more = more or left
    return Upkept(mark=mark, events=events, again_at=round.now + SOON if more else None)


def _made(round: Round, settings: "MailchimpSettings") -> Generator[Call, Reply, Upkept]:
    """POST …/webhooks. One that is not signed is taken away again: it would be refused here for ever."""
    wanted = {"url": round.webhook_url, "events": TOLD, "sources": SOURCES}
    reply = yield Call.post(member.of_list(settings, "/webhooks"), json=wanted)
    secret = reply.json.get("signing_secret")
    if not secret:
        yield Call("DELETE", _hook(reply.json, settings), accepts=frozenset({404}))
        raise Rejected("Mailchimp does not sign webhooks of this account yet: opt-outs are read by the API alone")
    return Upkept(mark={"webhook": reply.json["id"]}, secret=secret)


def _changed(
    status: str, place: Body, now: datetime, settings: "MailchimpSettings"
) -> Generator[Call, Reply, tuple[list[Event], Body, bool]]:
    """The opt-outs from `place` on, where they end, and whether there are more.

    A page ends at a time, so that members who change meanwhile push nobody over its edge; and at a count where a whole
    page has one time."""
    events: list[Event] = []
    since, offset = str(place["since"]), int(place["offset"])
    for _ in range(PAGES):
        rows = yield from _page(status, since, offset, settings)
        events += [event for row in rows for event in _told(row, settings)]
        if len(rows) < PAGE:
            return events, {"since": _text(now - OVERLAP), "offset": 0}, False
        last = _text(_moment(rows[-1]) - timedelta(seconds=1))
        since, offset = (last, 0) if last > since else (since, offset + len(rows))
    return events, {"since": since, "offset": offset}, True


def _page(status: str, since: str, offset: int, settings: "MailchimpSettings") -> Generator[Call, Reply, list[Body]]:
    query = {
        "status": status,
        "since_last_changed": since,
        "sort_field": "last_changed",
        "sort_dir": "ASC",
        "count": str(PAGE),
        "offset": str(offset),
        "fields": "members.contact_id,members.email_address,members.last_changed",
    }
    reply = yield Call.get(member.of_list(settings, "/members"), query=query)
    rows: list[Body] = reply.json.get("members", [])
    return rows


def _told(row: Body, settings: "MailchimpSettings") -> list[Event]:
    """One member with half an e-mail address must not stop those who come after."""
    try:
        email, contact = str(row.get("email_address")), row.get("contact_id")
        return [webhook.opted_out(settings.list_id or "", email, _moment(row), contact)]
    except Malformed:
        return []


def _moment(row: Body) -> datetime:
    return datetime.fromisoformat(row["last_changed"]).astimezone(UTC)


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def _hook(row: Body, settings: "MailchimpSettings") -> str:
    return member.of_list(settings, f"/webhooks/{row['id']}")


def _same_place(row: Body, url: str) -> bool:
    """Ours, whatever stands in its query."""
    there, here = urlsplit(str(row.get("url"))), urlsplit(url)
    return (there.netloc.lower(), there.path) == (here.netloc.lower(), here.path)


def _as_it_should_be(row: Body, round: Round) -> bool:
    told: Any = row.get("events") or {}
    return row.get("url") == round.webhook_url and all(told.get(name) for name, wanted in TOLD.items() if wanted)
