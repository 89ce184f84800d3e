"""The books of Trello's double: one board with its lists, cards, actions and webhooks."""

import json
import time
from datetime import UTC, datetime

from pydantic import BaseModel, Field

from platforms.base import Body
from platforms.capabilities import Stage
from platforms.stand_in import Answer, Webhook
from platforms.trello.card import referral_of

BOARD = "59cd149051aa57a706962996"
ME, PERSON = "5a0f1c2d3e4f5a6b7c8d9e0f", "5b02e7f4e1facdc393169f9d"
LISTS = {
    "5e0000000000000000000001": "Submitted",
    "5e0000000000000000000002": "Accepted",
    "5e0000000000000000000003": "Qualified",
    "5e0000000000000000000004": "Won",
    "5e0000000000000000000005": "Lost",
    "5e0000000000000000000006": "Someday",
}

STAGES: dict[Stage, str] = {
    "submitted": "5e0000000000000000000001",
    "accepted": "5e0000000000000000000002",
    "qualified": "5e0000000000000000000003",
    "won": "5e0000000000000000000004",
    "lost": "5e0000000000000000000005",
    "disqualified": "5e0000000000000000000005",
}


class Refused(Exception):
    """An error as Trello says most of them: a status and plain text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.answer = Answer(status, text=text, media_type="text/plain")


class CardList(BaseModel):
    id: str
    name: str
    closed: bool = False
    idBoard: str = BOARD

    def named(self) -> Body:
        return {"id": self.id, "name": self.name}


class Card(BaseModel):
    """`attached`: the link it was made with."""

    id: str
    idShort: int
    idList: str
    name: str
    desc: str
    pos: float
    closed: bool = False
    attached: str | None = None
    dateLastActivity: str

    def shown(self) -> Body:
        link = f"https://trello.com/c/{self.id[-8:]}"
        ids = {"idBoard": BOARD, "shortLink": self.id[-8:], "shortUrl": link, "url": f"{link}/{self.idShort}-card"}
        return {**self.model_dump(exclude={"attached"}), **ids, "due": None, "idMembers": [], "labels": []}


class Hook(BaseModel):
    id: str
    callbackURL: str
    idModel: str
    description: str
    active: bool
    consecutiveFailures: int = 0
    firstConsecutiveFailDate: str | None = None


class Board(BaseModel):
    """Actions as they were told, oldest first."""

    lists: dict[str, CardList] = Field(
        default_factory=lambda: {one: CardList(id=one, name=LISTS[one]) for one in LISTS}
    )
    cards: dict[str, Card] = Field(default_factory=dict)
    actions: list[Body] = Field(default_factory=list)
    hooks: dict[str, Hook] = Field(default_factory=dict)
    made: int = 0

    def next_id(self) -> str:
        """As Mongo makes them: the second, then what tells it from others."""
        self.made += 1
        return f"{int(time.time()):08x}{self.made:016x}"

    def card(self, own_id: str) -> Card:
        """By id or short link. Raises Refused."""
        found = self.cards.get(own_id) or next((c for c in self.cards.values() if c.id[-8:] == own_id), None)
        if found is None:
            raise Refused(404, "The requested resource was not found.")
        return found

    def about(self, referral: str) -> Card:
        """Raises Refused where no card names this referral."""
        ours = (card for card in self.cards.values() if referral_of(card.desc) == referral)
        return self.card(next((card.id for card in ours), ""))

    def named_list(self, named: str) -> CardList:
        """By id or name. Raises Refused."""
        found = self.lists.get(named) or next((one for one in self.lists.values() if one.name == named), None)
        if found is None:
            raise Refused(400, "invalid value for idList")
        return found

    def act(self, kind: str, member: str, card: Card, **about: Body) -> tuple[Webhook, ...]:
        """Writes down what happened to a card, and tells each webhook of the board. `changed`: its new values."""
        shown = {"id": card.id, "idShort": card.idShort, "name": card.name, "shortLink": card.id[-8:]}
        board = {"id": BOARD, "name": "Referrals", "shortLink": BOARD[:8]}
        data = {"board": board, "card": {**shown, **about.pop("changed", {})}, **about}
        creator = {"id": member, "username": "ovation" if member == ME else "bolee"}
        who: Body = {"idMemberCreator": member, "memberCreator": creator}
        self.actions.append({"id": self.next_id(), "type": kind, "date": now(), "data": data, **who})
        card.dateLastActivity = str(self.actions[-1]["date"])
        return tuple(self._told(self.actions[-1], hook) for hook in self.hooks.values() if hook.active)

    def _told(self, action: Body, hook: Hook) -> Webhook:
        about = hook.model_dump(include={"id", "idModel", "active", "consecutiveFailures"})
        body = {"action": action, "model": {"id": BOARD, "name": "Referrals"}, "webhook": about}
        return Webhook(json.dumps(body).encode(), url=hook.callbackURL)


def known_board(own_id: str) -> None:
    """Raises Refused for any but the one board."""
    if own_id != BOARD:
        raise Refused(404, "board not found")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
