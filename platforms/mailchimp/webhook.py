"""Mailchimp's webhooks: who unsubscribed, and whose address was cleaned.

The failure prevented: an opt-out that is lost, or invented by a stranger. The signature is over the raw form, before it
is read; a webhook made before Mailchimp signed carries none and is refused.
"""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from models.contact import Identity
from models.event import Event, id_from_content
from platforms.base import IGNORED, Body, Inbound, Incoming, Response, reveal
from platforms.errors import BadSignature, Malformed
from platforms.mailchimp.member import KIND

if TYPE_CHECKING:
    from platforms.mailchimp import MailchimpSettings

SIGNATURE = "X-Mailchimp-Signature"
WINDOW = timedelta(minutes=5)


def handshake(incoming: Incoming, settings: "MailchimpSettings") -> Response | None:
    """When a webhook is saved Mailchimp asks by GET, at times by HEAD, whether we are there, and signs nothing."""
    return Response() if incoming.method in ("GET", "HEAD") else None


def verify(incoming: Incoming, settings: "MailchimpSettings", now: datetime) -> None:
    """HMAC-SHA256 over time, a dot and the raw body; one of several `v1` will do while a secret is changed."""
    secret = reveal(settings.webhook_secret)
    if not secret:
        raise BadSignature("OVATION_MAILCHIMP__WEBHOOK_SECRET is not set, and the upkeep made no webhook yet")
    seconds, given = _parts(incoming.headers.get(SIGNATURE.lower(), ""))
    expected = _signature(secret, seconds, incoming.body)
    if not any(hmac.compare_digest(expected.encode(), one.encode("utf-8", "replace")) for one in given):
        raise BadSignature(f"{SIGNATURE} is missing or does not match")
    if abs(now.timestamp() - int(seconds)) > WINDOW.total_seconds():
        raise BadSignature("the request was not signed within five minutes of now")


def sign(body: bytes, settings: "MailchimpSettings", url: str, now: datetime) -> dict[str, str]:
    """The header Mailchimp would send. Raises ValueError without a secret."""
    secret = reveal(settings.webhook_secret)
    if not secret:
        raise ValueError("OVATION_MAILCHIMP__WEBHOOK_SECRET is not set")
    seconds = str(int(now.timestamp()))
    return {SIGNATURE: f"t={seconds},v1={_signature(secret, seconds, body)}"}


def unpack(incoming: Incoming) -> list[tuple[str, Body]]:
    """One event for each request: a form with brackets (`data[email]`), whatever Mailchimp's own sample reads."""
    if incoming.content_type != "application/x-www-form-urlencoded":
        raise Malformed("not a form")
    item: Body = dict(incoming.form())
    if not item.get("type"):
        raise Malformed("a form without its type")
    return [(item["type"], item)]


def left(item: Body) -> list[Event]:
    """`unsubscribe`: by themselves, by a complaint, by a colleague. `cleaned`: nobody reads this address any more."""
    try:
        at = datetime.fromisoformat(item.get("fired_at", ""))
        at = (at.replace(tzinfo=UTC) if at.tzinfo is None else at).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Malformed("fired_at is not a time") from error
    return [opted_out(item.get("data[list_id]", ""), item.get("data[email]", ""), at)]


def opted_out(list_id: str, email: str, at: datetime, contact: str | None = None) -> Event:
    """One event from a webhook and from the reading afterwards: their times may differ, so the hour counts."""
    try:
        subject = Identity.parse(f"email:{email}")
        return Event(
            type="contact.opted_out",
            source="mailchimp",
            source_id=id_from_content("opted_out", list_id, subject.value, f"{at:%Y-%m-%dT%H}"),
            subject=subject,
            at=at,
            identities=[Identity(kind=KIND, value=contact)] if contact else [],
        )
    except ValueError as error:
        raise Malformed("an opt-out without an e-mail address") from error


def _parts(header: str) -> tuple[str, list[str]]:
    pairs = [part.strip().partition("=") for part in header.split(",")]
    seconds = next((value for name, _, value in pairs if name == "t"), "")
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) < 16):
        raise BadSignature(f"{SIGNATURE} is missing, or has no time")
    return seconds, [value for name, _, value in pairs if name == "v1"]


def _signature(secret: str, seconds: str, body: bytes) -> str:
    return hmac.new(secret.encode(), seconds.encode() + b"." + body, hashlib.sha256).hexdigest()


INBOUND = Inbound(
    verify=verify,
    sign=sign,
    unpack=unpack,
    handshake=handshake,
    events={
        "unsubscribe": left,
        "cleaned": left,
        "subscribe": IGNORED,
        "profile": IGNORED,
        "upemail": IGNORED,
        "campaign": IGNORED,
    },
)
