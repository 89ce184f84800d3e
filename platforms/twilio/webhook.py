"""Twilio's webhooks: what became of a text, what was answered, and who wants no more.

The failure prevented: a STOP that is not heard. Twilio marks it only for accounts that have Advanced Opt-Out, so the
words are read here too, as people write them. It has answered already: we say nothing, and no word opts anybody in.
"""

import json
import re
from datetime import UTC, datetime
from typing import Any

from models.base import Json
from models.contact import Identity
from models.event import Event, checked_data
from platforms.base import IGNORED, Body, Inbound, Incoming, Response
from platforms.errors import Malformed
from platforms.twilio.client import EFFECT, WHATSAPP
from platforms.twilio.problem import OPTED_OUT
from platforms.twilio.signature import sign, verify

RECEIVED = "received"
AT = "at"
"""When it happened, in ISO 8601: where a text is read and not told. A webhook has no time in it."""

_STOP = frozenset(
    {
        *("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "stopp", "arret", "arrêt"),
        "remove",
    }
)
_AND = frozenset(
    {
        *("please", "pls", "now", "thanks", "thank", "you", "me", "it", "all", "this", "these", "texting", "messaging"),
        *("sending", "contacting", "messages", "texts", "promotions", "marketing", "from", "the", "list", "your"),
    }
)
"""What people add to the word; `Stop promotions` is a button of WhatsApp's."""
_START = frozenset({"start", "unstop"})
"""Twilio takes YES too, which people also answer to other questions."""
_HELP = frozenset({"help", "info"})


def unpack(incoming: Incoming) -> list[tuple[str, Body]]:
    """One text, by its status; an inbound one is `received`. Our key comes with the address."""
    item = _parameters(incoming)
    name = item.get("MessageStatus") or item.get("SmsStatus")
    if not name and "Body" in item:
        name = RECEIVED
    if not isinstance(name, str) or not name:
        raise Malformed("a request without the status of a message")
    return [(name, {**item, "MessageStatus": name, EFFECT: incoming.query.get(EFFECT), AT: None})]


def delivered(item: Body) -> list[Event]:
    """`sent` counts too: it proves that the text left, and many networks tell no more than that."""
    return [_about_a_text(item, "message.delivered", {})]


def bounced(item: Body) -> list[Event]:
    """`undelivered` by the network, or `failed` at Twilio. Whoever had answered STOP is opted out besides."""
    code = item.get("ErrorCode")
    data: Json = {"kind": item["MessageStatus"], **({"text": f"error {code}"} if code else {})}
    events = [_about_a_text(item, "message.bounced", data)]
    if str(code) == str(OPTED_OUT):
        sid = _text(item, "MessageSid")
        events.append(_event(item, "contact.opted_out", f"{sid}:opted_out", ("phone", _number(item, "To")), {}))
    return events


def received(item: Body) -> list[Event]:
    """A text from somebody: an opt-out, else a reply."""
    words = _words(item)
    sid, who = _text(item, "MessageSid"), ("phone", _number(item, "From"))
    if item.get("OptOutType") == "STOP" or says_stop(words):
        return [_event(item, "contact.opted_out", sid, who, {})]
    data: Json = {"kind": _kind(item, words), **({"text": words[:20_000]} if words else {})}
    return [_event(item, "message.replied", sid, who, data)]


def says_stop(text: str) -> bool:
    """STOP as people write it: `Stop.`, `please stop texting me`; but not `Stop by any time`."""
    words = re.findall(r"[^\W_]+", re.sub(r"\bopt[\s-]out\b", "optout", text.casefold()))
    said = [word for word in words if word not in _AND]
    return bool(said) and len(words) <= 8 and all(word in _STOP for word in said)


def _kind(item: Body, text: str) -> str:
    """START and HELP are answered by Twilio, and are a matter for a colleague: consent is given on our own page."""
    word = text.strip().casefold()
    if item.get("OptOutType") == "START" or word in _START:
        return "start"
    return "help" if item.get("OptOutType") == "HELP" or word in _HELP else "reply"


def _about_a_text(item: Body, event_type: str, data: Json) -> Event:
    """Named by our key where the address carried it, else by Twilio's id of the text."""
    sid, key = _text(item, "MessageSid"), item.get(EFFECT)
    subject = ("effect", key) if key else ("twilio_send", sid)
    own: Json = {"message": key} if key else {}
    return _event(item, event_type, f"{sid}:{item['MessageStatus']}", subject, own | data)


def _event(item: Body, event_type: str, source_id: str, subject: tuple[str, str], data: Json) -> Event:
    try:
        return Event(
            type=event_type,
            source="twilio",
            source_id=source_id,
            subject=Identity(kind=subject[0], value=subject[1]),
            at=item.get(AT) or datetime.now(UTC),
            data=checked_data(event_type, data),
        )
    except ValueError as error:
        raise Malformed(f"{event_type}: {type(error).__name__} in what it is about") from error


def _parameters(incoming: Incoming) -> Body:
    if incoming.content_type != "application/json":
        return {**incoming.form()}
    try:
        given: Any = json.loads(incoming.body)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    if not isinstance(given, dict):
        raise Malformed("not an object")
    return given


def _number(item: Body, name: str) -> str:
    """A telephone number, by whichever channel it was written from."""
    number = _text(item, name).removeprefix(WHATSAPP)
    if not re.fullmatch(r"\+?[0-9]{3,15}", number):
        raise Malformed(f"{name} is no telephone number")
    return number


def _words(item: Body) -> str:
    text = item.get("ButtonText") or item.get("Body") or ""
    if not isinstance(text, str):
        raise Malformed("a text that is none")
    return text


def _text(item: Body, name: str) -> str:
    value = item.get(name)
    if not isinstance(value, str) or not value:
        raise Malformed(f"a message without {name}")
    return value


INBOUND = Inbound(
    verify=verify,
    sign=sign,
    unpack=unpack,
    accepted=Response(text="<Response/>", media_type="text/xml"),
    events={
        RECEIVED: received,
        "sent": delivered,
        "delivered": delivered,
        "read": delivered,
        "undelivered": bounced,
        "failed": bounced,
        "accepted": IGNORED,
        "scheduled": IGNORED,
        "queued": IGNORED,
        "sending": IGNORED,
        "receiving": IGNORED,
        "partially_delivered": IGNORED,
        "canceled": IGNORED,
    },
)
