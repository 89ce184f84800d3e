"""Twilio's double: it takes texts, reports `sent` and `delivered` a moment later, and heeds STOP.

The same request twice is two texts, as at Twilio. Its own test numbers are refused as there; by WhatsApp, free words to
somebody who has not written for a day are taken and then fail.
"""

import json
import time
from typing import Any
from urllib.parse import urlencode

from pydantic import SecretStr

from platforms.base import Body
from platforms.stand_in import Answer, Heard, Route, StandIn, Webhook
from platforms.twilio import TwilioSettings, client
from platforms.twilio.stand_in_books import FORM, Log, Refused, numbered, told_of, written
from platforms.twilio.stand_in_requests import Fate, NewMessage, Reply, Search, read

ACCOUNT = "AC" + "5afe" * 8
REFUSED = {
    "+15005550001": (21211, "The 'To' number +15005550001 is not a valid phone number."),
    "+15005550002": (21612, "The 'To' phone number: +15005550002, is not currently reachable using the 'From' number."),
    "+15005550003": (21408, "Permission to send an SMS has not been enabled for the region indicated by the 'To'."),
    "+15005550009": (21614, "'To' number +15005550009 is not a valid mobile number"),
}
"""Twilio's test numbers, and what each is refused with."""
STOPPED = "+15005550004"

_KEYWORDS = {
    **dict.fromkeys(("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"), "STOP"),
    **dict.fromkeys(("start", "unstop", "yes"), "START"),
    **dict.fromkeys(("help", "info"), "HELP"),
}


def send(heard: Heard, books: Log) -> Answer:
    """201, then what becomes of it."""
    try:
        if not heard.headers.get("content-type", "").startswith(FORM):
            raise Refused(400, 20001, "Unsupported content type: send a form")
        asked: NewMessage = read(NewMessage, dict(heard.form))
        sender = _sender(asked, heard.settings)
        _may_be_sent(asked, sender, books)
    except Refused as refused:
        return refused.answer
    said = asked.Body or _from_template(asked)
    message = written(heard.settings.account_sid, asked.To, asked.From, said, "outbound-api", asked.MessagingServiceSid)
    books.messages.append(message)
    books.callbacks[message["sid"]] = asked.StatusCallback
    answered = dict(message)
    message["from"] = sender
    webhooks = _becomes(message, free=asked.ContentSid is None, books=books)
    return Answer(201, json=answered, headers=numbered(), webhooks=webhooks)


def _sender(asked: NewMessage, ours: TwilioSettings) -> str:
    """The number it goes out from; a messaging service chooses one of ours."""
    whatsapp = asked.To.startswith(client.WHATSAPP)
    own = f"{client.WHATSAPP}{ours.whatsapp_from}" if whatsapp else ours.from_number or "+15017122661"
    if asked.MessagingServiceSid is not None and asked.MessagingServiceSid != ours.messaging_service_sid:
        raise Refused(400, 21705, "The Messaging Service Sid is invalid.")
    if asked.From is not None and asked.From != own:
        words = f"The 'From' phone number provided ({asked.From}) is not a valid message-capable Twilio phone number"
        raise Refused(400, 21606, words)
    return own


def _may_be_sent(asked: NewMessage, sender: str, books: Log) -> None:
    number = asked.To.removeprefix(client.WHATSAPP)
    if number in REFUSED:
        raise Refused(400, *REFUSED[number])
    if number == STOPPED or (asked.MessagingServiceSid or sender) in books.stopped.get(asked.To, []):
        raise Refused(400, 21610, "Attempt to send to unsubscribed recipient")


def _from_template(asked: NewMessage) -> str:
    """The stand-in's template: a greeting, and what the one variable says."""
    variables = json.loads(asked.ContentVariables or "{}")
    return f"Hello! {variables.get('1', '')}"


def _becomes(message: Body, *, free: bool, books: Log) -> list[Webhook]:
    number = message["to"].removeprefix(client.WHATSAPP)
    if free and message["to"] != number and not books.may_write_freely(number):
        return [books.become(message, "failed", 63016)]
    return [books.become(message, "sent"), books.become(message, "delivered", after=0.2)]


def one(heard: Heard, books: Log) -> Answer:
    try:
        return Answer(json=books.find(heard.params["sid"]), headers=numbered())
    except Refused as refused:
        return refused.answer


