"""The upkeep that reads what people changed in Notion: rows by the time of their last edit.

The failure prevented: a status that is heard only while webhooks work. They say nothing but that a page changed, may be
merged, late, or given up after a day; a look at the rows themselves needs none of them, and each only makes it sooner.
"""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from models.event import Event
from platforms.base import Body, Call, Reply, Round, Upkept
from platforms.notion import client
from platforms.notion.webhook import event_of

if TYPE_CHECKING:
    from platforms.notion import NotionSettings

PAGE = 100
PAGES = 10
"""Pages of rows in one round; what is left asks for another at once."""
FIRST_LOOK_BACK = timedelta(days=1)
OVERLAP = timedelta(minutes=5)
"""Notion gives an edit's time to the minute and does not promise to show it at once: some rows are read twice."""


def changes(round: Round, settings: "NotionSettings") -> Generator[Call, Reply, Upkept]:
    """POST /v1/data_sources/{id}/query, the rows edited since the mark, the oldest edit first.

    A round that does not reach the end leaves its cursor; a cursor that Notion has forgotten begins anew."""
    since, cursor = _mark(round)
    newest = since
    events: list[Event] = []
    for _ in range(PAGES):
        reply = yield _edited(since, cursor, settings)
        if not reply.ok:
            cursor = None
            continue
        for page in reply.json["results"]:
            events += event_of(page, settings)
            newest = max(newest, datetime.fromisoformat(page["last_edited_time"]))
        cursor = reply.json.get("next_cursor") if reply.json.get("has_more") else None
        if cursor is None:
            again = round.now if _cut_short(reply) and newest > since else None
            return Upkept(mark={"since": newest.isoformat()}, events=events, again_at=again)
    return Upkept(mark={"since": since.isoformat(), "cursor": cursor}, events=events, again_at=round.now)


def _cut_short(reply: Reply) -> bool:
    """A query gives 10,000 rows at most, and says so."""
    status = reply.json.get("request_status")
    return isinstance(status, dict) and status.get("type") == "incomplete"


def _edited(since: datetime, cursor: str | None, settings: "NotionSettings") -> Call:
    edited: Body = {"on_or_after": (since - OVERLAP).isoformat()}
    body: dict[str, Any] = {
        "filter": {"timestamp": "last_edited_time", "last_edited_time": edited},
        "sorts": [{"timestamp": "last_edited_time", "direction": "ascending"}],
        "page_size": PAGE,
    }
    call = client.query(settings, **body, **({"start_cursor": cursor} if cursor else {}))
    return Call.post(call.path, json=call.json, writes=False, accepts=(400,) if cursor else ())


def _mark(round: Round) -> tuple[datetime, str | None]:
    """Since when, and where the last round stopped. The first one looks back a day."""
    since, cursor = round.mark.get("since"), round.mark.get("cursor")
    known = datetime.fromisoformat(since) if isinstance(since, str) else round.now - FIRST_LOOK_BACK
    return known, cursor if isinstance(cursor, str) else None
