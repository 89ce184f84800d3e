"""SendGrid's v3 API: one mail to one person.

The failure prevented: a mail sent twice. SendGrid has no idempotency key of any kind, so nothing here repeats; our key
travels as a custom argument, comes back with every event, and so proves what an answer that was lost did not say.
"""

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from platforms.base import Body, Call, Problem, Reply, Talk, Token, brief, by_status, reveal
from platforms.capabilities import Receipt, SendEmail
from platforms.errors import Unauthorized

if TYPE_CHECKING:
    from platforms.sendgrid import SendGridSettings

EFFECT = "ovation_effect"
"""The custom argument that holds our key; SendGrid puts it at the top level of each event."""

_ADDRESS = re.compile(r"\S+@\S+")
_OTHERWISE = 30.0


def headers(settings: "SendGridSettings", token: Token | None) -> dict[str, str]:
    """An API key in the Authorization header."""
    return {"Authorization": f"Bearer {reveal(settings.api_key)}"}


def send_email(action: SendEmail, key: str, settings: "SendGridSettings") -> Talk:
    """POST /v3/mail/send. A 202 means queued, not delivered; X-Message-Id begins the id in every event about it."""
    reply = yield Call.post("/v3/mail/send", json=_mail(action, key, settings))
    message_id = reply.headers.get("x-message-id")
    return Receipt(reference=message_id, facts={"message_id": message_id} if message_id else {})


def doctor(settings: "SendGridSettings") -> Talk:
    """GET /v3/scopes: what the key may do. Raises Unauthorized if that is not to send."""
    reply = yield Call.get("/v3/scopes")
    scopes = reply.json.get("scopes", []) if isinstance(reply.json, dict) else []
    if "mail.send" not in scopes:
        raise Unauthorized("this API key may not send: it lacks the scope mail.send")
    return Receipt(facts={"may_send": True, "scopes": len(scopes)})


def judge(reply: Reply, call: Call) -> Problem | None:
    """By status. A 429 has no Retry-After but the instant of the reset, which the answer's own Date puts in seconds."""
    problem = by_status(reply, call)
    if problem is None:
        return None
    if problem.kind == "rate-limited":
        return Problem("rate-limited", problem.message, _until_reset(reply))
    return Problem(problem.kind, f"HTTP {reply.status}: {_explained(reply)}")


def _mail(action: SendEmail, key: str, settings: "SendGridSettings") -> Body:
    mail: Body = {
        "from": _named(settings.from_email or "", settings.from_name),
        "personalizations": [_personalization(action, key)],
        "categories": [action.category],
        "tracking_settings": {"click_tracking": {"enable": False}, "subscription_tracking": {"enable": False}},
    }
    if action.reply_to:
        mail["reply_to"] = {"email": action.reply_to}
    if action.template:
        mail["template_id"] = action.template
    else:
        parts = [("text/plain", action.text), ("text/html", action.html)]  # the order SendGrid wants
        mail["subject"] = action.subject
        mail["content"] = [{"type": kind, "value": value} for kind, value in parts if value]
    return mail


def _personalization(action: SendEmail, key: str) -> Body:
    """The unsubscribe pair is ours and not SendGrid's, so that consent stays with us, by kind of message."""
    person: Body = {"to": [_named(action.to, action.to_name)], "custom_args": {EFFECT: key}}
    if action.template:
        own = {"subject": action.subject, "unsubscribe_url": action.unsubscribe_url or ""}
        person["dynamic_template_data"] = {**own, **action.variables}
    if action.unsubscribe_url:
        person["headers"] = {
            "List-Unsubscribe": f"<{action.unsubscribe_url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    return person


def _named(email: str, name: str | None) -> Body:
    return {"email": email, "name": name} if name else {"email": email}


def _until_reset(reply: Reply) -> float:
    try:
        reset = float(reply.headers["x-ratelimit-reset"])
        answered = parsedate_to_datetime(reply.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return _OTHERWISE
    return min(max(reset - answered, 1.0), 86_400.0)


def _explained(reply: Reply) -> str:
    """SendGrid's own words, with addresses left out: they may quote the one we sent."""
    errors = reply.json.get("errors") if isinstance(reply.json, dict) else None
    if not isinstance(errors, list):
        return _ADDRESS.sub("(address)", brief(reply))
    said = (error for error in errors if isinstance(error, dict))
    words = "; ".join(f"{e['field']}: {e['message']}" if _field(e) else str(e.get("message")) for e in said)
    return _ADDRESS.sub("(address)", words)[:300]


def _field(error: Body) -> bool:
    return error.get("field") not in (None, "", "null")
