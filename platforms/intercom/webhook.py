"""Intercom's webhooks: an answer to our message, a rating, a tag, and who wants no more.

The failure prevented: an opt-out that is lost, or invented by a stranger. The signature covers the body alone and holds
for ever, so a repeat is told by the notification's id, which stays the same when Intercom sends it again.
"""

import hashlib
import hmac
import html
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from models.base import Json
from models.contact import Identity, Person
from models.event import Event, checked_data
from platforms.base import IGNORED, Body, Inbound, Incoming, Response, WithSettings
from platforms.errors import BadSignature, Malformed

if TYPE_CHECKING:
    from platforms.intercom import IntercomSettings

SIGNATURE = "X-Hub-Signature"
LONGEST = 20_000


def signature(secret: str, body: bytes) -> str:
    """HMAC-SHA1 of the raw body, in hex."""
    return "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()


def verify(incoming: Incoming, settings: "IntercomSettings", now: datetime) -> None:
    """The key is the app's client secret, not its access token."""
    secret = settings.inbound_secret()
    if not secret:
        words = "neither OVATION_INTERCOM__WEBHOOK_SECRET nor OVATION_INTERCOM__CLIENT_SECRET is set"
        raise BadSignature(f"{words}: copy the client secret from the app's Basic Information")
    given = incoming.headers.get(SIGNATURE.lower(), "")
    if not hmac.compare_digest(signature(secret, incoming.body).encode(), given.encode("utf-8", "replace")):
        raise BadSignature(f"{SIGNATURE} is missing or does not match: is the client secret this app's?")


def sign(body: bytes, settings: "IntercomSettings", url: str, now: datetime) -> dict[str, str]:
    """The header Intercom would send."""
    return {SIGNATURE: signature(settings.inbound_secret(), body)}


def handshake(incoming: Incoming, settings: "IntercomSettings") -> Response | None:
    """On saving the address Intercom asks by HEAD whether somebody is there."""
    return Response() if incoming.method == "HEAD" else None


def unpack(incoming: Incoming) -> list[tuple[str, Body]]:
    """One notification a request, named by its topic."""
    try:
        body: Any = json.loads(incoming.body)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    topic = body.get("topic") if isinstance(body, dict) else None
    if not isinstance(topic, str) or not topic:
        raise Malformed("a notification without its topic")
    return [(topic, body)]


def opted_out(body: Body) -> list[Event]:
    """From all e-mail, or from one kind of message: whoever says no to one is not asked for favors in another."""
    return [_about(body, "contact.opted_out", _part(_item(body), "contact"), {})]


def contact_told(body: Body) -> list[Event]:
    """A new user, or a new address: the names by which Intercom and others know them."""
    return [_about(body, "contact.updated", _item(body), {})]


def contact_tagged(body: Body) -> list[Event]:
    item = _item(body)
    name = _part(item, "tag").get("name")
    if not isinstance(name, str) or not name:
        raise Malformed("a tag without its name")
    return [_about(body, "contact.tagged", _part(item, "contact"), {"tag": name[:64]})]


def replied(body: Body, settings: "IntercomSettings") -> list[Event]:
    """An answer in a conversation that our colleague began. Whether we made it do so, the ledger knows by its id."""
    item = _item(body)
    source = _part(item, "source")
    author = _part(source, "author")
    if source.get("delivered_as") != "admin_initiated" or author.get("type") != "admin":
        return []
    if str(author.get("id")) != str(settings.admin_id):
        return []
    text = _answer(item)
    conversation = _named("intercom_send", item.get("id"))
    return [_event(body, "message.replied", [conversation], {"text": text} if text else {})]


def rated(body: Body) -> list[Event]:
    """1 to 5 as a percentage. The rating names its contact by id; who began the conversation has an address as well."""
    item = _item(body)
    rating = _part(item, "conversation_rating")
    stars = rating.get("rating")
    if isinstance(stars, bool) or not isinstance(stars, int) or not 1 <= stars <= 5:
        raise Malformed("a rating that is not 1 to 5")
    data: Json = {"score": (stars - 1) * 25}
    if isinstance(rating.get("remark"), str) and rating["remark"]:
        data["comment"] = rating["remark"][:LONGEST]
    contact, author = _part(rating, "contact"), _part(_part(item, "source"), "author")
    known = {**contact, "email": author.get("email")} if author.get("id") == contact.get("id") else contact
    return [_about(body, "csat.answered", known, data)]


