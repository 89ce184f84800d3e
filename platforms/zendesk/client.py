"""Zendesk Support: one ticket for each referral, opened once and kept in step.

The failure prevented: two tickets for one referral, and a comment that an agent reads twice. Zendesk forgets an
idempotency key after two hours and its external ids are not unique; so a ticket is looked up first, and while the
look-up might miss it the key, which is the referral's and not the effect's, forbids another.
"""

import base64
from collections.abc import Generator
from typing import TYPE_CHECKING

from models.event import id_from_content
from platforms.base import Body, Call, Reply, Talk, Token, reveal
from platforms.capabilities import OpenTicket, Receipt
from platforms.errors import Rejected, Unauthorized, Unavailable
from platforms.zendesk.problem import error_of, said
from platforms.zendesk.stage import OURS, external_id, status_for, tags_for

if TYPE_CHECKING:
    from platforms.zendesk import ZendeskSettings

OTHER_BODY = "IdempotentRequestError"
"""The key was used within two hours, for a ticket that said something else."""

PAGES = 10
"""Pages of a hundred comments that are read back."""
LONGEST = 20_000


def at(settings: "ZendeskSettings", rest: str) -> str:
    """The address of an operation at the account's own host."""
    return f"https://{settings.subdomain}.zendesk.com/api/v2{rest}"


def headers(settings: "ZendeskSettings", token: Token | None) -> dict[str, str]:
    """Basic, by API token: the user's name is the agent's address followed by the literal `/token`."""
    pair = f"{settings.email}/token:{reveal(settings.api_token)}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def open_ticket(action: OpenTicket, key: str, settings: "ZendeskSettings") -> Talk:
    """GET /tickets?external_id=…, then POST /tickets if there is none, else PUT /tickets/{id} with what differs.

    A closed ticket cannot be changed, and stays as it is: its verification is over."""
    ticket = yield from _ours(action, settings)
    if ticket is None:
        ticket = yield from _opened(action, settings)
    elif ticket["status"] != "closed":
        ticket = yield from _in_step(action, ticket, settings)
    number = ticket["id"]
    url = f"https://{settings.subdomain}.zendesk.com/agent/tickets/{number}"
    return Receipt(reference=str(number), facts={"ticket": number, "status": ticket["status"]}, url=url)


def doctor(settings: "ZendeskSettings") -> Talk:
    """GET /users/me: who the token is. Wrong credentials may get a 200 and an anonymous user."""
    reply = yield Call.get(at(settings, "/users/me"))
    user = reply.json.get("user") or {}
    if user.get("id") is None:
        raise Unauthorized("Zendesk does not know this agent: check e-mail address and API token")
    if user.get("role") not in ("agent", "admin"):
        raise Unauthorized("this user is no agent, so they may neither open nor read tickets")
    return Receipt(facts={"agent": user["id"], "role": user["role"], "may_register_webhook": user["role"] == "admin"})


def _ours(action: OpenTicket, settings: "ZendeskSettings") -> Generator[Call, Reply, Body | None]:
    """The referral's ticket: the one that is not closed, else the oldest."""
    wanted = external_id(action.referral)
    reply = yield Call.get(at(settings, "/tickets"), query={"external_id": wanted})
    ours = [t for t in reply.json["tickets"] if t.get("external_id") == wanted]
    return min(ours, key=lambda t: (t["status"] == "closed", t["id"]), default=None)


def _opened(action: OpenTicket, settings: "ZendeskSettings") -> Generator[Call, Reply, Body]:
    """Within two hours the same key with the same body gives the first ticket again; with another body it is refused,
    which says that the look-up lags. Raises Unavailable then."""
    keyed = {"Idempotency-Key": external_id(action.referral)}
    body = {"ticket": _ticket(action, settings)}
    reply = yield Call.post(at(settings, "/tickets"), json=body, headers=keyed, accepts=(400,))
    if reply.ok:
        ticket: Body = reply.json["ticket"]
        return ticket
    if error_of(reply) != OTHER_BODY:
        raise Rejected(f"HTTP 400: {said(reply)}", status=400)
    raise Unavailable("the ticket was opened a moment ago and is not listed yet", status=400)


def _ticket(action: OpenTicket, settings: "ZendeskSettings") -> Body:
    """Without `requester_id` the agent who signs in is the requester: no end user is made, and nobody is mailed."""
    ticket: Body = {
        "subject": action.subject,
        "external_id": external_id(action.referral),
        "type": "task",
        "priority": "normal",
        "tags": tags_for(action, [], settings),
        "comment": _comment(action),
    }
    places = {"requester_id": settings.requester_id, "group_id": settings.group_id}
    ticket |= {name: number for name, number in places.items() if number is not None}
    if status := status_for(action, None, settings):
        ticket["status"] = status
    return ticket


def _in_step(action: OpenTicket, ticket: Body, settings: "ZendeskSettings") -> Generator[Call, Reply, Body]:
    """Stage and words, where they are not there yet. Subject, assignee, priority and tags of the team's stay theirs."""
    change: Body = {}
    tags = tags_for(action, ticket.get("tags") or [], settings)
    if tags != sorted(ticket.get("tags") or []):
        change["tags"] = tags
    if status := status_for(action, ticket["status"], settings):
        change["status"] = status
    if not (yield from _said_already(action, ticket, settings)):
        change["comment"] = _comment(action)
    if not change:
        return ticket
    guarded = {**change, "safe_update": True, "updated_stamp": ticket["updated_at"]}
    reply = yield Call.put(at(settings, f"/tickets/{ticket['id']}"), json={"ticket": guarded})
    changed: Body = reply.json["ticket"]
    return changed


def _said_already(action: OpenTicket, ticket: Body, settings: "ZendeskSettings") -> Generator[Call, Reply, bool]:
    """Whether a comment carries the mark of these words. Past a thousand comments it counts as said: a comment too few
    harms less than one that comes back with each retry."""
    query = {"page[size]": "100"}
    for _ in range(PAGES):
        reply = yield Call.get(at(settings, f"/tickets/{ticket['id']}/comments"), query=query)
        if any(_mark(action) in str(comment.get("body")) for comment in reply.json["comments"]):
            return True
        meta = reply.json.get("meta") or {}
        if not meta.get("has_more"):
            return False
        query = {**query, "page[after]": str(meta["after_cursor"])}
    return True


def _comment(action: OpenTicket) -> Body:
    """An internal note: a public one would be mailed to the requester."""
    return {"body": f"{_words(action)}\n\n{_mark(action)}", "public": False}


def _words(action: OpenTicket) -> str:
    worth = f"Worth: {action.amount}" if action.amount is not None else ""
    lines = [action.text[:LONGEST], action.notes[:LONGEST], f"Stage: {action.stage}", worth, action.link or ""]
    return "\n\n".join(line for line in lines if line)


def _mark(action: OpenTicket) -> str:
    """By the words themselves, so that saying the same twice, for whatever reason, adds nothing."""
    return f"[{OURS}:{id_from_content(action.referral, _words(action))[:12]}]"
