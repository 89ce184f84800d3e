"""SendGrid's event webhook: what became of our mails, and who wants no more.

The failure prevented: an opt-out or a bounce that is lost, or invented by a stranger. A request holds many events of
many mails; those that are not ours (no `ovation_effect`) say nothing about our messages, but an opt-out always counts.
"""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from models.base import Json
from models.contact import Identity
from models.event import Event, checked_data, id_from_content
from platforms.base import IGNORED, Body, Inbound, Incoming, reveal
from platforms.errors import BadSignature, Malformed
from platforms.sendgrid.client import EFFECT

if TYPE_CHECKING:
    from platforms.sendgrid import SendGridSettings

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"
OLDEST = timedelta(hours=25)
"""SendGrid repeats for 24 hours and does not say whether it signs anew; the inbox knows repeats anyway."""
AHEAD = timedelta(minutes=5)

_CURVE = ec.SECP256R1()
_SHA256 = ec.ECDSA(hashes.SHA256())
_DER = serialization.Encoding.DER


def new_key_pair(seed: str | None = None) -> tuple[str, str]:
    """A P-256 pair to play SendGrid with: the public key as SendGrid shows it, the private one as PKCS 8, both base64
    of DER. A seed gives the same pair in every process, which protects nothing: the sandbox's."""
    key = ec.generate_private_key(_CURVE) if seed is None else ec.derive_private_key(_number(seed), _CURVE)
    public = key.public_key().public_bytes(_DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(_DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return base64.b64encode(public).decode(), base64.b64encode(private).decode()


def verify(incoming: Incoming, settings: "SendGridSettings", now: datetime) -> None:
    """ECDSA on P-256 with SHA-256 over the timestamp's text and the raw body, nothing between them."""
    given, timestamp = incoming.headers.get(SIGNATURE.lower()), incoming.headers.get(TIMESTAMP.lower())
    if not given or not timestamp:
        raise BadSignature(f"{SIGNATURE} or {TIMESTAMP} is missing")
    if not settings.webhook_public_key:
        raise BadSignature("OVATION_SENDGRID__WEBHOOK_PUBLIC_KEY is not set")
    try:
        signature = base64.b64decode(given, validate=True)
        _public_key(settings.webhook_public_key).verify(signature, timestamp.encode() + incoming.body, _SHA256)
    except (InvalidSignature, ValueError) as error:
        raise BadSignature(str(error) or f"{SIGNATURE} does not match") from error
    if not -AHEAD.total_seconds() <= now.timestamp() - _seconds(timestamp) <= OLDEST.total_seconds():
        raise BadSignature("the request was signed more than a day ago, or in the future")


def sign(body: bytes, settings: "SendGridSettings", url: str, now: datetime) -> dict[str, str]:
    """The headers SendGrid would send. Only its private key can make them: the sandbox and tests have one."""
    private = reveal(settings.webhook_private_key)
    if not private:
        raise ValueError("OVATION_SENDGRID__WEBHOOK_PRIVATE_KEY is not set: only SendGrid can sign without it")
    timestamp = str(int(now.timestamp()))
    signature = _private_key(private).sign(timestamp.encode() + body, _SHA256)
    return {SIGNATURE: base64.b64encode(signature).decode(), TIMESTAMP: timestamp}


def unpack(incoming: Incoming) -> list[tuple[str, Body]]:
    """A pair for each event of the array. `bounce` is two things: for good, or `bounce.blocked`, refused this once."""
    try:
        items: Any = json.loads(incoming.body)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    if not isinstance(items, list):
        raise Malformed("not an array of events")
    return [(_name(item), item) for item in items]


def message_delivered(item: Body) -> list[Event]:
    """`processed` counts too: it proves that the mail left, which is what the ledger asks after a lost answer."""
    if EFFECT not in item:
        return []
    return [_event(item, "message.delivered", {"message": item[EFFECT]})]


def message_bounced(item: Body) -> list[Event]:
    """`bounce` came back; `dropped` was never sent, though SendGrid had said 202."""
    if EFFECT not in item:
        return []
    data: Json = {"message": item[EFFECT], "kind": item["event"]}
    if item.get("reason"):
        data["text"] = item["reason"]
    return [_event(item, "message.bounced", data)]


def opted_out(item: Body) -> list[Event]:
    """Global and group unsubscribes and spam reports, whoever's mail they answered."""
    return [_event(item, "contact.opted_out", {})]


def _event(item: Body, event_type: str, data: Json) -> Event:
    """`sg_event_id` is no key: repeats of one event have come with another (2025-11)."""
    email, second = item.get("email"), item.get("timestamp")
    if not isinstance(email, str) or not isinstance(second, int):
        raise Malformed(f"{item['event']} without an email or a timestamp")
    key = (item.get("sg_message_id"), item["event"], second, email.lower(), item.get("url", ""))
    try:
        return Event(
            type=event_type,
            source="sendgrid",
            source_id=id_from_content(*key),
            subject=Identity.parse(f"email:{email}"),
            at=datetime.fromtimestamp(second, UTC),
            data=checked_data(event_type, data),
        )
    except (ValueError, OverflowError, OSError) as error:
        raise Malformed(f"{item['event']}: {type(error).__name__} in its email, timestamp or {EFFECT}") from error


def _number(seed: str) -> int:
    """31 bytes, so that it is below the curve's order."""
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:31]) or 1


def _name(item: Any) -> str:
    if not isinstance(item, dict):
        raise Malformed("an event that is not an object")
    name = item.get("event")
    if not isinstance(name, str) or not name:
        raise Malformed("an event without its name")
    return "bounce.blocked" if name == "bounce" and item.get("type") == "blocked" else name


def _seconds(timestamp: str) -> int:
    try:
        return int(timestamp)
    except ValueError as error:
        raise BadSignature(f"{TIMESTAMP} is not a number") from error


@lru_cache(maxsize=4)
def _public_key(text: str) -> ec.EllipticCurvePublicKey:
    try:
        key = serialization.load_der_public_key(base64.b64decode(text))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("OVATION_SENDGRID__WEBHOOK_PUBLIC_KEY is not a base64 public key") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("OVATION_SENDGRID__WEBHOOK_PUBLIC_KEY is not a P-256 key")
    return key


@lru_cache(maxsize=4)
def _private_key(text: str) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_der_private_key(base64.b64decode(text), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("OVATION_SENDGRID__WEBHOOK_PRIVATE_KEY is not a base64 private key") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("OVATION_SENDGRID__WEBHOOK_PRIVATE_KEY is not a P-256 key")
    return key


INBOUND = Inbound(
    verify=verify,
    sign=sign,
    unpack=unpack,
    events={
        "processed": message_delivered,
        "delivered": message_delivered,
        "bounce": message_bounced,
        "dropped": message_bounced,
        "unsubscribe": opted_out,
        "group_unsubscribe": opted_out,
        "spamreport": opted_out,
        "bounce.blocked": IGNORED,
        "deferred": IGNORED,
        "open": IGNORED,
        "click": IGNORED,
        "group_resubscribe": IGNORED,
        "account_status_change": IGNORED,
    },
)
