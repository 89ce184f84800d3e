"""HubSpot's requests to us: an app's subscriptions, a list of changes; a workflow's action, one contact.

The failure prevented: a contact who was tagged and starts no journey, or two of them. Names say which property changed
(`contact.propertyChange:referral_given`), whichever of its two ways HubSpot took to name the change.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from models.contact import Identity
from models.event import Event
from platforms.base import IGNORED, Body, Inbound, Incoming, Poke
from platforms.errors import Malformed
from platforms.hubspot.signature import sign, verify

_OBJECTS = {"0-1": "contact", "0-3": "deal"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNIQUE = ("portalId", "subscriptionId", "objectId", "eventId", "occurredAt")
"""Together they tell one event from another; `eventId` alone does not."""


def unpack(incoming: Incoming) -> list[tuple[str, Body]]:
    """One pair for each event of a list; a workflow's contact as `workflow.contact`, its properties laid flat."""
    try:
        body: Any = json.loads(incoming.body)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    if isinstance(body, dict):
        return [("workflow.contact", _flat(body))]
    if not isinstance(body, list):
        raise Malformed("neither a list of events nor a contact")
    return [(_name(item), item) for item in body]


def _name(item: Any) -> str:
    """`object.propertyChange` with an object type and `contact.propertyChange` are the same news."""
    kind = item.get("subscriptionType") if isinstance(item, dict) else None
    if not isinstance(kind, str) or "." not in kind:
        raise Malformed("an event without a subscriptionType")
    subject, _, change = kind.partition(".")
    if subject == "object":
        subject = _OBJECTS.get(str(item.get("objectTypeId")), f"object {item.get('objectTypeId')}")
    name = f"{subject}.{change}"
    if change == "propertyChange":
        if not isinstance(item.get("propertyName"), str):
            raise Malformed("a propertyChange without a propertyName")
        name = f"{name}:{item['propertyName']}"
    if not name.isprintable():
        raise Malformed("an event whose name is no text")
    return name


def _flat(body: Body) -> Body:
    """A workflow sends chosen properties flat, and all of them nested, each with its history."""
    properties = body.get("properties")
    if not isinstance(properties, dict):
        return body
    values = {name: held.get("value") for name, held in properties.items() if isinstance(held, dict)}
    return {"hs_object_id": body.get("vid"), **values}


def contact_tagged(item: Body) -> list[Event]:
    """The tag was set. Taking it away again is no event."""
    return [_event("contact.tagged", item, {"tag": "referral_given"})] if _yes(item.get("propertyValue")) else []


def contact_opted_out(item: Body) -> list[Event]:
    """They want no e-mail at all. The way back is theirs alone, and not through a CRM field."""
    return [_event("contact.opted_out", item, {})] if _yes(item.get("propertyValue")) else []


def contact_created(item: Body) -> list[Event]:
    """A new contact: all that is told is the id."""
    return [_event("contact.updated", item, {})]


def workflow_contact(item: Body) -> list[Event]:
    """A contact who went through a workflow, with what they are by now.

    There is no event id: contact, property and the last change tell it from others; without `lastmodifieddate` in the
    body, the day on which it came."""
    names = _named(item)
    at = _last_change(item)
    moment = at or datetime.now(UTC)
    when = str(_millis(at)) if at is not None else moment.date().isoformat()

    def event(kind: str, changed: str, data: Body) -> Event:
        source_id = f"workflow:{changed}:{when}:{names[0].text}"[:300]
        return Event(type=kind, source="hubspot", source_id=source_id, subject=names[0], at=moment, data=data,
                     identities=names[1:])  # fmt: skip

    tagged = [event("contact.tagged", "referral_given", {"tag": "referral_given"})]
    gone = [event("contact.opted_out", "hs_email_optout", {})]
    return [*(tagged if _yes(item.get("referral_given")) else []), *(gone if _yes(item.get("hs_email_optout")) else [])]


def _event(kind: str, item: Body, data: Body) -> Event:
    numbers = [str(_number(item, field)) for field in _UNIQUE]
    return Event(
        type=kind,
        source="hubspot",
        source_id=":".join(numbers),
        subject=Identity(kind="hubspot", value=str(_number(item, "objectId"))),
        at=_moment(_number(item, "occurredAt")),
        data=data,
    )


def _named(item: Body) -> list[Identity]:
    """Id first, e-mail address second, either of them if it is there. Raises Malformed without both."""
    names: list[Identity] = []
    if (number := _as_number(item.get("hs_object_id"))) is not None:
        names.append(Identity(kind="hubspot", value=str(number)))
    with suppress(ValueError):
        names.append(Identity.parse(f"email:{item['email']}" if isinstance(item.get("email"), str) else ""))
    if not names:
        raise Malformed("a contact without hs_object_id and e-mail address: add both to the workflow's request")
    return names


def _last_change(item: Body) -> datetime | None:
    given = item.get("lastmodifieddate")
    if (millis := _as_number(given)) is not None:
        return _moment(millis)
    try:
        read = datetime.fromisoformat(given) if isinstance(given, str) else None
        return read and (read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def _number(item: Body, field: str) -> int:
    number = _as_number(item.get(field))
    if number is None:
        raise Malformed(f"{field} is not a number")
    return number


def _as_number(value: Any) -> int | None:
    """HubSpot writes ids as numbers here and as text there; none is longer than a 64-bit one."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**19 else None


def _moment(millis: int) -> datetime:
    try:
        return _EPOCH + timedelta(milliseconds=millis)
    except OverflowError as error:
        raise Malformed("a time beyond the calendar") from error


def _millis(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _yes(value: Any) -> bool:
    """Property values are text; in a workflow's request a checkbox may be a boolean."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


_CONTACT_NEWS: dict[str, Callable[[Body], list[Event]]] = {
    "contact.propertyChange:referral_given": contact_tagged,
    "contact.propertyChange:hs_email_optout": contact_opted_out,
    "contact.creation": contact_created,
    "workflow.contact": workflow_contact,
}

INBOUND = Inbound(
    verify=verify,
    sign=sign,
    unpack=unpack,
    events={
        **_CONTACT_NEWS,
        "contact.deletion": IGNORED,
        "contact.privacyDeletion": IGNORED,  # an erasure there erases nothing here: see the README
        "contact.merge": IGNORED,  # the e-mail address leads to the contact who is left
        "contact.restore": IGNORED,
        "contact.associationChange": IGNORED,
        "contact.propertyChange:lifecyclestage": IGNORED,
        # The body names the new stage by an id of the portal's, and neither amount nor referral: they are read.
        "deal.propertyChange:dealstage": Poke("deals"),
        "deal.propertyChange:amount": IGNORED,
        "deal.creation": IGNORED,
        "deal.deletion": IGNORED,
    },
)
