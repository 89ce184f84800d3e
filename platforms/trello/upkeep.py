"""What Trello's webhooks need: to be registered, woken when they were switched off, and backed by a second look.

The failure prevented: a move that was lost because we were away for five minutes, for Trello repeats a delivery three
times and then forgets it. A webhook is unique by token, board and address, so registering it twice does no harm.
"""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from platforms.base import Body, Call, Reply, Round, Upkept
from platforms.errors import Rejected
from platforms.trello.client import listed
from platforms.trello.webhook import MOVE, moved

if TYPE_CHECKING:
    from platforms.trello import TrelloSettings

PAGE = 1000
PAGES = 5
"""Pages of moves that a round reads at most; the next goes on behind them."""
OVERLAP = timedelta(minutes=5)
"""Read twice, lest an action appears late. What was heard before is known by its source id."""
FIRST_LOOK = timedelta(days=1)


def register(round: Round, settings: "TrelloSettings") -> Generator[Call, Reply, Upkept]:
    """GET /webhooks/{id} of the one we remember, PUT where it is switched off or leads elsewhere; else POST /webhooks/.

    The list of a token's webhooks is not asked for: the token would be in the address. Trello's refusal of a second one
    says that it is there."""
    wanted = {"callbackURL": round.webhook_url, "idModel": settings.board, "active": True}
    known = yield from _remembered(round)
    if known is not None:
        if changes := {name: value for name, value in wanted.items() if known.get(name) != value}:
            yield Call.put(f"/webhooks/{known['id']}", json=changes)
        return Upkept(mark=round.mark)
    reply = yield Call.post("/webhooks/", json={**wanted, "description": "Ovation"}, accepts=(400,))
    if reply.ok:
        return Upkept(mark={"webhook": reply.json["id"]})
    if "already exists" not in reply.text:
        raise Rejected(f"Trello did not make the webhook: {' '.join(reply.text.split())[:200]}", status=reply.status)
    return Upkept(mark={})


def look_for_moves(round: Round, settings: "TrelloSettings") -> Generator[Call, Reply, Upkept]:
    """GET /boards/{id}/actions, the moves since the last round. They come newest first: the mark moves on only when
    they are read back to where it is."""
    since = str(round.mark.get("since") or _instant(round.now - FIRST_LOOK))
    newest = str(round.mark.get("newest") or since)
    before = round.mark.get("before")
    found: list[Body] = []
    for _ in range(PAGES):
        page = listed((yield _actions(settings, since, before)))
        found += page
        newest = max([newest, *(str(one["date"]) for one in page)])
        if len(page) < PAGE:
            mark = {"since": max(since, _instant(datetime.fromisoformat(newest) - OVERLAP))}
            return Upkept(mark=mark, events=[event for one in found for event in moved(one, settings)])
        before = min(str(one["id"]) for one in page)
    return Upkept(
        mark={"since": since, "newest": newest, "before": before},
        events=[event for one in found for event in moved(one, settings)],
        again_at=round.now + timedelta(minutes=1),
    )


def _remembered(round: Round) -> Generator[Call, Reply, Body | None]:
    """The webhook of the last round; None when there was none, it is gone, or it belongs to another token."""
    own_id = round.mark.get("webhook")
    if not own_id:
        return None
    reply = yield Call.get(f"/webhooks/{own_id}", accepts=(401, 404))
    return reply.json if reply.ok else None


def _actions(settings: "TrelloSettings", since: str, before: object) -> Call:
    query = {"filter": MOVE, "since": since, "limit": str(PAGE), **({"before": str(before)} if before else {})}
    return Call.get(f"/boards/{settings.board}/actions", query=query)


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
