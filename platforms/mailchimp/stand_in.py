"""Mailchimp's double: one audience, and what its members do.

Webhooks are those of our own registration: of members and colleagues, not of what we write. Each is one form with
brackets, signed with the secret that the registration was answered with.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from pydantic import SecretStr

from platforms.base import Body
from platforms.mailchimp import MailchimpSettings, client
from platforms.mailchimp.stand_in_answers import ROUTES, read
from platforms.mailchimp.stand_in_books import LIST_ID, Audience, Member, Refused, hashed, now
from platforms.mailchimp.stand_in_requests import Joining, Leaving
from platforms.stand_in import Answer, Heard, StandIn, Webhook

FORM = "application/x-www-form-urlencoded"

Move = Callable[[Any, Audience], Answer]


def _guard(heard: Heard) -> Answer | None:
    wanted = client.headers(heard.settings, None)["Authorization"]
    if heard.headers.get("authorization") == wanted:
        return None
    return Refused(401, "API Key Invalid", "Your API key may be invalid, or you've attempted to access the wrong "
                   "datacenter.").answer  # fmt: skip


def _move(act: Callable[[Any, Audience], tuple[Member, list[Webhook]]]) -> Move:
    def made(given: Any, books: Audience) -> Answer:
        try:
            member, webhooks = act(given, books)
        except Refused as refused:
            return refused.answer
        return Answer(json=member.shown(), webhooks=webhooks)

    return made


def _subscribe(given: Any, books: Audience) -> tuple[Member, list[Webhook]]:
    """By a form of Mailchimp's: the one way in which somebody who left comes back."""
    asked = read(Joining, given)
    member = books.member(asked.email) or books.add(asked.email, asked.status)
    member.status, member.last_changed = asked.status, now()
    if asked.first_name:
        member.merge_fields["FNAME"] = asked.first_name
    return member, []


def _unsubscribe(given: Any, books: Audience) -> tuple[Member, list[Webhook]]:
    asked = read(Leaving, given)
    member = _left(asked, "unsubscribed", books)
    reason = "abuse" if asked.complaint else "manual"
    more = {"data[action]": "unsub", "data[reason]": reason, "data[email_type]": "html", "data[ip_opt]": "203.0.113.10"}
    merges = {"data[merges][EMAIL]": member.email, "data[merges][FNAME]": str(member.merge_fields.get("FNAME", ""))}
    return member, [_told("unsubscribe", member, {**more, "data[campaign_id]": "cb398d21d2", **merges})]


def _clean(given: Any, books: Audience) -> tuple[Member, list[Webhook]]:
    asked = read(Leaving, given)
    member = _left(asked, "cleaned", books)
    reason = "abuse" if asked.complaint else "hard"
    return member, [_told("cleaned", member, {"data[campaign_id]": "cb398d21d2", "data[reason]": reason})]


def _erase(given: Any, books: Audience) -> tuple[Member, list[Webhook]]:
    """For good: the address can never be brought back by the API."""
    member = _left(read(Leaving, given), "archived", books)
    del books.members[member.hash]
    books.forgotten.append(member.hash)
    return member, []


def _left(asked: Leaving, status: str, books: Audience) -> Member:
    member = books.members.get(hashed(asked.email))
    if member is None:
        raise Refused(404, "Resource Not Found", "The requested resource could not be found.")
    member.status, member.last_changed = status, now()
    return member


def _told(kind: str, member: Member, more: Body) -> Webhook:
    fired = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    about = {"data[id]": member.contact_id[:10], "data[list_id]": LIST_ID, "data[email]": member.email}
    return Webhook(urlencode({"type": kind, "fired_at": fired, **about, **more}).encode(), content_type=FORM)


STAND_IN = StandIn(
    name="mailchimp",
    books=Audience,
    routes=ROUTES,
    guard=_guard,
    rate_limited=lambda: (
        Refused(429, "Too Many Requests", "You have exceeded the limit of 10 simultaneous connections.").answer
    ),
    broken=lambda: Answer(500, text="<html><body>Internal Server Error</body></html>", media_type="text/html"),
    settings=lambda: MailchimpSettings(
        api_key=SecretStr("0123456789abcdef0123456789abcdef-us19"),
        list_id=LIST_ID,
        webhook_secret=SecretStr("mailchimp-sandbox-secret"),
        journeys={"Advocate rewards": "referral_converted", "Welcome": "1201/7734"},
    ),
    moves={
        "subscribe": _move(_subscribe),
        "unsubscribe": _move(_unsubscribe),
        "clean": _move(_clean),
        "erase": _move(_erase),
    },
)
