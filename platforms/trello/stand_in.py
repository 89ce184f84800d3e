"""Trello's double: a board, its lists and cards, and a webhook that tells everything that happens to a card.

A card made twice is two cards. Our own writes are told like those of people, by the member of our token. The HEAD by
which Trello tries an address is not sent: nothing here waits for an answer.
"""

from collections.abc import Callable
from typing import Any

from pydantic import SecretStr

from platforms.base import Body, reveal
from platforms.stand_in import Answer, Heard, Route, StandIn, Webhook
from platforms.trello import TrelloSettings
from platforms.trello.stand_in_books import BOARD, ME, PERSON, STAGES, Board, Card, Hook, Refused, known_board, now
from platforms.trello.stand_in_requests import (
    CardChange,
    Chosen,
    HookChange,
    Listing,
    Moving,
    NewCard,
    NewHook,
    Writing,
    read,
)

RATE = {
    "x-rate-limit-api-token-interval-ms": "10000",
    "x-rate-limit-api-token-max": "100",
    "x-rate-limit-api-token-remaining": "99",
}


def _operation(handle: Callable[[Any, Board], Answer]) -> Callable[[Any, Board], Answer]:
    """Answers, or refuses in Trello's words."""

    def answer(asked: Any, books: Board) -> Answer:
        try:
            return handle(asked, books)
        except Refused as refused:
            return refused.answer

    return answer


def _me(heard: Heard, books: Board) -> Answer:
    return Answer(json={"id": ME}, headers=RATE)


def _board(heard: Heard, books: Board) -> Answer:
    known_board(heard.params["id"])
    within = {"status": "ok", "disableAt": 5000, "warnAt": 4500}
    whole = {"name": "Referrals", "closed": False, "limits": {"cards": {"openPerBoard": within}}}
    return Answer(json={"id": BOARD, **_chosen_fields(heard, whole)}, headers=RATE)


def _lists(heard: Heard, books: Board) -> Answer:
    known_board(heard.params["id"])
    wanted = heard.query.get("filter", "open")
    lists = [one for one in books.lists.values() if wanted == "all" or one.closed == (wanted == "closed")]
    return Answer(json=[{"id": one.id, **_chosen_fields(heard, one.model_dump())} for one in lists], headers=RATE)


def _cards(heard: Heard, books: Board) -> Answer:
    """The newest `limit` cards that are older than `before`, in the order in which they stand on the board."""
    known_board(heard.params["id"])
    before = heard.query.get("before", "g")
    every = heard.query.get("filter") == "all"
    cards = [card for card in books.cards.values() if card.id < before and (every or not card.closed)]
    newest = sorted(cards, key=lambda card: card.id)[-_limit(heard) :]
    shown = sorted(newest, key=lambda card: (card.idList, card.pos))
    return Answer(json=[{"id": card.id, **_chosen_fields(heard, card.shown())} for card in shown], headers=RATE)


def _actions(heard: Heard, books: Board) -> Answer:
    """Newest first."""
    known_board(heard.params["id"])
    since, before = heard.query.get("since", ""), heard.query.get("before", "g")
    kind, _, field = heard.query.get("filter", "all").partition(":")
    fitting = [
        action
        for action in reversed(books.actions)
        if action["date"] > since and action["id"] < before
        if kind in ("all", action["type"]) and (not field or field in action["data"].get("old", {}))
    ]
    return Answer(json=fitting[: _limit(heard)], headers=RATE)


def _create_card(heard: Heard, books: Board) -> Answer:
    asked = read(NewCard, heard.json)
    into = books.named_list(asked.idList)
    tops = [card.pos for card in books.cards.values() if card.idList == into.id]
    card = Card(
        id=books.next_id(),
        idShort=len(books.cards) + 1,
        idList=into.id,
        name=asked.name or "",
        desc=asked.desc or "",
        pos=min(tops, default=65_536.0) / 2 if asked.pos == "top" else max(tops, default=0.0) + 65_536.0,
        attached=asked.urlSource,
        dateLastActivity=now(),
    )
    books.cards[card.id] = card
    told = books.act("createCard", ME, card, list=into.named())
    return Answer(json=card.shown(), headers=RATE, webhooks=told)


def _change_card(heard: Heard, books: Board) -> Answer:
    card = books.card(heard.params["id"])
    changes = read(CardChange, heard.json).model_dump(exclude_unset=True, exclude={"pos"})
    return _changed(card, changes, ME, books)


def _changed(card: Card, changes: Body, member: str, books: Board) -> Answer:
    """One action for each field that is another now."""
    told: tuple[Webhook, ...] = ()
    for name, value in changes.items():
        old = getattr(card, name, None)
        if old == value:
            continue
        more: Body = {"old": {name: old}, "changed": {name: value}}
        if name == "idList":
            more |= {"listBefore": books.named_list(card.idList).named(), "listAfter": books.named_list(value).named()}
        if name in Card.model_fields:
            setattr(card, name, value)
        told += books.act("updateCard", member, card, **more)
    return Answer(json=card.shown(), headers=RATE, webhooks=told)


