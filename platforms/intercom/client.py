"""Intercom's REST API: one message inside the product, to a person whom Intercom knows.

The failure prevented: a message sent twice, or to somebody who wants none. Intercom has no idempotency key, takes no
reference of ours and lists no sent messages; so nothing here repeats. Each message opens its conversation at once: its
id comes back with the answer to it, and people can look it up when an answer was lost.
"""

import html
from collections.abc import Generator
from typing import TYPE_CHECKING
from urllib.parse import quote

from models.contact import Identity
from platforms.base import Body, Call, Reply, Talk, Token, reveal
from platforms.capabilities import Receipt, SendInApp, Who
from platforms.errors import Rejected, Unauthorized, Unavailable
from platforms.intercom.problem import said, seconds

if TYPE_CHECKING:
    from platforms.intercom import IntercomSettings

VERSION = "2.16"
"""Sent with every call: without it the version decides that is set in the app, which an admin may change."""
YOUNG = 600.0
"""Seconds in which a new contact may not take messages yet."""


def headers(settings: "IntercomSettings", token: Token | None) -> dict[str, str]:
    """The app's access token, and the version that we speak."""
    return {"Authorization": f"Bearer {reveal(settings.access_token)}", "Intercom-Version": VERSION}


def send_in_app(action: SendInApp, key: str, settings: "IntercomSettings") -> Talk:
    """The contact, then POST /messages from the colleague. It shows when the person next opens the Messenger.

    Who unsubscribed from all e-mail there, or called it spam, is left alone: Intercom would deliver, we do not."""
    contact = yield from _known(action.who)
    if contact is None:
        raise Rejected("nobody in Intercom has this person's id or e-mail address: they do not use the product yet")
    names = [Identity(kind="intercom", value=contact["id"])]
    if contact.get("unsubscribed_from_emails") or contact.get("marked_email_as_spam"):
        return Receipt(opted_out=True, identities=names)
    reply = yield Call.post("/messages", json=_message(action, contact, settings), accepts=(404,))
    if not reply.ok:
        raise _not_there(contact, reply)
    made = {name: reply.json.get(field) for name, field in (("message", "id"), ("conversation", "conversation_id"))}
    facts = {name: str(number) for name, number in made.items() if number}
    return Receipt(reference=facts.get("conversation") or facts.get("message"), facts=dict(facts), identities=names)


def doctor(settings: "IntercomSettings") -> Talk:
    """GET /me, then GET /admins: the workspace, and whether the colleague is still there and has a seat."""
    me = yield Call.get("/me")
    reply = yield Call.get("/admins")
    admins = {str(admin["id"]): admin for admin in reply.json["admins"]}
    sender = admins.get(str(settings.admin_id))
    if sender is None:
        raise Unauthorized(
            f"OVATION_INTERCOM__ADMIN_ID names nobody in this workspace; there are: {', '.join(sorted(admins))}"
        )
    if not sender.get("has_inbox_seat", True):
        raise Unauthorized(
            "the colleague of OVATION_INTERCOM__ADMIN_ID has no inbox seat, so nothing is sent in their name"
        )
    app = me.json.get("app") or {}
    return Receipt(facts={"workspace": app.get("id_code"), "region": app.get("region"), "version": VERSION})


def _known(who: Who) -> Generator[Call, Reply, Body | None]:
    """By Intercom's id, which may be gone after a merge; else by e-mail address."""
    if number := who.known_as("intercom"):
        reply = yield Call.get(f"/contacts/{quote(number, safe='')}", accepts=(404, 410))
        if reply.ok:
            found: Body = reply.json
            return found
    return (yield from _with_address(who.email)) if who.email else None


def _with_address(email: str) -> Generator[Call, Reply, Body | None]:
    """POST /contacts/search, which only reads. A user comes before leads of the same address, who may be many; then
    whoever was seen last."""
    wanted = {"field": "email", "operator": "=", "value": email}
    query = {"query": {"operator": "AND", "value": [wanted]}, "pagination": {"per_page": 50}}
    reply = yield Call.post("/contacts/search", json=query, writes=False)
    there = [c for c in reply.json["data"] if str(c.get("email")).lower() == email.lower()]
    return max(there, key=lambda c: (c.get("role") == "user", c.get("last_seen_at") or 0), default=None)


def _message(action: SendInApp, contact: Body, settings: "IntercomSettings") -> Body:
    """`inapp` is what Intercom's examples and its own answer say; the enum of its document says `in_app`."""
    return {
        "message_type": "inapp",
        "body": as_html(action.text),
        "from": {"type": "admin", "id": settings.admin_id},
        "to": {"type": "lead" if contact.get("role") == "lead" else "user", "id": contact["id"]},
        "create_conversation_without_contact_reply": True,
    }


def as_html(text: str) -> str:
    """Plain text as paragraphs, nothing in it markup."""
    parts = (part.strip() for part in text.replace("\r\n", "\n").split("\n\n"))
    return "".join(f"<p>{html.escape(part, quote=False).replace(chr(10), '<br>')}</p>" for part in parts if part)


def _not_there(contact: Body, reply: Reply) -> Unavailable | Rejected:
    """A 404 for a contact that we have just read: for a while after they were made that is no refusal."""
    created, answered = contact.get("created_at"), seconds(reply)
    if isinstance(created, int) and answered is not None and answered - created < YOUNG:
        return Unavailable("Intercom's contact is new and takes no messages yet", status=404)
    return Rejected(f"HTTP 404: {said(reply)}", status=404)
