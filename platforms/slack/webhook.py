"""Slack's requests to us: the Events API and interactivity, signed alike.

The failure prevented: a request that is not Slack's, or is one of Slack's sent again, being taken in. Nothing that
happens in Slack moves a journey yet; what we know is IGNORED. `app_uninstalled`, `tokens_revoked` and
`app_rate_limited` are left out of the table on purpose: what is not listed there is shown to an operator.
"""

import hashlib
import hmac
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from platforms.base import IGNORED, Body, Inbound, Incoming, Response, reveal
from platforms.errors import BadSignature, Malformed

if TYPE_CHECKING:
    from platforms.slack import SlackSettings

REPLAY_SECONDS = 300


def verify(incoming: Incoming, settings: "SlackSettings", now: datetime) -> None:
    """docs.slack.dev/authentication/verifying-requests-from-slack: v0, and a window of five minutes both ways."""
    _check_signature(incoming, settings)
    try:
        sent = int(incoming.headers["x-slack-request-timestamp"])
    except ValueError as error:
        raise BadSignature("X-Slack-Request-Timestamp is not a number") from error
    if abs(now.timestamp() - sent) > REPLAY_SECONDS:
        raise BadSignature("the request was not signed within five minutes of now")


def sign(body: bytes, settings: "SlackSettings", url: str, now: datetime) -> dict[str, str]:
    """The headers Slack would send; the URL is not part of the signature."""
    timestamp = str(int(now.timestamp()))
    return {
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": _signature(_secret(settings), timestamp, body),
    }


def handshake(incoming: Incoming, settings: "SlackSettings") -> Response | None:
    """Slack sends `url_verification` once, when the URL is entered: signed, and answered with its challenge.

    The signature is checked here too, so that no stranger can make us speak their words."""
    if incoming.content_type != "application/json" or b"url_verification" not in incoming.body:
        return None
    body = _object(incoming.body)
    if body.get("type") != "url_verification":
        return None
    _check_signature(incoming, settings)
    if not isinstance(body.get("challenge"), str):
        raise Malformed("url_verification without a challenge")
    return Response(text=body["challenge"])


def unpack(incoming: Incoming) -> list[tuple[str, Body]]:
    """One pair: an event's own type for the Events API, the payload's type for clicks, which come as a form."""
    if incoming.content_type == "application/x-www-form-urlencoded":
        if not (payload := incoming.form().get("payload")):
            raise Malformed("a form without `payload`: only interactivity is read, no slash commands")
        body = _object(payload.encode("utf-8", "replace"))
        return [(_type(body, "payload"), body)]
    body = _object(incoming.body)
    kind = _type(body, "body")
    if kind != "event_callback":
        return [(kind, body)]
    if not isinstance(body.get("event"), dict):
        raise Malformed("event_callback without an event")
    if not isinstance(body.get("event_id"), str):
        raise Malformed("event_callback without an event_id")
    return [(_type(body["event"], "event"), body)]


def _check_signature(incoming: Incoming, settings: "SlackSettings") -> None:
    timestamp = incoming.headers.get("x-slack-request-timestamp")
    given = incoming.headers.get("x-slack-signature")
    if not timestamp or not given:
        raise BadSignature("X-Slack-Signature or X-Slack-Request-Timestamp is missing")
    try:
        secret = _secret(settings)
    except ValueError as error:
        raise BadSignature(str(error)) from error
    expected = _signature(secret, timestamp, incoming.body)
    if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
        raise BadSignature("X-Slack-Signature does not match")


def _secret(settings: "SlackSettings") -> str:
    secret = reveal(settings.webhook_secret)
    if not secret:
        raise ValueError("OVATION_SLACK__WEBHOOK_SECRET is not set")
    return secret


def _signature(secret: str, timestamp: str, body: bytes) -> str:
    message = b"v0:" + timestamp.encode("utf-8", "replace") + b":" + body
    return "v0=" + hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def _object(raw: bytes) -> Body:
    try:
        body: Any = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    if not isinstance(body, dict):
        raise Malformed("not a JSON object")
    return body


def _type(body: Body, what: str) -> str:
    kind = body.get("type")
    if not isinstance(kind, str) or not kind:
        raise Malformed(f"{what} without a type")
    return kind


INBOUND = Inbound(
    verify=verify,
    sign=sign,
    unpack=unpack,
    handshake=handshake,
    events={
        "url_verification": IGNORED,
        "reaction_added": IGNORED,
        "reaction_removed": IGNORED,
        "app_mention": IGNORED,
        "message": IGNORED,
        "block_actions": IGNORED,
        "view_submission": IGNORED,
        "view_closed": IGNORED,
    },
)