def _create_hook(heard: Heard, books: Board) -> Answer:
    asked = read(NewHook, heard.json)
    known_board(asked.idModel)
    if any((hook.callbackURL, hook.idModel) == (asked.callbackURL, asked.idModel) for hook in books.hooks.values()):
        raise Refused(400, "A webhook with that callback, model, and token already exists")
    own = asked.model_dump() | {"description": asked.description or ""}
    hook = Hook(id=books.next_id(), **own)
    books.hooks[hook.id] = hook
    return Answer(json=hook.model_dump(), headers=RATE)


def _get_hook(heard: Heard, books: Board) -> Answer:
    return Answer(json=_hook(heard, books).model_dump(), headers=RATE)


def _change_hook(heard: Heard, books: Board) -> Answer:
    hook = _hook(heard, books)
    changed = hook.model_copy(update=read(HookChange, heard.json).model_dump(exclude_unset=True))
    known_board(changed.idModel)
    books.hooks[hook.id] = changed
    return Answer(json=changed.model_dump(), headers=RATE)


def _hook(heard: Heard, books: Board) -> Hook:
    found = books.hooks.get(heard.params["id"])
    if found is None:
        raise Refused(404, "The requested resource was not found.")
    return found


def _move(given: Any, books: Board) -> Answer:
    """Somebody drags a card into another list."""
    asked = read(Moving, given)
    return _changed(_card(asked, books), {"idList": books.named_list(asked.list).id}, PERSON, books)


def _archive(given: Any, books: Board) -> Answer:
    return _changed(_card(read(Chosen, given or {}), books), {"closed": True}, PERSON, books)


def _write(given: Any, books: Board) -> Answer:
    asked = read(Writing, given)
    card = _card(asked, books)
    return _changed(card, {"desc": f"{card.desc}\n\n{asked.text}"}, PERSON, books)


def _archive_list(given: Any, books: Board) -> Answer:
    one = books.named_list(read(Listing, given).list)
    one.closed = True
    return Answer(json=one.model_dump())


def _switch_off_webhooks(given: Any, books: Board) -> Answer:
    """A month of failures: Trello stops telling."""
    for hook in books.hooks.values():
        hook.active, hook.consecutiveFailures, hook.firstConsecutiveFailDate = False, 1001, now()
    return Answer(json=[hook.model_dump() for hook in books.hooks.values()])


def _card(asked: Chosen, books: Board) -> Card:
    if asked.referral is not None:
        return books.about(asked.referral)
    return books.card(asked.card or next(reversed(books.cards), ""))


def _chosen_fields(heard: Heard, whole: Body) -> Body:
    fields = heard.query.get("fields", "all").split(",")
    return whole if fields == ["all"] else {name: whole[name] for name in fields if name in whole}


def _limit(heard: Heard) -> int:
    limit = heard.query.get("limit", "50" if heard.path.endswith("/actions") else "1000")
    if not limit.isdigit() or not 1 <= int(limit) <= 1000:
        raise Refused(400, "invalid value for limit")
    return int(limit)


def _guard(heard: Heard) -> Answer | None:
    given, own = heard.headers.get("authorization", ""), heard.settings
    if f'oauth_consumer_key="{reveal(own.api_key)}"' not in given:
        return Refused(401, "invalid key").answer
    wrong = not given.startswith("OAuth ") or f'oauth_token="{reveal(own.token)}"' not in given
    return Refused(401, "invalid token").answer if wrong else None


def _rate_limited() -> Answer:
    body = {"error": "API_TOKEN_LIMIT_EXCEEDED", "message": "Rate limit exceeded"}
    return Answer(429, json=body, headers={**RATE, "x-rate-limit-api-token-remaining": "0"})


STAND_IN = StandIn(
    name="trello",
    books=Board,
    routes=[
        Route("GET", "/members/me", _me),
        Route("GET", "/boards/{id}", _operation(_board)),
        Route("GET", "/boards/{id}/lists", _operation(_lists)),
        Route("GET", "/boards/{id}/cards", _operation(_cards)),
        Route("GET", "/boards/{id}/actions", _operation(_actions)),
        Route("POST", "/cards", _operation(_create_card)),
        Route("PUT", "/cards/{id}", _operation(_change_card)),
        Route("POST", "/webhooks/", _operation(_create_hook)),
        Route("GET", "/webhooks/{id}", _operation(_get_hook)),
        Route("PUT", "/webhooks/{id}", _operation(_change_hook)),
    ],
    guard=_guard,
    rate_limited=_rate_limited,
    broken=lambda: Refused(500, "Internal Server Error").answer,
    settings=lambda: TrelloSettings(
        api_key=SecretStr("0471642aefef5fa1fa76530ce1ba4c85"),
        token=SecretStr("ATTA5a4db6aa2dc5e4b7sandbox"),
        api_secret=SecretStr("trello-sandbox-api-secret"),
        board=BOARD,
        member=ME,
        stages=STAGES,
    ),
    moves={
        "move": _operation(_move),
        "archive": _operation(_archive),
        "write": _operation(_write),
        "archive_list": _operation(_archive_list),
        "switch_off_webhooks": _operation(_switch_off_webhooks),
    },
)
