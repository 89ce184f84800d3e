"""Twilio's Messages: one text to one telephone.

The failure prevented: the same text twice. This API knows no idempotency key. So a lost answer is followed by a look at
what went to this number: a text that says the same is ours, or at least one that need not be said again. And every text
reports under our key, which proves what an answer did not say.
"""

import base64
import json
import re
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from platforms.base import Body, Call, Reply, Talk, Token, reveal
from platforms.capabilities import Receipt, SendText
from platforms.errors import InDoubt, Rejected, Unauthorized
from platforms.twilio.problem import OPTED_OUT, code_of, refused

if TYPE_CHECKING:
    from platforms.twilio import TwilioSettings

EFFECT = "effect"
"""The parameter of the status address that holds our key."""
WHATSAPP = "whatsapp:"
SAME = timedelta(days=30)
"""A text to the same number that says the same within this time is the one in doubt. Longer than a doubt can last."""
PAGE = 200

_RETRIES = "#rc=3&rp=5xx,ct,rt"
"""Asks Twilio to call again when we are away; a fragment, so neither sent nor signed."""
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_LONGEST = 1600


def headers(settings: "TwilioSettings", token: Token | None) -> dict[str, str]:
    """HTTP Basic, by an API key or by the account itself."""
    user = settings.api_key or settings.account_sid or ""
    pair = base64.b64encode(f"{user}:{reveal(settings.auth_token)}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def send_text(action: SendText, key: str, settings: "TwilioSettings") -> Talk:
    """POST …/Messages.json. A 201 means queued: whether it arrived is told by webhook. Somebody who has answered STOP
    is reported as opted out, and nothing was sent."""
    call = Call.post(_path(settings), form=_message(action, key, settings), accepts=(400,))
    reply = yield call
    if reply.ok:
        return _receipt(reply.json, reply)
    if code_of(reply) == OPTED_OUT:
        return Receipt(opted_out=True, facts={"error": OPTED_OUT})
    raise refused(reply, call)


def find_text(action: SendText, key: str, settings: "TwilioSettings") -> Generator[Call, Reply, Receipt | None]:
    """GET …/Messages.json?To=, the newest first: the text that says this, in a template or alone."""
    reply = yield Call.get(_path(settings), query={"To": _to(action), "PageSize": str(PAGE)})
    recent = [m for m in reply.json["messages"] if m["direction"] != "inbound" and _since(m, reply) <= SAME]
    found = next((m for m in recent if _says(m, action)), None)
    if found is None and len(recent) == PAGE:
        raise InDoubt(f"more than {PAGE} texts went to this number lately: look in Twilio's message log")
    return None if found is None else _receipt(found)


def doctor(settings: "TwilioSettings") -> Talk:
    """GET the account: active, and something to send from."""
    if not (settings.messaging_service_sid or settings.from_number or settings.whatsapp_from):
        raise Unauthorized(f"there is nothing to send from: set {_SENDERS}")
    reply = yield Call.get(f"/2010-04-01/Accounts/{settings.account_sid}.json")
    status = reply.json["status"]
    if status != "active":
        raise Unauthorized(f"the account is {status}")
    return Receipt(facts={"status": status, "type": reply.json["type"]})


_SENDERS = "OVATION_TWILIO__MESSAGING_SERVICE_SID, OVATION_TWILIO__FROM_NUMBER or OVATION_TWILIO__WHATSAPP_FROM"


def _message(action: SendText, key: str, settings: "TwilioSettings") -> dict[str, str]:
    """A text that waits too long in Twilio's queue is dropped: later may be night."""
    form = {"To": _to(action), **_sender(action, settings), **_content(action, settings)}
    if not action.whatsapp:
        form["ValidityPeriod"] = str(settings.validity_seconds)
    if settings.status_url:
        form["StatusCallback"] = f"{settings.status_url}?{urlencode({EFFECT: key}, quote_via=quote)}{_RETRIES}"
    return form


def _sender(action: SendText, settings: "TwilioSettings") -> dict[str, str]:
    own = f"{WHATSAPP}{settings.whatsapp_from}" if settings.whatsapp_from else None
    number = own if action.whatsapp else settings.from_number
    if number and (action.whatsapp or not settings.messaging_service_sid):
        return {"From": number}
    if settings.messaging_service_sid:
        return {"MessagingServiceSid": settings.messaging_service_sid}
    raise Unauthorized(f"there is nothing to send this from: set {_SENDERS}")


def _content(action: SendText, settings: "TwilioSettings") -> dict[str, str]:
    """By WhatsApp a person who has not written for a day may only be sent a template: ours has one variable, in which
    Meta allows no line breaks."""
    if action.whatsapp and settings.whatsapp_content_sid:
        variables = json.dumps({"1": _one_line(action.text)}, ensure_ascii=False)
        return {"ContentSid": settings.whatsapp_content_sid, "ContentVariables": variables}
    if len(action.text) > _LONGEST:
        raise Rejected(f"the text has {len(action.text)} characters, Twilio takes {_LONGEST}")
    return {"Body": action.text}


def _to(action: SendText) -> str:
    """The number as Twilio wants it, without what people write between the digits."""
    number = re.sub(r"[\s().\-/]", "", action.to)
    if not _E164.fullmatch(number):
        raise Rejected("this is no telephone number with + and country code: correct it, then retry")
    return f"{WHATSAPP}{number}" if action.whatsapp else number


def _path(settings: "TwilioSettings") -> str:
    return f"/2010-04-01/Accounts/{settings.account_sid}/Messages.json"


def _says(message: Body, action: SendText) -> bool:
    """A template has words around ours; a trial account has some before them."""
    said, ours = _one_line(message["body"] or ""), _one_line(action.text)
    return ours in said if action.whatsapp else said.endswith(ours)


def _since(message: Body, reply: Reply) -> timedelta:
    """How long ago a text was made, by the answer's own clock; no time at all where either is not told."""
    made, answered = moment(message.get("date_created")), moment(reply.headers.get("date"))
    return answered - made if made and answered else timedelta()


def moment(text: str | None) -> datetime | None:
    """A time as Twilio writes it, by RFC 2822, always with its zone: without one, or with `-0000`, it is UTC."""
    try:
        found = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo is not None else found.replace(tzinfo=UTC)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _receipt(message: Body, reply: Reply | None = None) -> Receipt:
    facts = {"message": message["sid"]}
    request = reply.headers.get("twilio-request-id") if reply is not None else None
    return Receipt(reference=message["sid"], facts=facts | ({"request": request} if request else {}))
