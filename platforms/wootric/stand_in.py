"""Wootric as far as we use it: sign-in, the month's figures, and people who answer its survey.

A score is reported at once and its comment in a second webhook, as the vendor does.
"""

import json
import time
from datetime import UTC, datetime
from hashlib import sha256
from secrets import randbelow
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError

from models.base import Model
from platforms.base import reveal
from platforms.stand_in import Answer, Heard, Route, StandIn, Webhook
from platforms.wootric import WootricSettings

PER_MINUTE = 100
SURVEY = 1146


class TokenRequest(Model):
    """The form of POST /oauth/token."""

    grant_type: Literal["client_credentials"]
    client_id: str
    client_secret: str


class Answering(Model):
    """The move `answer`: someone gives a score and, a moment later, a comment."""

    email: str
    score: int = Field(ge=0, le=10)
    text: str | None = None
    external_id: str | None = None


class Declining(Model):
    """The move `decline`: someone closes the survey."""

    email: str


class Books(Model):
    responses: list[dict[str, Any]] = Field(default_factory=list)
    declines: list[dict[str, Any]] = Field(default_factory=list)


def settings() -> WootricSettings:
    return WootricSettings(
        client_id="wootric-client-id",
        client_secret=SecretStr("wootric-client-secret"),
        webhook_secret=SecretStr("wootric-webhook-secret"),
    )


def token_of(settings: WootricSettings) -> str:
    """One token for the credentials, so that the guard needs no books."""
    return sha256(f"{settings.client_id}:{reveal(settings.client_secret)}".encode()).hexdigest()


def guard(heard: Heard) -> Answer | None:
    if heard.path.endswith("/oauth/token"):
        return None
    if heard.headers.get("authorization") == f"Bearer {token_of(heard.settings)}":
        return None
    return _error(401, "unauthorized", "The access token is invalid")


def _error(status: int, word: str, message: str) -> Answer:
    """The vendor documents codes only; this shape is its record errors'."""
    return Answer(status, {"type": "error_list", "errors": [{"status": word, "message": message}]})


def _limits(left: int) -> dict[str, str]:
    reset = (int(time.time()) // 60 + 1) * 60
    return {
        "x-rate-limit-limit": str(PER_MINUTE),
        "x-rate-limit-remaining": str(left),
        "x-rate-limit-reset": str(reset),
    }


def token(heard: Heard, books: Books) -> Answer:
    try:
        asked = TokenRequest.model_validate(dict(heard.form))
    except ValidationError:
        return Answer(400, {"error": "invalid_request", "error_description": "The request is missing a parameter."})
    ours = (heard.settings.client_id, reveal(heard.settings.client_secret))
    if (asked.client_id, asked.client_secret) != ours:
        return Answer(401, {"error": "invalid_client", "error_description": "Client authentication failed."})
    granted = {"access_token": token_of(heard.settings), "token_type": "bearer"}
    return Answer(200, {**granted, "expires_in": 7200, "scope": "public"})


def nps_summary(heard: Heard, books: Books) -> Answer:
    scores = [response["score"] for response in books.responses]
    promoters, detractors = sum(s >= 9 for s in scores), sum(s <= 6 for s in scores)
    asked = len(scores) + len(books.declines)
    summary = {
        "nps": round(100 * (promoters - detractors) / len(scores)) if scores else 0,
        "responses": len(scores),
        "detractors": detractors,
        "passives": len(scores) - promoters - detractors,
        "promoters": promoters,
        "response_rate": round(100 * len(scores) / asked) if asked else 0,
        "email_response_rate": 0,
    }
    return Answer(200, summary, headers=_limits(PER_MINUTE - 1))


def answer(given: Any, books: Books) -> Answer:
    try:
        answering = Answering.model_validate(given)
    except ValidationError as error:
        return Answer(422, {"errors": error.errors(include_url=False, include_context=False)})
    response = _about(answering.email, answering.external_id) | {
        "score": answering.score,
        "text": None,
        "excluded_from_calculations": False,
    }
    webhooks = [_webhook("created", "response", response)]
    if answering.text is not None:
        response = response | {"text": answering.text, "updated_at": _now()}
        webhooks.append(_webhook("updated", "response", response, after=0.2))
    books.responses.append(response)
    return Answer(200, response, webhooks=webhooks)


def decline(given: Any, books: Books) -> Answer:
    try:
        declining = Declining.model_validate(given)
    except ValidationError as error:
        return Answer(422, {"errors": error.errors(include_url=False, include_context=False)})
    closed = _about(declining.email, None)
    books.declines.append(closed)
    return Answer(200, closed, webhooks=[_webhook("created", "decline", closed)])


def _about(email: str, external_id: str | None) -> dict[str, Any]:
    now = _now()
    return {
        "id": randbelow(10**9),
        "email": email,
        "external_id": external_id,
        "ip_address": "203.0.113.9",
        "origin_url": "https://app.example.com/",
        "end_user_id": randbelow(10**9),
        "end_user_properties": {},
        "survey_id": SURVEY,
        "created_at": now,
        "updated_at": now,
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _webhook(name: str, about: str, what: dict[str, Any], after: float = 0.0) -> Webhook:
    around = {"event_name": name, "timestamp": _now(), "account_token": "NPS-00000000", "survey_mode": "NPS"}
    return Webhook(json.dumps({about: what, **around}).encode(), after=after)


def rate_limited() -> Answer:
    return Answer(429, text="", headers=_limits(0))


def broken() -> Answer:
    return Answer(500, {"status": 500, "error": "Internal Server Error"})


STAND_IN = StandIn(
    name="wootric",
    books=Books,
    routes=[Route("POST", "/oauth/token", token), Route("GET", "/v1/nps_summary", nps_summary)],
    guard=guard,
    rate_limited=rate_limited,
    broken=broken,
    settings=settings,
    moves={"answer": answer, "decline": decline},
)
