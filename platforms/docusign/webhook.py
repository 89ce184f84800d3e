"""DocuSign Connect: an envelope was completed, declined or voided.

The failures prevented: an agreement taken for signed because a stranger says so, or never heard of because Connect
knows other envelopes than ours too; a signature that is waited for though it was refused. Connect signs the raw body
with each of its keys; there is no event id and no replay window, but an envelope ends only once.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from models.contact import Identity
from models.event import Event, checked_data
from platforms.base import IGNORED, Body, Inbound, Incoming, reveal
from platforms.docusign.client import field_of
from platforms.errors import BadSignature, Malformed

if TYPE_CHECKING:
    from platforms.docusign import DocuSignSettings

SIGNATURE = "X-DocuSign-Signature-"
"""Followed by a number: one header for each active key."""

_NAME = re.compile(r"[a-z-]{1,64}")
_OUR_KEY = re.compile(r"[A-Za-z0-9_.:-]+(/[A-Za-z0-9_.:-]+)+")


def verify(incoming: Incoming, settings: "DocuSignSettings", now: datetime) -> None:
    """One of the signatures has to fit: there are several while keys rotate."""
    secret = reveal(settings.webhook_secret)
    if not secret:
        raise BadSignature("OVATION_DOCUSIGN__WEBHOOK_SECRET is not set")
    given = [v for name, v in incoming.headers.items() if name.startswith(SIGNATURE.lower())]
    if not given:
        raise BadSignature("there is no X-DocuSign-Signature-1: switch HMAC on in the Connect configuration")
    expected = signature(secret, incoming.body)
    if not any([hmac.compare_digest(expected, one.encode("utf-8", "replace")) for one in given]):
        raise BadSignature("no X-DocuSign-Signature fits: is OVATION_DOCUSIGN__WEBHOOK_SECRET a Connect key?")


def sign(body: bytes, settings: "DocuSignSettings", url: str, now: datetime) -> dict[str, str]:
    """The headers that Connect would send with one key."""
    signed = signature(reveal(settings.webhook_secret), body).decode()
    return {f"{SIGNATURE}1": signed, "X-Authorization-Digest": "HMACSHA256"}


def signature(secret: str, body: bytes) -> bytes:
    """Base64 of HMAC-SHA256 over the raw body; the key is the text of the Connect key."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())


def unpack(incoming: Incoming) -> list[tuple[str, Body]]:
    """One pair: in the recommended mode a message tells one event, named in the body."""
    try:
        body: Any = json.loads(incoming.body)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON: let Connect send JSON, version 2.1") from error
    if not isinstance(body, dict):
        raise Malformed("not a JSON object")
    name = body.get("event")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Malformed("`event` is missing or no name: let Connect send individual messages (SIM)")
    if not isinstance(body.get("data"), dict):
        raise Malformed("`data` is missing or no object")
    return [(name, body)]


ENDS: dict[str, tuple[str, Body]] = {
    "completed": ("agreement.signed", {}),
    "declined": ("agreement.declined", {"how": "declined"}),
    "voided": ("agreement.declined", {"how": "voided"}),
}
"""DocuSign's status of an envelope that has ended → our event, and what it says. The reason stays at DocuSign."""


def _told(status: str) -> Callable[[Body], list[Event]]:
    def end_told(body: Body) -> list[Event]:
        """The envelope's own time of its end; the message may come days later."""
        data, summary = body["data"], body["data"].get("envelopeSummary")
        envelope = summary if isinstance(summary, dict) else {}
        told = {"generatedDateTime": body.get("generatedDateTime"), **envelope, "envelopeId": data.get("envelopeId")}
        return ended(told, status)

    return end_told


def ended(envelope: Body, status: str) -> list[Event]:
    """Of an envelope that ended, from a webhook or a list: the same event either way. Nothing if it is not ours."""
    own_id, mark = envelope.get("envelopeId"), field_of(envelope)
    if mark == "":
        return []
    if not isinstance(own_id, str) or not own_id:
        raise Malformed(f"envelope-{status} without its envelopeId")
    ours = mark is not None and _OUR_KEY.fullmatch(mark) is not None
    kind, says = ENDS[status]
    times = (envelope.get(name) for name in (f"{status}DateTime", "statusChangedDateTime", "generatedDateTime"))
    try:
        return [
            Event(
                type=kind,
                source="docusign",
                source_id=f"{status}:{own_id}",
                subject=Identity(kind="effect" if ours else "docusign_send", value=str(mark if ours else own_id)),
                at=datetime.fromisoformat(str(next(filter(None, times), None))),
                data=checked_data(kind, {"envelope": own_id, **says}),
            )
        ]
    except (ValueError, OverflowError) as error:
        raise Malformed(f"envelope-{status}: {type(error).__name__} in its id, time or ovation_effect") from error


INBOUND = Inbound(
    verify=verify,
    sign=sign,
    unpack=unpack,
    events={
        "envelope-completed": _told("completed"),
        "envelope-declined": _told("declined"),
        "envelope-voided": _told("voided"),
        "envelope-created": IGNORED,
        "envelope-sent": IGNORED,
        "envelope-resent": IGNORED,
        "envelope-delivered": IGNORED,
        "envelope-corrected": IGNORED,
        "envelope-deleted": IGNORED,
        "envelope-purge": IGNORED,
        "recipient-sent": IGNORED,
        "recipient-delivered": IGNORED,
        "recipient-completed": IGNORED,
        "recipient-declined": IGNORED,
        "recipient-autoresponded": IGNORED,
        "recipient-finish-later": IGNORED,
    },
)
