"""Delighted as it was: a project's figures, and people who answer its survey or leave its list.

A score is reported at once and its comment by `survey_response.updated`, as the vendor did.
"""

import json
import time
from base64 import b64decode
from binascii import Error as NotBase64
from secrets import randbelow, token_hex
from typing import Any

from pydantic import Field, SecretStr, ValidationError

from models.base import Model
from platforms.base import reveal
from platforms.delighted import DelightedSettings
from platforms.stand_in import Answer, Heard, Route, StandIn, Webhook


class Answering(Model):
    """The move `answer`: someone gives a score and, a moment later, a comment."""

    email: str
    score: int = Field(ge=0, le=10)
    text: str | None = None
    name: str | None = None
    ovation_contact: str | None = None


class Leaving(Model):
    """The move `unsubscribe`: someone clicks the link in a survey's mail."""

    email: str


class Books(Model):
    responses: list[dict[str, Any]] = Field(default_factory=list)
    unsubscribes: list[dict[str, Any]] = Field(default_factory=list)


def settings() -> DelightedSettings:
    return DelightedSettings(api_key=SecretStr("delighted-api-key"))


def guard(heard: Heard) -> Answer | None:
    """Basic, the key as user name; the vendor's own SDK leaves out the colon, so both are taken."""
    scheme, _, encoded = heard.headers.get("authorization", "").partition(" ")
    try:
        user = b64decode(encoded).decode().partition(":")[0] if scheme == "Basic" else ""
    except (NotBase64, UnicodeDecodeError):
        user = ""
    if user == reveal(heard.settings.api_key):
        return None
    return Answer(401, {"status": 401, "message": "Invalid API key"})


def metrics(heard: Heard, books: Books) -> Answer:
    scores = [response["score"] for response in books.responses]
    promoters, detractors = sum(s >= 9 for s in scores), sum(s <= 6 for s in scores)
    counts = {
        "promoter": promoters,
        "passive": len(scores) - promoters - detractors,
        "detractor": detractors,
    }
    whole = len(scores) or 1
    figures: dict[str, Any] = {"nps": round(100 * (promoters - detractors) / whole)}
    for who, count in counts.items():
        figures |= {f"{who}_count": count, f"{who}_percent": round(100 * count / whole, 1)}
    return Answer(200, figures | {"response_count": len(scores)})


def answer(given: Any, books: Books) -> Answer:
    try:
        answering = Answering.model_validate(given)
    except ValidationError as error:
        return Answer(422, {"errors": error.errors(include_url=False, include_context=False)})
    response = _response(answering)
    webhooks = [_webhook("survey_response.created", response)]
    if answering.text is not None:
        response = response | {"comment": answering.text}
        webhooks.append(_webhook("survey_response.updated", response, after=0.2))
    books.responses.append(response)
    return Answer(200, response, webhooks=webhooks)


def unsubscribe(given: Any, books: Books) -> Answer:
    try:
        leaving = Leaving.model_validate(given)
    except ValidationError as error:
        return Answer(422, {"errors": error.errors(include_url=False, include_context=False)})
    left = {"person": {"id": _id(), "email": leaving.email}, "unsubscribed_at": int(time.time())}
    books.unsubscribes.append(left)
    return Answer(200, left, webhooks=[_webhook("unsubscribe.created", left)])


def _id() -> str:
    return str(randbelow(10**9))


def _response(answering: Answering) -> dict[str, Any]:
    now = int(time.time())
    ours = answering.ovation_contact
    name = {"name": answering.name} if answering.name else {}
    return {
        "id": _id(),
        "person": {"id": _id(), "email": answering.email, **name, "created_at": now},
        "survey_type": "nps",
        "score": answering.score,
        "comment": None,
        "permalink": f"https://app.delighted.com/r/{token_hex(16)}",
        "created_at": now,
        "updated_at": now,
        "person_properties": {"ovation_contact": ours} if ours else None,
        "notes": [],
        "tags": [],
        "additional_answers": [],
    }


def _webhook(name: str, what: dict[str, Any], after: float = 0.0) -> Webhook:
    body = {"event_type": name, "event_id": token_hex(32), "event_data": what}
    return Webhook(json.dumps(body).encode(), after=after)


def rate_limited() -> Answer:
    return Answer(429, {"status": 429, "message": "Too many requests"}, headers={"retry-after": "1"})


def broken() -> Answer:
    return Answer(500, {"status": 500, "message": "Internal server error"})


STAND_IN = StandIn(
    name="delighted",
    books=Books,
    routes=[Route("GET", "/v1/metrics.json", metrics), Route("GET", "/v1/metrics", metrics)],
    guard=guard,
    rate_limited=rate_limited,
    broken=broken,
    settings=settings,
    moves={"answer": answer, "unsubscribe": unsubscribe},
)