def _item(body: Body) -> Body:
    return _part(_part(body, "data"), "item")


def _part(whole: Body, name: str) -> Body:
    part = whole.get(name)
    if not isinstance(part, dict):
        raise Malformed(f"a notification without {name}")
    return part


def _answer(item: Body) -> str:
    """What people wrote, without markup: parts of colleagues, bots and changes of state left out."""
    listed = _part(item, "conversation_parts").get("conversation_parts")
    parts = [part for part in listed if isinstance(part, dict)] if isinstance(listed, list) else []
    words = [p["body"] for p in parts if _by_contact(p) and isinstance(p.get("body"), str)]
    return "\n".join(plain(word) for word in words).strip()[:LONGEST]


def _by_contact(part: Body) -> bool:
    author = part.get("author")
    return isinstance(author, dict) and author.get("type") in ("user", "lead", "contact")


def plain(markup: str) -> str:
    """Intercom's HTML as text, a line for each paragraph."""
    broken = re.sub(r"<br\s*/?>|</p>\s*", "\n", markup)
    return html.unescape(re.sub(r"<[^>]*>", "", broken)).strip()


def _about(body: Body, kind: str, contact: Body, data: Json) -> Event:
    """The e-mail address first, by which others know them too; then Intercom's id."""
    email = contact.get("email")
    addresses = [_named("email", email.strip().lower())] if isinstance(email, str) and "@" in email else []
    return _event(body, kind, [*addresses, _named("intercom", contact.get("id"))], data)


def _named(kind: str, value: Any) -> Identity:
    if not isinstance(value, str) or not value:
        raise Malformed("somebody or something without its id")
    try:
        return Identity(kind=kind, value=value)
    except ValueError as error:
        raise Malformed("an id that is none") from error


def _event(body: Body, kind: str, names: list[Identity], data: Json) -> Event:
    second = body.get("created_at")
    if isinstance(second, bool) or not isinstance(second, int):
        raise Malformed("a notification without its time")
    try:
        return Event(
            type=kind,
            source="intercom",
            source_id=body.get("id"),
            subject=names[0],
            identities=names[1:],
            at=datetime.fromtimestamp(second, UTC),
            data=checked_data(kind, data),
            person=Person(email=names[0].value) if names[0].kind == "email" else None,
        )
    except (ValueError, OverflowError, OSError) as error:
        raise Malformed(f"{kind}: an id, time or text that is none") from error


INBOUND = Inbound(
    verify=verify,
    sign=sign,
    unpack=unpack,
    handshake=handshake,
    events={
        "contact.unsubscribed": opted_out,
        "granular.unsubscribe": opted_out,
        "contact.user.created": contact_told,
        "contact.email.updated": contact_told,
        "contact.user.tag.created": contact_tagged,
        "contact.lead.tag.created": contact_tagged,
        "conversation.user.replied": WithSettings(replied),
        "conversation.rating.added": rated,
        "ping": IGNORED,
        "contact.subscribed": IGNORED,  # the way back is theirs alone, and not through an e-mail preference there
        "granular.subscribe": IGNORED,
        "contact.lead.created": IGNORED,  # visitors without a name; a lead who becomes a user is told as such
        "contact.merged": IGNORED,  # the e-mail address leads to the contact who is left
        "contact.deleted": IGNORED,  # an erasure there erases nothing here: see the README
        "conversation.user.created": IGNORED,
        "conversation.admin.closed": IGNORED,
        "ticket.created": IGNORED,  # names people by ids of Intercom's alone
        "ticket.resolved": IGNORED,
        "ticket.closed": IGNORED,
        "event.created": IGNORED,
    },
)
