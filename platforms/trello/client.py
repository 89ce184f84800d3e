"""Trello's API: a referral's card, made once, then moved and kept in step.

The failure prevented: two cards for one referral. Trello has no idempotency key and no id of ours on a card, and its
search lags behind writes. So the board's cards are read before one is made, newest first and back to the day the
referral was submitted; archived cards too.
"""

from collections.abc import Generator
from datetime import timedelta
from typing import TYPE_CHECKING

from models.token import Token
from platforms.base import Body, Call, Problem, Reply, Talk, brief, retry_after_of, reveal
from platforms.capabilities import PutCard, Receipt
from platforms.errors import InDoubt, Unauthorized, Unavailable
from platforms.trello import card

if TYPE_CHECKING:
    from platforms.trello import TrelloSettings

PAGE = 1000
PAGES = 10
"""Pages of cards that are read at most."""
MARGIN = timedelta(days=1)
"""A card is not older than its referral, by more than clocks disagree."""

_FIELDS = "desc,idList,closed,shortUrl"
_WINDOW = 12.0
"""Seconds: limits count in windows of ten, and no answer says how much of one is left."""
_AT_ONCE = frozenset({409, 449})
"""Two edits at one time: neither was made."""


def headers(settings: "TrelloSettings", token: Token | None) -> dict[str, str]:
    """Key and token in a header, so that they are in no address and no proxy's log."""
    key, granted = reveal(settings.api_key), reveal(settings.token)
    return {"Authorization": f'OAuth oauth_consumer_key="{key}", oauth_token="{granted}"'}


def put_card(action: PutCard, key: str, settings: "TrelloSettings") -> Talk:
    """GET /boards/{id}/cards, then POST /cards in the stage's list, or PUT /cards/{id} with what differs.

    A stage that is mapped to no list leaves the card where it is; a new one begins in the list for `submitted`."""
    found = yield from _found(action, settings)
    if found is None:
        return (yield from _create(action, settings))
    changes = _changes(found, action, settings)
    if not changes:
        return _receipt(found)
    if "idList" in changes:
        yield from _check_open(changes["idList"], settings)
    reply = yield Call.put(f"/cards/{found['id']}", json=changes)
    return _receipt(reply.json)


def find_card(action: PutCard, key: str, settings: "TrelloSettings") -> Generator[Call, Reply, Receipt | None]:
    """GET /boards/{id}/cards: the referral's card, if it is in step. None: absent, or behind, which a repeat mends."""
    found = yield from _found(action, settings)
    return _receipt(found) if found is not None and not _changes(found, action, settings) else None


def doctor(settings: "TrelloSettings") -> Talk:
    """GET /members/me, the board and its open lists: whose token it is, and the ids that the settings want."""
    me = (yield Call.get("/members/me", query={"fields": "id"})).json
    board = (yield Call.get(f"/boards/{settings.board}", query={"fields": "closed,limits"})).json
    lists = yield from _open_lists(settings)
    there = {one["id"] for one in lists}
    cards = ((board.get("limits") or {}).get("cards") or {}).get("openPerBoard") or {}
    facts: Body = {"member": me.get("id"), "closed": board.get("closed"), "open_cards": cards.get("status")}
    lost = [stage for stage, one in settings.stages.items() if one not in there]
    return Receipt(facts={**facts, "lists": {one["name"]: one["id"] for one in lists}, "stages_without_list": lost})


def judge(reply: Reply, call: Call) -> Problem | None:
    """By status; errors are often plain text. A board that is not found is one that the token may not see."""
    status = reply.status
    if reply.ok and isinstance(reply.json, dict | list):
        return None
    words = f"HTTP {status}: {_said(reply)}"
    if reply.ok or status >= 500:
        return Problem("in doubt" if call.writes else "unavailable", words)
    if status in (423, 429):
        return Problem("rate-limited", words, retry_after_of(reply, _WINDOW))
    if status in _AT_ONCE:
        return Problem("unavailable", words)
    unseen = status == 404 and call.path.startswith("/boards/")
    return Problem("unauthorized" if unseen or status in (401, 403) else "rejected", words)


def listed(reply: Reply) -> list[Body]:
    """Raises Unavailable for an answer that is no list."""
    if not isinstance(reply.json, list):
        raise Unavailable("Trello answered a list with something else")
    return reply.json


def _found(action: PutCard, settings: "TrelloSettings") -> Generator[Call, Reply, Body | None]:
    """The card of this referral, the older of two; None when it is surely not on the board.

    Raises InDoubt when there are too many cards to say, or paging is not heeded."""
    query = {"fields": _FIELDS, "filter": "all", "limit": str(PAGE)}
    oldest = int((action.submitted_at - MARGIN).timestamp())
    last = ""
    for _ in range(PAGES):
        more = {"before": last} if last else {}
        page = listed((yield Call.get(f"/boards/{settings.board}/cards", query={**query, **more})))
        ids = sorted(one["id"] for one in page)
        if last and ids and ids[-1] >= last:
            break
        if ours := [one for one in page if card.referral_of(one.get("desc") or "") == action.referral]:
            return min(ours, key=lambda one: str(one["id"]))
        if len(page) != PAGE or _made_at(ids[0]) < oldest:
            return None
        last = ids[0]
    raise InDoubt(f"Trello lists too many cards to look through: search the board for ovation:{action.referral}")


def _create(action: PutCard, settings: "TrelloSettings") -> Talk:
    chosen = settings.stages.get(action.stage) or settings.stages.get("submitted")
    if chosen is None:
        raise Unauthorized(f"no list is named for new cards: set OVATION_TRELLO__STAGES, {action.stage} or submitted")
    yield from _check_open(chosen, settings)
    made = {"idList": chosen, "name": card.name(action), "desc": card.description(action), "pos": "top"}
    reply = yield Call.post("/cards", json={**made, **({"urlSource": action.link} if action.link else {})})
    return _receipt(reply.json)


def _changes(found: Body, action: PutCard, settings: "TrelloSettings") -> Body:
    """What of the card is not as the referral says. An archived card stays archived."""
    before = found.get("desc") or ""
    wanted = {"desc": card.description(action, card.own_words(before)), "idList": settings.stages.get(action.stage)}
    now = {"desc": before.strip(), "idList": found.get("idList")}
    return {name: value for name, value in wanted.items() if value is not None and value != now[name]}


def _check_open(wanted: str, settings: "TrelloSettings") -> Generator[Call, Reply, None]:
    """Lists are renamed and archived by people: a card put into an archived one would be seen by nobody."""
    lists = yield from _open_lists(settings)
    if wanted not in {one["id"] for one in lists}:
        raise Unauthorized(f"{wanted} is no open list of the board: mend OVATION_TRELLO__STAGES, or restore the list")


def _open_lists(settings: "TrelloSettings") -> Generator[Call, Reply, list[Body]]:
    return listed((yield Call.get(f"/boards/{settings.board}/lists", query={"filter": "open", "fields": "name"})))


def _receipt(found: Body) -> Receipt:
    own_id = found.get("id") if isinstance(found, dict) else None
    if not isinstance(own_id, str) or not own_id:
        raise InDoubt("Trello answered with a card that has no id")
    facts = {"card": own_id, "list": found.get("idList"), "archived": bool(found.get("closed"))}
    return Receipt(reference=own_id, facts=facts, url=found.get("shortUrl"))


def _made_at(own_id: str) -> int:
    """An id begins with the second it was made in."""
    return int(own_id[:8], 16)


def _said(reply: Reply) -> str:
    body = reply.json if isinstance(reply.json, dict) else {}
    return str(body.get("message") or body.get("error") or brief(reply))[:300]
