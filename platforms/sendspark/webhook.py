"""Sendspark's webhooks: a video can be watched, could not be made, or was opened.

The failure prevented: a video ready for hours that nobody hears of, or a stranger's link in a box. Nothing is signed,
and events have neither id nor time. So an event is a hint: the secret in the address proves where it comes from, our
key beside it says which video is meant, and the link that goes into the box is read back from Sendspark.
"""

import hmac
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from models.base import Json
from models.contact import Identity
from models.event import Event, checked_data, id_from_content
from platforms.base import IGNORED, Body, Inbound, Incoming, reveal
from platforms.errors import BadSignature, Malformed
from platforms.sendspark.client import EFFECT, SECRET, reference_of

if TYPE_CHECKING:
    from platforms.sendspark import SendsparkSettings

_NAME = re.compile(r"[a-z0-9_]{1,64}")
_OUR_KEY = re.compile(r"[A-Za-z0-9_./:-]{1,120}")
_KEY = "ovation_effect"
"""Where `unpack` puts our key into an item; no field of Sendspark's has this name."""


def verify(incoming: Incoming, settings: "SendsparkSettings", now: datetime) -> None:
    """The secret in the address's query, compared in constant time. It covers neither body nor time."""
    secret = reveal(settings.webhook_secret)
    if not secret:
        raise BadSignature("OVATION_SENDSPARK__WEBHOOK_SECRET is not set")
    given = incoming.query.get(SECRET, "")
    if not hmac.compare_digest(secret.encode(), given.encode("utf-8", "replace")):
        raise BadSignature(f"`{SECRET}` in the address is missing or not OVATION_SENDSPARK__WEBHOOK_SECRET")


def sign(body: bytes, settings: "SendsparkSettings", url: str, now: datetime) -> dict[str, str]:
    """No header: Sendspark signs nothing."""
    return {}


def sign_query(settings: "SendsparkSettings") -> dict[str, str]:
    return {SECRET: reveal(settings.webhook_secret)}


def unpack(incoming: Incoming) -> list[tuple[str, Body]]:
    """One pair; our key from the address is put into the item."""
    try:
        body: Any = json.loads(incoming.body)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    if not isinstance(body, dict):
        raise Malformed("not a JSON object")
    name = body.get("eventType")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Malformed("`eventType` is missing or no name")
    key = incoming.query.get(EFFECT, "")
    return [(name, {**body, _KEY: key if _OUR_KEY.fullmatch(key) else None})]


def ready(item: Body) -> list[Event]:
    """Comes again when somebody has the video made anew; the first is the one that counts."""
    link = item.get("videoLink")
    return [_event("video.ready", item, {"url": link} if link else {})]


def failed(item: Body) -> list[Event]:
    return [_event("video.failed", item, {})]


def viewed(item: Body) -> list[Event]:
    """The first view only: a later one cannot be told from the first, delivered again."""
    return [_event("video.viewed", item, {})]


def _event(event_type: str, item: Body, data: Json) -> Event:
    """Without our key the video may be a colleague's: the reference then finds ours, or nobody."""
    key, campaign = item[_KEY], item.get("dynamicCampaignId")
    try:
        reference = reference_of(str(campaign), _email(item))
        subject = Identity(kind="effect", value=key) if key else Identity(kind="sendspark_send", value=reference)
        return Event(
            type=event_type,
            source="sendspark",
            source_id=id_from_content(item["eventType"], reference, item.get("campaignId"), key or ""),
            subject=subject,
            at=datetime.now(UTC),
            data=checked_data(event_type, {"video": key, **data} if key else data),
        )
    except ValueError as error:
        raise Malformed(f"{item['eventType']}: {type(error).__name__} in its campaign, address or link") from error


def _email(item: Body) -> str:
    """In `contactInfo` by the documentation, at the root in practice (2026-04)."""
    info = item.get("contactInfo")
    email = (info.get("contactEmail") if isinstance(info, dict) else None) or item.get("contactEmail")
    if not isinstance(email, str) or not email:
        raise Malformed(f"{item['eventType']} without contactEmail")
    return email


INBOUND = Inbound(
    verify=verify,
    sign=sign,
    sign_query=sign_query,
    unpack=unpack,
    events={
        "video_generated_dv": ready,
        "video_generated_error": failed,
        "video_viewed": viewed,
        "video_request_received": IGNORED,
        "video_mp4_ready": IGNORED,
        "video_played": IGNORED,
        "video_watched": IGNORED,
        "video_liked": IGNORED,
        "video_cta_clicked": IGNORED,
    },
)