def search(heard: Heard, books: Log) -> Answer:
    """The newest first, page by page."""
    try:
        asked: Search = read(Search, dict(heard.query))
    except Refused as refused:
        return refused.answer
    found = [message for message in reversed(books.messages) if _matches(message, asked)]
    begin = asked.Page * asked.PageSize
    shown = found[begin : begin + asked.PageSize]
    path = f"/2010-04-01/Accounts/{heard.params['account']}/Messages.json"
    more = {**heard.query, "Page": str(asked.Page + 1), "PageToken": "PA1"}
    following = f"{path}?{urlencode(more)}" if len(found) > begin + asked.PageSize else None
    page = {"messages": shown, "page": asked.Page, "page_size": asked.PageSize, "next_page_uri": following}
    return Answer(json={**page, "uri": path, "start": begin, "end": begin + len(shown)}, headers=numbered())


def _matches(message: Body, asked: Search) -> bool:
    since = client.moment(message["date_sent"]) if asked.sent_since else None
    recent = asked.sent_since is None or (since is not None and since >= asked.sent_since)
    return recent and asked.To in (None, message["to"]) and asked.From in (None, message["from"])


def account(heard: Heard, books: Log) -> Answer:
    body = {"sid": heard.settings.account_sid, "friendly_name": "Sandbox", "status": "active", "type": "Full"}
    return Answer(json=body, headers=numbered())


def reply(given: Any, books: Log) -> Answer:
    """Somebody writes to us, to the sender who wrote to them last. Twilio heeds STOP and START before it tells us."""
    try:
        asked: Reply = read(Reply, given)
        number = f"{client.WHATSAPP}{asked.number}" if asked.whatsapp else asked.number
        last = _newest(number, books)
    except Refused as refused:
        return refused.answer
    service = last["messaging_service_sid"]
    message = written(last["account_sid"], last["from"], number, asked.text, "inbound", service)
    books.messages.append(message)
    if asked.whatsapp:
        books.wrote[asked.number] = int(time.time())
    word = _KEYWORDS.get(asked.text.strip().lower())
    stopped = books.stopped.setdefault(number, [])
    if word == "STOP" and not asked.whatsapp:
        stopped.append(service or last["from"])
    if word == "START":
        stopped.clear()
    advanced = word if service else None
    return Answer(json=message, webhooks=[] if asked.lost else [told_of(message, advanced)])


def fail(given: Any, books: Log) -> Answer:
    """The newest text to this number did not arrive after all."""
    return _fate(given, books, "undelivered")


def seen(given: Any, books: Log) -> Answer:
    """It was read, which only WhatsApp tells."""
    return _fate(given, books, "read")


def _fate(given: Any, books: Log, status: str) -> Answer:
    try:
        asked: Fate = read(Fate, given)
        prefix = client.WHATSAPP if status == "read" else ""
        message = _newest(f"{prefix}{asked.number}", books)
    except Refused as refused:
        return refused.answer
    told = books.become(message, status, asked.code if status == "undelivered" else None)
    return Answer(json=message, webhooks=[] if asked.lost else [told])


def _newest(number: str, books: Log) -> Body:
    for message in reversed(books.messages):
        if message["to"] == number and message["direction"] != "inbound":
            return message
    raise Refused(404, 20404, f"no text went to {number}")


def guard(heard: Heard) -> Answer | None:
    if heard.headers.get("authorization") != client.headers(heard.settings, None)["Authorization"]:
        return Refused(401, 20003, "Authenticate").answer
    if not heard.path.startswith(f"/2010-04-01/Accounts/{heard.settings.account_sid}"):
        return Refused(404, 20404, f"The requested resource {heard.path} was not found").answer
    return None


def settings() -> TwilioSettings:
    return TwilioSettings(
        account_sid=ACCOUNT,
        auth_token=SecretStr("sandbox-auth-token"),
        webhook_secret=SecretStr("sandbox-auth-token"),
        messaging_service_sid="MG" + "5afe" * 8,
        from_number="+15017122661",
        whatsapp_from="+14155238886",
    )


STAND_IN = StandIn(
    name="twilio",
    books=Log,
    routes=[
        Route("POST", "/2010-04-01/Accounts/{account}/Messages.json", send),
        Route("GET", "/2010-04-01/Accounts/{account}/Messages.json", search),
        Route("GET", "/2010-04-01/Accounts/{account}/Messages/{sid}.json", one),
        Route("GET", "/2010-04-01/Accounts/{account}.json", account),
    ],
    guard=guard,
    rate_limited=lambda: Refused(429, 20429, "Too Many Requests").answer,
    broken=lambda: Refused(500, 20500, "Internal Server Error").answer,
    settings=settings,
    moves={"reply": reply, "fail": fail, "read": seen},
)
