"""Mailchimp's Marketing API: a person put into the audience, under a tag, on a customer journey.

The failure prevented: a journey begun twice because an answer was lost. A tag that is there begins nothing; an event
carries our key and is looked up; a step that is started by its id shows nowhere, so then an operator decides.
"""

import base64
import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from models.contact import Identity
from platforms.base import Body, Call, Reply, Talk, Token, reveal
from platforms.capabilities import Enroll, Receipt
from platforms.errors import InDoubt, Rejected
from platforms.mailchimp import member
from platforms.mailchimp.member import KIND, address, of_list, of_member

if TYPE_CHECKING:
    from platforms.mailchimp import MailchimpSettings

EFFECT = "ovation_effect"
"""The property of an event that holds our key."""
EVENTS_READ = 1000

_STEP = re.compile(r"^(\d{1,18})/(\d{1,18})$")
_EVENT = re.compile(r"^\S.{0,28}\S$")


@dataclass(frozen=True, slots=True)
class Way:
    """What an audience of ours is at Mailchimp: the list itself, a tag, an event that starts a journey, or its step."""

    kind: Literal["list", "tag", "event", "step"]
    name: str


def headers(settings: "MailchimpSettings", token: Token | None) -> dict[str, str]:
    """HTTP Basic with any name; the key, or a token of OAuth, as password."""
    pair = f"ovation:{reveal(settings.api_key)}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def enroll(action: Enroll, key: str, settings: "MailchimpSettings") -> Talk:
    """PUT …/members/{hash}, then POST …/tags, …/events or a journey's …/trigger. Who left is read first, and left."""
    way, status_if_new = yield from _way(action.audience, settings)
    fields = yield from member.checked(action.fields, settings)
    found = yield from member.known(action.who, settings)
    if found is not None and found["status"] == "archived":
        raise Rejected("this contact was archived in Mailchimp: restore them there, or skip the step")
    if found is not None and found["status"] in member.GONE:
        return _receipt(found, settings)
    found = yield from member.put(action.who, found, fields, status_if_new, settings)
    if found is None:
        return Receipt(opted_out=True)
    if found["status"] not in member.GONE:
        yield from _set_out(way, found, key, settings)
    return _receipt(found, settings)


def find_enrolment(action: Enroll, key: str, settings: "MailchimpSettings") -> Generator[Call, Reply, Receipt | None]:
    """The member, and their tag or the event with our key. Raises InDoubt for a step: nothing can be looked up."""
    way, _ = yield from _way(action.audience, settings)
    found = yield from member.known(action.who, settings)
    if found is None or found["status"] == "archived":
        return None
    if found["status"] not in member.GONE and not (yield from _under_way(way, found, key, settings)):
        return None
    return _receipt(found, settings)


def doctor(settings: "MailchimpSettings") -> Talk:
    """GET /ping, then the audience, then its webhooks: Mailchimp switches off one that fails, and tells nobody."""
    yield Call.get(address(settings, "/ping"))
    reply = yield Call.get(of_list(settings), query={"fields": "id,name,double_optin"})
    hooks = yield Call.get(of_list(settings, "/webhooks"))
    count = len(hooks.json.get("webhooks", []))
    return Receipt(facts={"audience": reply.json["name"], "webhooks": count})


def _way(audience: str, settings: "MailchimpSettings") -> Generator[Call, Reply, tuple[Way, str]]:
    """What this audience is, and the state of a new member: confirmed by themselves where the list wants that."""
    reply = yield Call.get(of_list(settings), query={"fields": "id,name,double_optin"})
    status = settings.new_members
    if status == "subscribed" and reply.json.get("double_optin"):
        status = "pending"
    if audience in settings.journeys:
        return _start(settings.journeys[audience]), status
    if audience.strip().lower() == str(reply.json["name"]).strip().lower():
        return Way("list", audience), status
    return Way("tag", audience.strip()), status


def _start(value: str) -> Way:
    if _STEP.match(value):
        return Way("step", value)
    if _EVENT.match(value):
        return Way("event", value)
    raise Rejected(f"OVATION_MAILCHIMP__JOURNEYS: {value!r} is no event of 2 to 30 characters, and no journey/step")


def _set_out(way: Way, found: Body, key: str, settings: "MailchimpSettings") -> Generator[Call, Reply, None]:
    path = of_member(found["id"], settings)
    match way.kind:
        case "list":
            return
        case "tag":
            body: Body = {"tags": [{"name": way.name, "status": "active"}], "is_syncing": False}
            yield Call.post(f"{path}/tags", json=body)
        case "event":
            body = {"name": way.name, "properties": {EFFECT: key}, "is_syncing": False}
            yield Call.post(f"{path}/events", json=body)
        case "step":
            journey, step = way.name.split("/")
            rest = f"/customer-journeys/journeys/{journey}/steps/{step}/actions/trigger"
            yield Call.post(address(settings, rest), json={"email_address": found["email_address"]})


def _under_way(way: Way, found: Body, key: str, settings: "MailchimpSettings") -> Generator[Call, Reply, bool]:
    path = of_member(found["id"], settings)
    match way.kind:
        case "list":
            return True
        case "tag":
            reply = yield Call.get(f"{path}/tags", query={"count": "1000"})
            return way.name.lower() in {str(tag.get("name")).lower() for tag in reply.json.get("tags", [])}
        case "event":
            return (yield from _told(path, way.name, key))
        case "step":
            raise InDoubt(f"whether step {way.name} was started cannot be looked up: see the journey in Mailchimp")


def _told(path: str, name: str, key: str) -> Generator[Call, Reply, bool]:
    """Whether an event with our key is among those that are kept."""
    query = {"count": str(EVENTS_READ), "fields": "events.name,events.properties"}
    reply = yield Call.get(f"{path}/events", query=query)
    events = reply.json.get("events", [])
    if any(e.get("name") == name and (e.get("properties") or {}).get(EFFECT) == key for e in events):
        return True
    if len(events) >= EVENTS_READ:
        raise InDoubt(f"this contact has {EVENTS_READ} events and more: look for {EFFECT} = our key among the others")
    return False


def _receipt(found: Body, settings: "MailchimpSettings") -> Receipt:
    number = str(found["contact_id"])
    return Receipt(
        reference=number,
        facts={"list": settings.list_id, "contact": number, "status": found["status"]},
        identities=[Identity(kind=KIND, value=number)],
        opted_out=found["status"] in member.GONE,
    )
