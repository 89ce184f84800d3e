"""What Pipedrive's webhooks need: to be registered, put back once Pipedrive has dropped them, and asked after.

The failure prevented: a webhook that was banned for half an hour, or deleted after three bad days, and a won deal that
nobody hears of. A name that we give each webhook says which secret it was made with, so that a changed secret makes new
ones instead of refusals that end in a ban.
"""

import hashlib
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from models.event import Event
from platforms.base import Body, Call, Reply, Round, Upkept, reveal
from platforms.errors import Malformed
from platforms.pipedrive.news import activity_news, deal_news, moment
from platforms.pipedrive.person import at
from platforms.pipedrive.webhook import USER

if TYPE_CHECKING:
    from platforms.pipedrive import PipedriveSettings

WATCHED = ("deal", "activity", "person")
PAGES, PER_PAGE = 3, 500
OVERLAP = timedelta(minutes=5)
"""Read twice, lest Pipedrive's clock and ours disagree. What was heard before is known by its source id."""
SOON = timedelta(minutes=1)

Read = Generator[Call, Reply, Upkept]


def keep_webhooks(round: Round, settings: "PipedriveSettings") -> Read:
    """GET /v1/webhooks, POST for each kind that no good webhook of ours reports, DELETE of ours that are no good.

    New ones are made before old ones go: what both tell has one source id."""
    reply = yield Call.get(at(settings, "/v1/webhooks"))
    remembered = round.mark.get("webhooks")
    known = remembered if isinstance(remembered, list) else []
    hooks = [h for h in reply.json.get("data") or [] if _leads_here(h, round) or h["id"] in known]
    kept: dict[str, int] = {}
    for hook in hooks:
        if _good(hook, round, settings):
            kept.setdefault(hook["event_object"], hook["id"])
    for kind in WATCHED:
        if kind not in kept:
            made = yield Call.post(at(settings, "/v1/webhooks"), json=_hook(kind, round, settings))
            kept[kind] = made.json["data"]["id"]
    for hook in hooks:
        if hook["id"] not in kept.values():
            yield Call("DELETE", at(settings, f"/v1/webhooks/{hook['id']}"), accepts=frozenset({404}))
    return Upkept(mark={"webhooks": sorted(kept.values())})


def read_deals(round: Round, settings: "PipedriveSettings") -> Read:
    """GET /v2/deals that changed since the last round, with our two fields."""
    query = {"custom_fields": f"{settings.referral_field},{settings.stage_field}"}
    return (yield from _read(round, "/v2/deals", query, lambda deal, at: deal_news(deal, at, settings), settings))


def read_activities(round: Round, settings: "PipedriveSettings") -> Read:
    """GET /v2/activities that are done and changed since the last round."""
    return (yield from _read(round, "/v2/activities", {"done": "true"}, activity_news, settings))


def _read(
    round: Round,
    path: str,
    more: dict[str, str],
    news: Callable[[Body, datetime], list[Event]],
    settings: "PipedriveSettings",
) -> Read:
    """The pages that there are since the mark. The first round begins now: what was before is history, not news.

    The mark's time moves on only when all pages are read; until then a cursor says where to go on."""
    since = str(round.mark.get("since") or _seconds(round.now))
    began = str(round.mark.get("began") or _seconds(round.now))
    cursor = round.mark.get("cursor")
    order = {"updated_since": since, "sort_by": "update_time", "sort_direction": "asc", "limit": str(PER_PAGE)}
    events: list[Event] = []
    for _ in range(PAGES):
        place = {"cursor": str(cursor)} if cursor else {}
        accepts = (400,) if cursor else ()  # a cursor may be forgotten: from the beginning, then
        reply = yield Call.get(at(settings, path), query={**more, **order, **place}, accepts=accepts)
        if not reply.ok:
            return Upkept(mark={"since": since}, events=events, again_at=round.now + SOON)
        events += [event for thing in reply.json["data"] for event in _one(thing, news)]
        cursor = (reply.json.get("additional_data") or {}).get("next_cursor")
        if not cursor:
            return Upkept(mark={"since": _seconds(datetime.fromisoformat(began) - OVERLAP)}, events=events)
    mark = {"since": since, "began": began, "cursor": cursor}
    return Upkept(mark=mark, events=events, again_at=round.now + SOON)


def _one(thing: Body, news: Callable[[Body, datetime], list[Event]]) -> list[Event]:
    """One that makes no sense, such as a deal whose field somebody overwrote, must not stop all that come after it."""
    try:
        return news(thing, moment(thing.get("update_time")))
    except Malformed:
        return []


def _leads_here(hook: Body, round: Round) -> bool:
    """At our address, by whatever query."""
    return str(hook.get("subscription_url")).partition("?")[0] == round.webhook_url.partition("?")[0]


def _good(hook: Body, round: Round, settings: "PipedriveSettings") -> bool:
    """Alive, and as we would make it now; its name stands for the secret."""
    wanted = _hook(str(hook.get("event_object")), round, settings)
    told = ("subscription_url", "event_action", "name")
    return bool(hook.get("is_active", 1)) and all(hook.get(one) == wanted[one] for one in told)


def _hook(kind: str, round: Round, settings: "PipedriveSettings") -> Body:
    secret = reveal(settings.webhook_secret)
    return {
        "subscription_url": round.webhook_url,
        "event_action": "change",
        "event_object": kind,
        "name": f"Ovation {hashlib.sha256(f'pipedrive webhook {secret}'.encode()).hexdigest()[:8]}",
        "version": "2.0",
        "http_auth_user": USER,
        "http_auth_password": secret,
    }


def _seconds(at: datetime) -> str:
    """Without milliseconds, which Pipedrive refuses here."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
