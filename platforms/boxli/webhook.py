"""boxli's webhooks: where a box is, and that its code was scanned.

They follow the contract described below in README.md and are signed by Standard Webhooks. The failure prevented: a
delivery that starts a journey's clocks late or twice, or that a stranger made up.
"""

import base64
import hashlib
import hmac
import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import AwareDatetime, ConfigDict, ValidationError

from models.base import Json, Personal
from models.contact import Identity
from models.event import Event, Id, checked_data, id_from_content
from platforms.base import IGNORED, Body, Inbound, Incoming, reveal
from platforms.errors import BadSignature, Malformed

if TYPE_CHECKING:
    from platforms.boxli import BoxliSettings

TOLERANCE = 300
"""Seconds between `webhook-timestamp` and now, both ways."""

SIGNALS = {"boxli_qr": "qr", "nfc": "nfc", "video_brochure": "video_brochure"}
"""boxli's sources of a signal, and ours. All of them say that somebody is holding the box."""

_NAME = re.compile(r"[a-z0-9_.]{1,64}")
_OUR_KEY = re.compile(r"[A-Za-z0-9_./:-]{1,120}")
_PREFIX = "whsec_"


def verify(incoming: Incoming, settings: "BoxliSettings", now: datetime) -> None:
    """One of the signatures has to fit (there are several while a secret rotates), and the attempt has to be recent."""
    message_id = incoming.headers.get("webhook-id")
    timestamp = incoming.headers.get("webhook-timestamp")
    given = incoming.headers.get("webhook-signature")
    if not message_id or not timestamp or not given:
        raise BadSignature("webhook-id, webhook-timestamp or webhook-signature is missing")
    try:
        expected = signature(_secret(settings), message_id, timestamp, incoming.body)
    except ValueError as error:
        raise BadSignature(str(error)) from None
    if not any([hmac.compare_digest(expected, one.encode("utf-8", "replace")) for one in given.split(" ")]):
        raise BadSignature("webhook-signature does not match: is OVATION_BOXLI__WEBHOOK_SECRET whole, with `whsec_`?")
    if abs(int(now.timestamp()) - _seconds(timestamp)) > TOLERANCE:
        raise BadSignature("the request was not signed within five minutes of now")


def sign(body: bytes, settings: "BoxliSettings", url: str, now: datetime) -> dict[str, str]:
    """The headers boxli would send. A message keeps its id when it is sent again, so the id is made from the body.

    Raises ValueError when the secret is not set or cannot be read."""
    message_id, timestamp = f"msg_{id_from_content(body)[:24]}", str(int(now.timestamp()))
    signed = signature(_secret(settings), message_id, timestamp, body)
    return {"webhook-id": message_id, "webhook-timestamp": timestamp, "webhook-signature": signed.decode()}


def signature(secret: str, message_id: str, timestamp: str, body: bytes) -> bytes:
    """`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.

    Raises ValueError for a secret that is not base64."""
    message = f"{message_id}.{timestamp}.".encode("utf-8", "replace") + body
    return b"v1," + base64.b64encode(hmac.new(_key(secret), message, hashlib.sha256).digest())


def unpack(incoming: Incoming) -> list[tuple[str, Body]]:
    """One pair. A signal of a source we have not met gets a name of its own, so that an operator is shown it."""
    try:
        body: Any = json.loads(incoming.body)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    if not isinstance(body, dict):
        raise Malformed("not a JSON object")
    if not isinstance(body.get("data"), dict):
        raise Malformed("`data` is missing or no object")
    name = _word(body.get("type"), "type")
    if name == "signal.recorded" and (source := _word(body["data"].get("event_source"), "event_source")) not in SIGNALS:
        name = f"{name}.{source}"
    return [(name, body)]


class _Wire(Personal):
    """What boxli sends, as far as we read it."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    external_reference: str | None = None
    occurred_at: AwareDatetime | None = None


class Send(_Wire):
    id: Id
    reason: str | None = None


class Signal(_Wire):
    external_event_id: Id
    send_id: Id


class _Envelope(Personal):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    timestamp: AwareDatetime | None = None


Wire = TypeVar("Wire", Send, Signal, _Envelope)


def shipped(body: Body) -> list[Event]:
    return [_of_send("gift.shipped", body)]


def delivered(body: Body) -> list[Event]:
    """At `occurred_at`, when the box was handed over: the webhook may come much later."""
    return [_of_send("gift.delivered", body)]


def returned(body: Body) -> list[Event]:
    """A send that failed comes here too: for the journey it is one thing, a box that does not reach its person."""
    return [_of_send("gift.returned", body)]


def scanned(body: Body) -> list[Event]:
    """A code scanned, a chip touched, or the film in the lid played. The same scan may also reach our own page; the
    inbox makes one of both."""
    signal = _read(Signal, body["data"], "data")
    data: Json = {"source": SIGNALS[body["data"]["event_source"]]}
    source_id = f"{body['type']}:{signal.external_event_id}"
    return [_event("qr.scanned", body, signal, source_id, signal.send_id, data)]


def _of_send(event_type: str, body: Body) -> Event:
    """Each happens to a send once: by its id a report sent again is known, also under another webhook-id."""
    send = _read(Send, body["data"], "data")
    data: Json = {"send": send.id}
    if event_type == "gift.returned" and send.reason:
        data["reason"] = send.reason[:500]
    return _event(event_type, body, send, f"{body['type']}:{send.id}", send.id, data)


def _event(event_type: str, body: Body, told: Send | Signal, source_id: str, send: str, data: Json) -> Event:
    at = told.occurred_at or _read(_Envelope, body, "body").timestamp
    if at is None:
        raise Malformed("neither data.occurred_at nor timestamp says when it happened")
    key = told.external_reference
    ours = key is not None and _OUR_KEY.fullmatch(key) is not None
    subject = Identity(kind="effect", value=str(key)) if ours else Identity(kind="boxli_send", value=send)
    try:
        return Event(
            type=event_type,
            source="boxli",
            source_id=source_id,
            subject=subject,
            at=at,
            data=checked_data(event_type, {"gift": key, **data} if ours else data),
        )
    except (ValueError, OverflowError) as error:
        raise Malformed(f"{body['type']}: {error}") from None


def _read(model: type[Wire], given: Body, what: str) -> Wire:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        raise Malformed(f"{what}.{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def _word(value: Any, what: str) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise Malformed(f"`{what}` is missing or no name")
    return value


def _secret(settings: "BoxliSettings") -> str:
    secret = reveal(settings.webhook_secret)
    if not secret:
        raise ValueError("OVATION_BOXLI__WEBHOOK_SECRET is not set")
    return secret


def _key(secret: str) -> bytes:
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not key:
        raise ValueError("OVATION_BOXLI__WEBHOOK_SECRET is not base64 after `whsec_`")
    return key


def _seconds(timestamp: str) -> int:
    try:
        return int(timestamp)
    except ValueError:
        raise BadSignature("webhook-timestamp is not a number") from None


INBOUND = Inbound(
    verify=verify,
    sign=sign,
    unpack=unpack,
    events={
        "send.shipped": shipped,
        "send.delivered": delivered,
        "send.returned": returned,
        "send.failed": returned,
        "signal.recorded": scanned,
        "send.address_confirmed": IGNORED,
    },
)
