"""ActiveCampaign's webhooks: who left a list, whose address is dead, who was tagged.

The failure prevented: an opt-out that is lost, or invented by a stranger. The vendor signs nothing, so a secret stands
in the address; it never sends again, so `upkeep.py` reads what was missed. A 410 would switch the webhook off for good:
nothing here answers one.
"""

import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from models.base import Json
from models.contact import Identity
from models.event import Event, checked_data, id_from_content
from platforms.activecampaign.contact import KIND, counts
from platforms.base import IGNORED, Body, Inbound, Incoming, WithSettings, reveal
from platforms.errors import BadSignature, Malformed

if TYPE_CHECKING:
    from platforms.activecampaign import ActiveCampaignSettings

SECRET = "secret"  # noqa: S105
"""The query parameter that carries it."""


def verify(incoming: Incoming, settings: "ActiveCampaignSettings", now: datetime) -> None:
    """The secret in the address, and nothing else: body and time are unsigned."""
    secret = reveal(settings.webhook_secret)
    if not secret:
        raise BadSignature("OVATION_ACTIVECAMPAIGN__WEBHOOK_SECRET is not set")
    given = incoming.query.get(SECRET, "")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode()):
        raise BadSignature(f"the address lacks ?{SECRET}=, or it is another")


def sign(body: bytes, settings: "ActiveCampaignSettings", url: str, now: datetime) -> dict[str, str]:
    """No header: see `sign_query`."""
    return {}


def sign_query(settings: "ActiveCampaignSettings") -> dict[str, str]:
    return {SECRET: reveal(settings.webhook_secret)}


def unpack(incoming: Incoming) -> list[tuple[str, Body]]:
    """One event for each request: a form with PHP's brackets, left as it is (`contact[email]`)."""
    if incoming.content_type != "application/x-www-form-urlencoded":
        raise Malformed("not a form")
    item: Body = dict(incoming.form())
    if not item.get("type"):
        raise Malformed("a form without its type")
    return [(item["type"], item)]


def list_left(item: Body, settings: "ActiveCampaignSettings") -> list[Event]:
    """`unsubscribe` is of one list; from all of them there are several of these."""
    number = item.get("list", "")
    if not counts(number, settings):
        return []
    return [opted_out(_number(item), item.get("contact[email]"), number, _moment(item.get("date_time")))]


def texts_refused(item: Body) -> list[Event]:
    """They want no SMS; a person who says so to a text means us."""
    return [opted_out(_number(item), item.get("contact[email]"), "sms", _moment(item.get("date_time")))]


def bounced(item: Body) -> list[Event]:
    """A hard bounce ends the address: the vendor mails it no more. A soft one says nothing."""
    if item.get("bounce[type]") != "hard":
        return []
    email = item.get("bounce[email]") or item.get("contact[email]")
    return [opted_out(_number(item), email, "bounce", _moment(item.get("date_time")))]


def tagged(item: Body) -> list[Event]:
    """A tag that a person or an automation gave; our own are not told, because source `api` is left out."""
    tag, number, at = item.get("tag", "").strip(), _number(item), _moment(item.get("date_time"))
    source_id = id_from_content("tagged", number, tag, at.isoformat())
    return [_event("contact.tagged", source_id, number, item.get("contact[email]"), at, {"tag": tag})]


def opted_out(number: str, email: str | None, where: str, at: datetime) -> Event:
    """One event from a webhook and from the reading afterwards: their times may differ, so the hour counts."""
    source_id = id_from_content("opted_out", number, where, f"{at:%Y-%m-%dT%H}")
    return _event("contact.opted_out", source_id, number, email, at, {})


def _event(kind: str, source_id: str, number: str, email: str | None, at: datetime, data: Json) -> Event:
    """Named by e-mail address; by id alone where a contact has only a telephone."""
    by_id = Identity(kind=KIND, value=number)
    try:
        subject = Identity.parse(f"email:{email}") if email else by_id
        return Event(
            type=kind,
            source="activecampaign",
            source_id=source_id,
            subject=subject,
            at=at,
            data=checked_data(kind, data),
            identities=[by_id] if email else [],
        )
    except ValueError as error:
        raise Malformed(f"{kind}: the e-mail address or the tag makes no sense") from error


def _number(item: Mapping[str, Any]) -> str:
    number = item.get("contact[id]", "")
    if not (number.isascii() and number.isdigit() and len(number) < 20):
        raise Malformed("contact[id] is not a number")
    return str(number)


def _moment(text: Any) -> datetime:
    at = moment(text)
    if at is None:
        raise Malformed("date_time is not a time")
    return at


def moment(text: Any) -> datetime | None:
    """A time of ActiveCampaign's, in UTC. It carries the account's offset; one without is taken for UTC."""
    try:
        at = datetime.fromisoformat(text)
        return (at.replace(tzinfo=UTC) if at.tzinfo is None else at).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


_NEWS: dict[str, Callable[[Body], list[Event]]] = {
    "sms_unsub": texts_refused,
    "bounce": bounced,
    "contact_tag_added": tagged,
}

INBOUND = Inbound(
    verify=verify,
    sign=sign,
    sign_query=sign_query,
    unpack=unpack,
    events={
        "unsubscribe": WithSettings(list_left),
        **_NEWS,
        "subscribe": IGNORED,
        "update": IGNORED,
        "contact_tag_removed": IGNORED,
        "open": IGNORED,
        "click": IGNORED,
        "reply": IGNORED,
        "forward": IGNORED,
        "share": IGNORED,
        "sent": IGNORED,
        "list_add": IGNORED,
        "subscriber_note": IGNORED,
        "sms_reply": IGNORED,
        "sms_sent": IGNORED,
    },
)
