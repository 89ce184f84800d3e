"""Zendesk's event webhooks: what people decided about a referral, seen on its ticket.

The failure prevented: a verdict that waits for the next look at the export, or is invented by a stranger. Other
people's tickets are heard of here too and say nothing: the event has no address of theirs, so the export tells them.
"""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from models.event import Event
from platforms.base import IGNORED, Body, Inbound, Incoming, WithSettings, reveal
from platforms.errors import BadSignature, Malformed
from platforms.zendesk import stage

if TYPE_CHECKING:
    from platforms.zendesk import ZendeskSettings

SIGNATURE = "X-Zendesk-Webhook-Signature"
TIMESTAMP = "X-Zendesk-Webhook-Signature-Timestamp"
PREFIX = "zen:event-type:"
OLDEST = timedelta(minutes=15)
"""A timeout is tried up to five times, and Zendesk does not say whether each try is signed anew."""
AHEAD = timedelta(minutes=5)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """base64 of HMAC-SHA256 over the timestamp as it is written and the raw body, nothing between them."""
    message = timestamp.encode("utf-8", "replace") + body
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


def verify(incoming: Incoming, settings: "ZendeskSettings", now: datetime) -> None:
    """The signature first, then its age."""
    secret = reveal(settings.webhook_secret)
    if not secret:
        raise BadSignature(
            "the signing secret is unknown: the upkeep fetches it, or set OVATION_ZENDESK__WEBHOOK_SECRET"
        )
    given, timestamp = incoming.headers.get(SIGNATURE.lower(), ""), incoming.headers.get(TIMESTAMP.lower(), "")
    expected = signature(secret, timestamp, incoming.body)
    if not timestamp or not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
        raise BadSignature(f"{SIGNATURE} is missing or does not match: is the secret this webhook's?")
    if not -AHEAD <= now - _signed_at(timestamp) <= OLDEST:
        raise BadSignature("the request was not signed within a quarter of an hour of now")


def sign(body: bytes, settings: "ZendeskSettings", url: str, now: datetime) -> dict[str, str]:
    """The headers Zendesk would send. Raises ValueError without a secret."""
    secret = reveal(settings.webhook_secret)
    if not secret:
        raise ValueError("OVATION_ZENDESK__WEBHOOK_SECRET is not set")
    timestamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {SIGNATURE: signature(secret, timestamp, body), TIMESTAMP: timestamp}


def unpack(incoming: Incoming) -> list[tuple[str, Body]]:
    """One event a request, named by its type without the prefix that all have."""
    try:
        item: Any = json.loads(incoming.body)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    name = item.get("type") if isinstance(item, dict) else None
    if not isinstance(name, str) or not name.startswith(PREFIX):
        raise Malformed("no type: only event webhooks are read, none that a trigger fills in")
    return [(name.removeprefix(PREFIX), item)]


def ticket_changed(item: Body, settings: "ZendeskSettings") -> list[Event]:
    """Status and tags as they are after the change, whichever of them changed: a macro changes both."""
    detail = item.get("detail")
    if not isinstance(detail, dict):
        raise Malformed("an event without its ticket")
    return stage.verdict(stage.seen(detail), stage.moment(item.get("time")), settings)


def _signed_at(timestamp: str) -> datetime:
    try:
        return stage.moment(timestamp)
    except Malformed as error:
        raise BadSignature(f"{TIMESTAMP} is not a time") from error


INBOUND = Inbound(
    verify=verify,
    sign=sign,
    unpack=unpack,
    events={
        "ticket.status_changed": WithSettings(ticket_changed),
        "ticket.tags_changed": WithSettings(ticket_changed),
        # Not subscribed to by our upkeep; an admin's own webhook may send them. The export tells what they tell.
        "ticket.created": IGNORED,
        "ticket.comment_added": IGNORED,
        "ticket.merged": IGNORED,
        "ticket.soft_deleted": IGNORED,
    },
)
