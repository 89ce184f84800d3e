"""Parrot's double."""

from platforms.parrot import ParrotSettings  # type: ignore[import-not-found]
from pydantic import BaseModel, Field, SecretStr

from platforms.base import reveal
from platforms.stand_in import Answer, Heard, Route, StandIn


class Cage(BaseModel):
    """The books. `cards`: our id of the referral → the card as it is now; `written`: how often any was written."""

    cards: dict[str, dict[str, str]] = Field(default_factory=dict)
    written: int = 0


def _put(heard: Heard, books: Cage) -> Answer:
    if set(heard.json) != {"title", "stage"}:
        return Answer(422, {"error": "a card has a title and a stage"})
    books.cards[heard.params["id"]] = heard.json
    books.written += 1
    return Answer(200, {"id": heard.params["id"]})


def _guard(heard: Heard) -> Answer | None:
    good = heard.headers.get("authorization") == f"Bearer {reveal(heard.settings.api_key)}"
    return None if good else Answer(401, {"error": "who are you?"})


STAND_IN = StandIn(
    name="parrot",
    books=Cage,
    routes=[
        Route("PUT", "/cards/{id}", _put),
        Route("GET", "/me", lambda heard, books: Answer(200, {"name": "Polly"})),
    ],
    guard=_guard,
    rate_limited=lambda: Answer(429, {"error": "one word at a time"}),
    broken=lambda: Answer(500, {"error": "squawk"}),
    settings=lambda: ParrotSettings(api_key=SecretStr("a cracker")),
)
