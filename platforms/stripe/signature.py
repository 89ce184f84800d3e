"""Stripe's signature of a webhook, checked and made.

The failure prevented: a forged refund that takes a reward away. Two endpoints tell us things, ours and that of the
connected accounts, each with a secret of its own: either is believed.
"""

import hashlib
import hmac
import json
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from platforms.base import Incoming, reveal
from platforms.errors import BadSignature

if TYPE_CHECKING:
    from platforms.stripe import StripeSettings

SIGNATURE = "Stripe-Signature"
TOLERANCE = timedelta(minutes=5)


def verify(incoming: Incoming, settings: "StripeSettings", now: datetime) -> None:
    """HMAC-SHA256 over `t.body`, in hex, by either secret; several `v1` while a secret is being changed."""
    given = incoming.headers.get(SIGNATURE.lower(), "")
    pairs = [part.strip().partition("=") for part in given.split(",")]
    seconds = next((value for name, _, value in pairs if name == "t"), "")
    signatures = [value for name, _, value in pairs if name == "v1"]
    if not signatures or not re.fullmatch(r"[0-9]{1,12}", seconds):
        raise BadSignature(f"{SIGNATURE} is missing, or not of the form t=…,v1=…")
    secrets = [s for s in (reveal(settings.webhook_secret), reveal(settings.connect_webhook_secret)) if s]
    if not secrets:
        raise BadSignature("OVATION_STRIPE__WEBHOOK_SECRET is not set")
    expected = [_signature(secret, seconds, incoming.body).encode() for secret in secrets]
    matches = [hmac.compare_digest(one.encode(), other) for one in signatures for other in expected]
    if not any(matches):
        raise BadSignature(f"{SIGNATURE} does not match")
    if abs(now.timestamp() - int(seconds)) > TOLERANCE.total_seconds():
        raise BadSignature("the request was signed more than five minutes ago, or in the future")


def sign(body: bytes, settings: "StripeSettings", url: str, now: datetime) -> dict[str, str]:
    """The header Stripe would send; an event of a connected account has that endpoint's secret, where there is one."""
    secret = reveal(settings.webhook_secret)
    if b'"account"' in body and _of_a_payee(body):
        secret = reveal(settings.connect_webhook_secret) or secret
    seconds = str(int(now.timestamp()))
    return {SIGNATURE: f"t={seconds},v1={_signature(secret, seconds, body)}"}


def _signature(secret: str, seconds: str, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()


def _of_a_payee(body: bytes) -> bool:
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(event, dict) and "account" in event
