"""Prevents: a signature that only we and our own double agree on.

What the vendor's own SDK signs is believed here, and what our stand-in signs is believed there. Stripe's and Twilio's
are in their own files, beside much else that is held against those SDKs.
"""

import time
from datetime import UTC, datetime

import pytest
from hubspot.utils.signature import Signature
from sendgrid.helpers.eventwebhook import EventWebhook
from slack_sdk.signature import SignatureVerifier

from platforms import all_platforms
from platforms.base import Incoming, reveal
from platforms.errors import BadSignature
from platforms.hubspot.stand_in import STAND_IN as HUBSPOT
from platforms.sendgrid.stand_in import STAND_IN as SENDGRID
from platforms.slack.stand_in import STAND_IN as SLACK

BODY = b'[{"email":"ada@example.com","event":"delivered","timestamp":1768471200}]'


def believed(name: str, headers: dict[str, str], body: bytes = BODY, settings: object = None) -> None:
    """Raises BadSignature where we do not believe it."""
    platform = all_platforms()[name]
    assert platform.inbound is not None
    url = f"https://ovation.example/webhooks/{name}"
    incoming = Incoming("POST", url, {key.lower(): value for key, value in headers.items()}, {}, body)
    platform.inbound.verify(incoming, settings, datetime.now(UTC))


def signed(name: str, settings: object) -> dict[str, str]:
    """As our stand-in signs it."""
    inbound = all_platforms()[name].inbound
    assert inbound is not None
    return inbound.sign(BODY, settings, f"https://ovation.example/webhooks/{name}", datetime.now(UTC))


def test_slack() -> None:
    settings = SLACK.settings()
    sdk = SignatureVerifier(reveal(settings.webhook_secret))
    timestamp = str(int(time.time()))
    theirs = sdk.generate_signature(timestamp=timestamp, body=BODY)
    assert theirs is not None
    believed("slack", {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": theirs}, settings=settings)
    assert sdk.is_valid_request(BODY, signed("slack", settings))
    with pytest.raises(BadSignature):
        believed("slack", {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": theirs}, b"{}", settings)


def test_sendgrid() -> None:
    """Its SDK verifies and does not sign; so ours is held against it, and a changed byte is refused by both."""
    settings = SENDGRID.settings()
    sdk = EventWebhook(getattr(settings, "webhook_public_key"))  # noqa: B009  (a field of SendGrid's settings alone)
    headers = signed("sendgrid", settings)
    signature = headers["X-Twilio-Email-Event-Webhook-Signature"]
    timestamp = headers["X-Twilio-Email-Event-Webhook-Timestamp"]
    assert sdk.verify_signature(BODY.decode(), signature, timestamp)
    believed("sendgrid", headers, settings=settings)
    assert not sdk.verify_signature(BODY.decode() + " ", signature, timestamp)
    with pytest.raises(BadSignature):
        believed("sendgrid", headers, BODY + b" ", settings)


def test_hubspot() -> None:
    settings = HUBSPOT.settings()
    secret = reveal(getattr(settings, "client_secret"))  # noqa: B009  (a field of HubSpot's settings alone)
    url = "https://ovation.example/webhooks/hubspot"
    timestamp = str(int(time.time() * 1000))
    theirs = Signature.get_signature(secret, BODY.decode(), "v3", url, "POST", timestamp)
    headers = {"X-HubSpot-Request-Timestamp": timestamp, "X-HubSpot-Signature-v3": theirs}
    believed("hubspot", headers, settings=settings)
    ours = signed("hubspot", settings)
    assert Signature.is_valid(
        signature=ours["X-HubSpot-Signature-v3"],
        client_secret=secret,
        request_body=BODY.decode(),
        http_uri=url,
        http_method="POST",
        signature_version="v3",
        timestamp=ours["X-HubSpot-Request-Timestamp"],
    )
    with pytest.raises(BadSignature):
        believed("hubspot", headers, BODY + b" ", settings)
