"""Twilio's signature of a webhook, checked and made.

The failure prevented: a stranger who opts people out, or in. What is signed is the address as Twilio called it and the
parameters, so behind a proxy only the public address is right. There is no time in it: repeats are told by source id.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, parse_qsl, urlsplit

from platforms.base import Incoming, reveal
from platforms.errors import BadSignature

if TYPE_CHECKING:
    from platforms.twilio import TwilioSettings

SIGNATURE = "X-Twilio-Signature"
BY_KEY = "X-Twilio-Webhooks-Signature-Settings"
"""Names the algorithm where a SharedKey signs and not the Auth Token."""

_ALGORITHMS = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}
_PORTS = {"https": 443, "http": 80}


def verify(incoming: Incoming, settings: "TwilioSettings", now: datetime) -> None:
    """HMAC in base64 over the address, followed by each parameter's name and value in order of the names."""
    given = incoming.headers.get(SIGNATURE.lower())
    secret = reveal(settings.webhook_secret)
    if not given:
        raise BadSignature(f"{SIGNATURE} is missing")
    if not secret:
        raise BadSignature("OVATION_TWILIO__WEBHOOK_SECRET is not set")
    algorithm = _algorithm(incoming.headers.get(BY_KEY.lower(), ""))
    said = _said(incoming)
    expected = [_signature(secret, url + said, algorithm) for url in _addresses(incoming.url)]
    if not any([hmac.compare_digest(one.encode(), given.encode("utf-8", "replace")) for one in expected]):
        raise BadSignature(f"{SIGNATURE} does not match: is the public URL the one that Twilio calls?")


def sign(body: bytes, settings: "TwilioSettings", url: str, now: datetime) -> dict[str, str]:
    """The header Twilio would send with a form."""
    return {SIGNATURE: _signature(reveal(settings.webhook_secret), url + _flat(body), "sha1")}


def _said(incoming: Incoming) -> str:
    """What of the body is signed: a form's parameters; of any other body a hash, which the signed address carries."""
    digest = parse_qs(urlsplit(incoming.url).query).get("bodySHA256")
    if digest is None:
        return _flat(incoming.body)
    if not hmac.compare_digest(hashlib.sha256(incoming.body).hexdigest().encode(), digest[0].encode()):
        raise BadSignature("bodySHA256 is not that of the body")
    return ""


def _flat(body: bytes) -> str:
    """Names in order; a name that is there more than once has its different values in order."""
    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    return "".join(name + value for name, value in sorted(set(pairs)))


def _addresses(url: str) -> Iterator[str]:
    """With and without the port: Twilio does now this, now that."""
    parts = urlsplit(url)
    host, user = parts.hostname or "", parts.netloc.rpartition("@")
    port = parts.port or _PORTS.get(parts.scheme)
    bare = f"[{host}]" if ":" in host else host
    for netloc in (parts.netloc, f"{user[0]}{user[1]}{bare}", f"{user[0]}{user[1]}{bare}:{port}"):
        yield parts._replace(netloc=netloc, fragment="").geturl()


def _algorithm(by_key: str) -> str:
    named = dict(part.strip().partition("=")[::2] for part in by_key.split(","))
    name = (named.get("algorithm") or "HMAC_SHA1").strip().upper()
    if name not in _ALGORITHMS:
        raise BadSignature(f"{BY_KEY} names an algorithm that is not known here")
    return _ALGORITHMS[name]


def _signature(secret: str, message: str, algorithm: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), message.encode(), algorithm).digest()).decode()
