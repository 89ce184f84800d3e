"""Notion's webhooks: a signal that a page changed, without what it says.

The failure prevented: a stranger who makes their own token ours. Notion sends the token that signs everything once,
unsigned, while the webhook is set up: it is taken only while none is known, and never again.
"""

import hashlib
import hmac
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from models.base import Json
from models.contact import Identity
from models.event import Event, checked_data, id_from_content
from platforms.base import IGNORED, Body, Inbound, Incoming, Poke, Response, reveal
from platforms.errors import BadSignature, Malformed
from platforms.notion import row

if TYPE_CHECKING:
    from platforms.notion import NotionSettings

SIGNATURE = "X-Notion-Signature"
CHANGES = "changes"
"""The upkeep that a signal wakes."""
_LONGEST_TOKEN = 300


def handshake(incoming: Incoming, settings: "NotionSettings") -> Response | None:
    """The request with the verification token; a person then pastes that token into Notion's *Verify*."""
    token = _token(incoming.body)
    if token is None:
        return None
    known = reveal(settings.webhook_secret)
    if not known:
        return Response(secret=token)
    if hmac.compare_digest(known.encode(), token.encode("utf-8", "replace")):
        return Response()
    return Response(409, "another verification token is in use: unset it before you set up a new webhook")


def verify(incoming: Incoming, settings: "NotionSettings", now: datetime) -> None:
    """HMAC-SHA256 over the raw body in hex, keyed with the verification token. No time is signed."""
    given = incoming.headers.get(SIGNATURE.lower(), "")
    secret = reveal(settings.webhook_secret)
    if not secret:
        raise BadSignature("OVATION_NOTION__WEBHOOK_SECRET is not set: it is the verification token of the webhook")
    if not given:
        raise BadSignature(f"{SIGNATURE} is missing")
    if not hmac.compare_digest(_signature(incoming.body, secret).encode(), given.encode("utf-8", "replace")):
        raise BadSignature(f"{SIGNATURE} does not match: the verification token is another webhook's")


def sign(body: bytes, settings: "NotionSettings", url: str, now: datetime) -> dict[str, str]:
    """The header Notion would send. Raises ValueError without a token."""
    secret = reveal(settings.webhook_secret)
    if not secret:
        raise ValueError("OVATION_NOTION__WEBHOOK_SECRET is not set")
    return {SIGNATURE: _signature(body, secret)}


def unpack(incoming: Incoming) -> list[tuple[str, Body]]:
    """One signal by its type. Which page it was about changes nothing in what is to be read."""
    try:
        body: Any = json.loads(incoming.body)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    name = body.get("type") if isinstance(body, dict) else None
    if not isinstance(name, str) or not name.isprintable() or not name:
        raise Malformed("a signal without its type")
    return [(name, body)]


def event_of(page: Body, settings: "NotionSettings") -> list[Event]:
    """A row whose status a person picked, as an event; none for what we wrote ourselves, and for rows that carry no
    reference of ours. A row that is edited further says the same again, and so has the same id."""
    stage, referral = row.stage_set_by_people(page, settings), row.said(page, "referral", settings)
    if stage is None or not isinstance(referral, str):
        return []
    kind, word = row.TELLS[stage], row.said(page, "status", settings)
    data: Json = {"referral": referral}
    if kind == "referral.lost":
        data["reason"] = word
    if kind == "referral.closed" and (amount := row.money(page, settings)):
        data["amount"] = amount.model_dump()
    with suppress(ValueError):  # a reference that somebody typed over is no id of ours
        subject = Identity(kind="ovation_referral", value=referral)
        data = checked_data(kind, data)
        source_id = id_from_content(page["id"], row.said(page, "written", settings), word)
        at = datetime.fromisoformat(page["last_edited_time"]).astimezone(UTC)
        return [Event(type=kind, source="notion", source_id=source_id, subject=subject, at=at, data=data)]
    return []


def _signature(body: bytes, secret: str) -> str:
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def _token(body: bytes) -> str | None:
    try:
        given: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    token = given.get("verification_token") if isinstance(given, dict) else None
    return token if isinstance(token, str) and 0 < len(token) <= _LONGEST_TOKEN else None


INBOUND = Inbound(
    verify=verify,
    sign=sign,
    unpack=unpack,
    handshake=handshake,
    events={
        "page.properties_updated": Poke(CHANGES),
        "page.created": Poke(CHANGES),  # changes soon after are merged into it
        "page.undeleted": Poke(CHANGES),
        "page.deleted": IGNORED,
        "page.moved": IGNORED,
        "page.content_updated": IGNORED,
        "data_source.content_updated": IGNORED,
        "data_source.schema_updated": IGNORED,  # the doctor tells whether a column is gone
    },
)
