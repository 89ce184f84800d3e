"""HubSpot's signatures: v3 for everything that carries it, v2 for a workflow's action alone.

The failure prevented: a forged or repeated request taken in; a genuine one refused because the address was decoded as
a whole, where HubSpot decodes a dozen characters and leaves the others.
"""

import base64
import hashlib
import hmac
import re
from datetime import datetime
from typing import TYPE_CHECKING

from platforms.base import Incoming, reveal
from platforms.errors import BadSignature

if TYPE_CHECKING:
    from platforms.hubspot import HubSpotSettings

REPLAY_MILLIS = 300_000

_DECODED = re.compile(r"%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)


def verify(incoming: Incoming, settings: "HubSpotSettings", now: datetime) -> None:
    """v3 where it is given, and then it must be right; else v2, which has no time, and which only a workflow uses.

    v1 is never enough: it says nothing of address and time."""
    secret = reveal(settings.client_secret)
    if not secret:
        raise BadSignature("OVATION_HUBSPOT__CLIENT_SECRET is not set")
    if "x-hubspot-signature-v3" in incoming.headers:
        _check_v3(incoming, secret, now)
    elif incoming.headers.get("x-hubspot-signature-version") == "v2" and not _lists_events(incoming.body):
        expected = v2(secret, incoming.method, incoming.url, incoming.body)
        _compare(expected, incoming.headers.get("x-hubspot-signature", ""), "X-HubSpot-Signature")
    else:
        raise BadSignature("X-HubSpot-Signature-v3 is missing; a workflow may send v2 instead")


def sign(body: bytes, settings: "HubSpotSettings", url: str, now: datetime) -> dict[str, str]:
    """The headers HubSpot would send; a workflow's request has v2 beside v3. Raises ValueError without a secret."""
    secret = reveal(settings.client_secret)
    if not secret:
        raise ValueError("OVATION_HUBSPOT__CLIENT_SECRET is not set")
    timestamp = str(round(now.timestamp() * 1000))
    signed = {
        "X-HubSpot-Request-Timestamp": timestamp,
        "X-HubSpot-Signature-v3": v3(secret, "POST", url, body, timestamp),
    }
    if not _lists_events(body):
        signed |= {"X-HubSpot-Signature-Version": "v2", "X-HubSpot-Signature": v2(secret, "POST", url, body)}
    return signed


def v3(secret: str, method: str, url: str, body: bytes, timestamp: str) -> str:
    """base64 of HMAC-SHA256 over method, address, body and the timestamp in milliseconds."""
    address = _DECODED.sub(lambda found: chr(int(found[1], 16)), url)
    message = (method + address).encode("utf-8", "replace") + body + timestamp.encode("utf-8", "replace")
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


def v2(secret: str, method: str, url: str, body: bytes) -> str:
    """Hex of a plain SHA-256 over secret, method, address and body."""
    return hashlib.sha256((secret + method + url).encode("utf-8", "replace") + body).hexdigest()


def _check_v3(incoming: Incoming, secret: str, now: datetime) -> None:
    timestamp = incoming.headers.get("x-hubspot-request-timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
        raise BadSignature("X-HubSpot-Request-Timestamp is not a number of milliseconds")
    expected = v3(secret, incoming.method, incoming.url, incoming.body, timestamp)
    _compare(expected, incoming.headers["x-hubspot-signature-v3"], "X-HubSpot-Signature-v3")
    if abs(now.timestamp() * 1000 - int(timestamp)) > REPLAY_MILLIS:
        raise BadSignature("the request was not signed within five minutes of now")


def _compare(expected: str, given: str, header: str) -> None:
    if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
        raise BadSignature(
            f"{header} does not match: OVATION_HUBSPOT__CLIENT_SECRET is another app's, "
            "or OVATION_PUBLIC_URL is not the address that HubSpot calls"
        )


def _lists_events(body: bytes) -> bool:
    """A subscription's events come as a list, a workflow's contact as an object."""
    return body.lstrip()[:1] == b"["
