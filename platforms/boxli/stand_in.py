"""boxli's double: campaigns, and the sends that were ordered. It follows the contract described below in README.md.

Nothing moves by itself: a box is shipped, delivered, returned or scanned when a move says so, and a move passes over
what lies between. A move that was made before reports the same again and changes nothing, as a vendor does that is not
sure it was heard. Ids are random, so that emptied books never give an old one again.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from secrets import token_hex, token_urlsafe
from typing import Any, TypeVar

from pydantic import SecretStr, ValidationError

from models.base import Model
from platforms.base import Body, reveal
from platforms.boxli import BoxliSettings
from platforms.boxli.stand_in_books import HOST, MAY_COME_AFTER, Books, Kept, Sent, Stop, shown, timestamp
from platforms.boxli.stand_in_requests import Chosen, NewSend, Offering, Returning, Scanning
from platforms.stand_in import Answer, Heard, Route, StandIn, Webhook

PROBLEM = "application/problem+json"
KEPT = timedelta(hours=24)
"""How long an Idempotency-Key is known."""
PAGE = 100
LIMITS = {"RateLimit-Limit": "5", "RateLimit-Remaining": "4", "RateLimit-Reset": "1"}


class _Refused(Exception):
    """A problem document (RFC 9457)."""

    def __init__(self, status: int, kind: str, title: str, **more: object) -> None:
        super().__init__(title)
        body = {"type": f"{HOST}/problems/{kind}", "title": title, "status": status, **more}
        self.answer = Answer(status, body, headers=LIMITS, media_type=PROBLEM)


def _answered(handle: Callable[[Any, Books], Answer]) -> Callable[[Any, Books], Answer]:
    def answer(asked: Any, books: Books) -> Answer:
        try:
            return handle(asked, books)
        except _Refused as refused:
            return refused.answer

    return answer


def _unfit(*errors: tuple[str, str]) -> _Refused:
    named = [{"field": field, "message": message} for field, message in errors]
    return _Refused(422, "invalid-request", "The request is not valid", errors=named)


Asked = TypeVar("Asked", bound=Model)


def _read(model: type[Asked], given: Any) -> Asked:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise _unfit(*((".".join(map(str, e["loc"])) or "body", e["msg"]) for e in error.errors())) from None


# What it is asked.


@_answered
def _order(heard: Heard, books: Books) -> Answer:
    key = heard.headers.get("idempotency-key", "")
    if not 0 < len(key) <= 255:
        raise _unfit(("Idempotency-Key", "is required, at most 255 characters"))
    now = datetime.now(UTC)
    digest = hashlib.sha256(json.dumps(heard.json, sort_keys=True).encode()).hexdigest()
    first = books.keys.get(key)
    if first is not None and now - first.at < KEPT:
        if first.digest != digest:
            raise _Refused(409, "idempotency-key-reused", "This Idempotency-Key was used with another body")
        return Answer(201, first.answer, headers=LIMITS)
    answer = shown(_accepted(_read(NewSend, heard.json), books, now))
    books.keys[key] = Kept(digest=digest, at=now, answer=answer)
    return Answer(201, answer, headers=LIMITS)


def _accepted(order: NewSend, books: Books, now: datetime) -> Sent:
    if order.campaign not in books.campaigns:
        raise _unfit(("campaign", f"there is no campaign {order.campaign!r}"))
    if (order.recipient.address is None) == (order.address_request is None):
        raise _unfit(("recipient.address", "give either an address or an address_request"))
    first = books.of(order.external_reference)
    if first is not None:
        words = "There is a send of this external_reference"
        raise _Refused(409, "external-reference-taken", words, send_id=first.id)
    send = Sent(
        id=f"snd_{token_hex(8)}",
        external_reference=order.external_reference,
        status="awaiting_address" if order.address_request else "accepted",
        order=order.model_dump(exclude_unset=True),
        qr_token=token_urlsafe(8),
        created_at=timestamp(now),
    )
    books.add(send)
    return send


@_answered
def _find(heard: Heard, books: Books) -> Answer:
    """All sends, or the one of a reference, by pages."""
    reference = heard.query.get("external_reference")
    found = books.sends if reference is None else [send for send in [books.of(reference)] if send is not None]
    cursor = heard.query.get("cursor", "0")
    if not cursor.isdecimal():
        raise _unfit(("cursor", "is not one of ours"))
    end = int(cursor) + PAGE
    more = end < len(found)
    page = [shown(send) for send in found[int(cursor) : end]]
    return Answer(200, {"data": page, "has_more": more, "cursor": str(end) if more else None}, headers=LIMITS)


def _account(heard: Heard, books: Books) -> Answer:
    return Answer(200, {"id": "acc_sandbox", "name": "Acme", "campaigns": books.campaigns}, headers=LIMITS)


def _guard(heard: Heard) -> Answer | None:
    if heard.headers.get("authorization") == f"Bearer {reveal(heard.settings.api_key)}":
        return None
    return _Refused(401, "unauthorized", "The API key is missing or not known").answer


# What is made to happen.


def _comes_to(status: Stop, model: type[Chosen]) -> Callable[[Any, Books], Answer]:
    """The move that brings a send to this status, and reports it."""

    @_answered
    def move(given: Any, books: Books) -> Answer:
        asked = _read(model, given)
        send, report = _chosen(asked, books), f"send.{status}"
        if report not in send.reported:
            if send.status not in MAY_COME_AFTER[status]:
                raise _Refused(409, "not-now", f"{send.id} is {send.status}: it cannot become {status}")
            send.status = status
            send.reported[report] = _report(report, asked, _told(status, asked, send))
        return _moved(send, send.reported[report])

    return move


def _told(status: Stop, asked: Chosen, send: Sent) -> Body:
    told: Body = {"id": send.id, "external_reference": send.external_reference}
    if status == "shipped":
        number = token_hex(5).upper()
        send.tracking = {"carrier": "Parcel Post", "number": number, "url": f"{HOST}/track/{number}"}
        told["tracking"] = send.tracking
    if isinstance(asked, Returning):
        told["reason"] = asked.reason or ("address unknown" if status == "returned" else "could not be made")
    return told


@_answered
def _scan(given: Any, books: Books) -> Answer:
    asked = _read(Scanning, given)
    send = _chosen(asked, books)
    event_id = asked.external_event_id or f"evt_{token_hex(8)}"
    if event_id not in books.signals:
        further = asked.model_dump(include={"event_source", "duration_sec", "play_sequence_num"}, exclude_none=True)
        signal = {"external_event_id": event_id, "send_id": send.id, **further}
        books.signals[event_id] = _report("signal.recorded", asked, signal)
        if send.status == "delivered":
            send.status = "engaged"
    return _moved(send, books.signals[event_id])


@_answered
def _campaign(given: Any, books: Books) -> Answer:
    offered = _read(Offering, given).campaign
    if offered not in books.campaigns:
        books.campaigns.append(offered)
    return Answer(200, {"campaigns": books.campaigns})


def _chosen(asked: Chosen, books: Books) -> Sent:
    """The newest where nothing is said. A reference leads there at once, however many sends there are."""
    if asked.external_reference is None:
        candidates = books.sends
    else:
        candidates = [send for send in [books.of(asked.external_reference)] if send is not None]
    found = next((send for send in reversed(candidates) if asked.id in (None, send.id)), None)
    if found is None:
        raise _Refused(404, "not-found", "There is no such send" if books.sends else "Nothing was ordered yet")
    return found


def _report(kind: str, asked: Chosen, told: Body) -> Body:
    now = datetime.now(UTC)
    occurred_at = timestamp(asked.occurred_at or now)
    return {"type": kind, "timestamp": timestamp(now), "data": {**told, "occurred_at": occurred_at}}


def _moved(send: Sent, report: Body) -> Answer:
    return Answer(200, shown(send), webhooks=[Webhook(json.dumps(report, separators=(",", ":")).encode())])


def _rate_limited() -> Answer:
    refused = _Refused(429, "rate-limited", "Too many requests").answer
    spent = {**LIMITS, "RateLimit-Remaining": "0", "Retry-After": "1"}
    return Answer(429, refused.json, headers=spent, media_type=PROBLEM)


STAND_IN = StandIn(
    name="boxli",
    books=Books,
    routes=[
        Route("POST", "/v1/sends", _order),
        Route("GET", "/v1/sends", _find),
        Route("GET", "/v1/account", _account),
    ],
    guard=_guard,
    rate_limited=_rate_limited,
    broken=lambda: _Refused(500, "internal-error", "Something went wrong").answer,
    settings=lambda: BoxliSettings(
        base_url=HOST,
        api_key=SecretStr("boxli-sandbox-key"),
        webhook_secret=SecretStr("whsec_Ym94bGktc2FuZGJveC1zaWduaW5nLXNlY3JldC0zMmI="),
    ),
    moves={
        "ship": _comes_to("shipped", Chosen),
        "deliver": _comes_to("delivered", Chosen),
        "return": _comes_to("returned", Returning),
        "fail": _comes_to("failed", Returning),
        "scan": _scan,
        "campaign": _campaign,
    },
)
