"""ActiveCampaign's double: one account, and what people do in it.

Its webhooks are those of our own registration: of people, colleagues and automations, not of what we write. Each is one
form with PHP's brackets.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from pydantic import SecretStr

from platforms.activecampaign import ActiveCampaignSettings
from platforms.activecampaign.stand_in_answers import ROUTES, told
from platforms.activecampaign.stand_in_books import Account, Contact, Refused, now
from platforms.activecampaign.stand_in_requests import Bouncing, Joining, Leaving, Tagging
from platforms.base import reveal
from platforms.stand_in import Answer, Heard, StandIn, Webhook

FORM = "application/x-www-form-urlencoded"

Move = Callable[[Any, Account], Answer]


def _guard(heard: Heard) -> Answer | None:
    """A wrong key gives 403 and no word."""
    if heard.headers.get("api-token") == reveal(heard.settings.api_token):
        return None
    return Answer(403, media_type="text/html")


def _move(act: Callable[[Any, Account], tuple[Contact, list[Webhook]]]) -> Move:
    def made(given: Any, books: Account) -> Answer:
        try:
            contact, webhooks = act(given, books)
        except Refused as refused:
            return refused.answer
        return Answer(json={"contact": contact.shown()}, webhooks=webhooks)

    return made


def _join(given: Any, books: Account) -> tuple[Contact, list[Webhook]]:
    asked = told(Joining, given)
    if asked.list not in books.lists:
        raise Refused(404, {"message": f"No Result found for List with id {asked.list}"})
    contact = books.by_email(asked.email) or books.add(asked.email)
    contact.first_name, contact.last_name = asked.first_name, asked.last_name
    books.put_on_list(contact.id, asked.list, asked.status)
    return contact, []


def _unsubscribe(given: Any, books: Account) -> tuple[Contact, list[Webhook]]:
    """From all lists it is told once for each."""
    asked = told(Leaving, given)
    contact = _named(asked.email, books)
    there = [r.list for r in books.on_lists if r.contact == contact.id and asked.list in (None, r.list)]
    for number in there:
        books.put_on_list(contact.id, number, "2")
    more = {"unsubscribe[reason]": "", "campaign[id]": "7"}
    return contact, [_told("unsubscribe", contact, {"list": one, "list[0][id]": one, **more}) for one in there]


def _stop_texts(given: Any, books: Account) -> tuple[Contact, list[Webhook]]:
    contact = _named(told(Leaving, given).email, books)
    return contact, [_told("sms_unsub", contact, {})]


def _bounce(given: Any, books: Account) -> tuple[Contact, list[Webhook]]:
    asked = told(Bouncing, given)
    contact = _named(asked.email, books)
    if asked.type == "hard":
        for row in [r for r in books.on_lists if r.contact == contact.id]:
            books.put_on_list(contact.id, row.list, "3")
    more = {"bounce[type]": asked.type, "bounce[code]": "5.1.1", "bounce[email]": contact.email, "campaign[id]": "7"}
    return contact, [_told("bounce", contact, more)]


def _tag(given: Any, books: Account) -> tuple[Contact, list[Webhook]]:
    asked = told(Tagging, given)
    contact = books.by_email(asked.email) or books.add(asked.email)
    books.give_tag(contact.id, books.tag_named(asked.tag))
    return contact, [_told("contact_tag_added", contact, {"tag": asked.tag})]


def _named(email: str, books: Account) -> Contact:
    found = books.by_email(email)
    if found is None:
        raise Refused(404, {"message": "No Result found for Subscriber"})
    return found


def _told(kind: str, contact: Contact, more: dict[str, str]) -> Webhook:
    by = {"initiated_from": "public", "initiated_by": "contact"}
    named = {"contact[first_name]": contact.first_name, "contact[last_name]": contact.last_name}
    who = {"contact[id]": contact.id, "contact[email]": contact.email, **named, "contact[phone]": ""}
    rest = {"contact[tags]": "", "contact[customer_acct_name]": "", "contact[orgname]": "", "customer_acct_id": "0"}
    pairs = {"type": kind, "date_time": now(), **by, **more, **who, **rest}
    return Webhook(urlencode(pairs).encode(), content_type=FORM)


def _rate_limited() -> Answer:
    headers = {"Retry-After": "1", "RateLimit-Limit": "5", "RateLimit-Remaining": "0"}
    return Answer(429, json={"message": "You have exceeded the rate limit"}, headers=headers)


STAND_IN = StandIn(
    name="activecampaign",
    books=Account,
    routes=ROUTES,
    guard=_guard,
    rate_limited=_rate_limited,
    broken=lambda: Answer(500, text="<html><body>Internal Server Error</body></html>", media_type="text/html"),
    settings=lambda: ActiveCampaignSettings(
        base_url="https://acme.api-us1.com",
        api_token=SecretStr("activecampaign-sandbox-key"),
        webhook_secret=SecretStr("activecampaign-sandbox-secret"),
    ),
    moves={
        "join": _move(_join),
        "unsubscribe": _move(_unsubscribe),
        "stop_texts": _move(_stop_texts),
        "bounce": _move(_bounce),
        "tag": _move(_tag),
    },
)
