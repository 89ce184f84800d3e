"""SendGrid's double: it takes mail, reports `processed` and `delivered` a moment later, and keeps who is suppressed.

A repeat sends twice, as SendGrid does. A suppressed address gets the 202 too, and then `dropped`.
"""

import json
import secrets
import time
from typing import Any
from urllib.parse import unquote

from pydantic import BaseModel, Field, SecretStr, ValidationError

from platforms.base import Body, reveal
from platforms.sendgrid import SendGridSettings
from platforms.sendgrid.stand_in_requests import Email, Personalization, SendRequest, Strict
from platforms.sendgrid.webhook import new_key_pair
from platforms.stand_in import Answer, Heard, Route, StandIn, Webhook

SCOPES = ["mail.send", "asm.suppressions.global.read", "suppression.bounces.read", "user.webhooks.event.settings.read"]
PER_MINUTE = 600


class Mail(BaseModel):
    """A mail as it was taken in. `became` are the events told about it."""

    id: str
    to: str
    subject: str | None = None
    template_id: str | None = None
    variables: Body = Field(default_factory=dict)
    content: dict[str, str] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    custom_args: dict[str, str] = Field(default_factory=dict)
    categories: list[str] = Field(default_factory=list)
    became: list[str] = Field(default_factory=list)


class Account(BaseModel):
    """The books. Suppressions: address, lower case → when (unix seconds)."""

    mails: list[Mail] = Field(default_factory=list)
    unsubscribed: dict[str, int] = Field(default_factory=dict)
    bounced: dict[str, int] = Field(default_factory=dict)


def send(heard: Heard, books: Account) -> Answer:
    """202 and an empty body, for a suppressed address too; 200 for a mail that is only to be validated."""
    try:
        asked = SendRequest.model_validate(heard.json)
    except ValidationError as error:
        return _refused(error)
    if heard.settings.from_email and asked.from_.email.lower() != heard.settings.from_email.lower():
        return _error(403, "The from address does not match a verified Sender Identity.", "from")
    if asked.mail_settings.sandbox_mode and asked.mail_settings.sandbox_mode.enable:
        return Answer(200, headers=_limits())
    mails = [_taken_in(asked, part, person.email) for part in asked.personalizations for person in part.to]
    books.mails += mails
    events = [event for mail in mails for event in _became(mail, books)]
    headers = {"X-Message-Id": mails[0].id, **_limits()}
    return Answer(202, headers=headers, webhooks=[_webhook(events, after=0.2)])


def _taken_in(asked: SendRequest, part: Personalization, to: str) -> Mail:
    return Mail(
        id=secrets.token_urlsafe(16),
        to=to,
        subject=part.subject or asked.subject,
        template_id=asked.template_id,
        variables=part.dynamic_template_data or {},
        content={content.type: content.value for content in asked.content or []},
        headers={**asked.headers, **part.headers},
        custom_args={**asked.custom_args, **part.custom_args},
        categories=asked.categories,
    )


def _became(mail: Mail, books: Account) -> list[Body]:
    to = mail.to.lower()
    reasons = {"Unsubscribed Address": books.unsubscribed, "Bounced Address": books.bounced}
    for reason, suppressed in reasons.items():
        if to in suppressed:
            return [_event(mail, "dropped", reason=reason, status="5.0.0")]
    return [_event(mail, "processed"), _event(mail, "delivered", response="250 OK", ip="168.1.1.1", tls=1)]


def _event(mail: Mail, name: str, **more: object) -> Body:
    mail.became.append(name)
    event: Body = {"email": mail.to, "timestamp": int(time.time()), "event": name, "category": mail.categories}
    ids = {"smtp-id": f"<{mail.id}@ismtpd-sandbox>", "sg_message_id": f"{mail.id}.filter0001.16648.5515E0B88.0"}
    return {**event, **ids, "sg_event_id": secrets.token_urlsafe(16), **more, **mail.custom_args}


def _webhook(events: list[Body], after: float = 0.0) -> Webhook:
    """The body ends in CR LF, as SendGrid's do: whoever strips it before verifying is found out here."""
    return Webhook(json.dumps(events).encode() + b"\r\n", after=after)


def scopes(heard: Heard, books: Account) -> Answer:
    return Answer(200, json={"scopes": SCOPES}, headers=_limits())


def global_suppression(heard: Heard, books: Account) -> Answer:
    email = unquote(heard.params["email"])
    suppressed = email.lower() in books.unsubscribed
    return Answer(200, json={"recipient_email": email} if suppressed else {}, headers=_limits())


def bounces(heard: Heard, books: Account) -> Answer:
    email = unquote(heard.params["email"])
    created = books.bounced.get(email.lower())
    bounce = {"created": created, "email": email, "reason": "550 5.1.1 no such account", "status": "5.1.1"}
    return Answer(200, json=[bounce] if created is not None else [], headers=_limits())


class _Move(Strict):
    """`bounce`: the newest mail to this address comes back. `unsubscribe`: its reader wants no more."""

    email: Email


def bounce(given: Any, books: Account) -> Answer:
    mail = _newest(given, books)
    if isinstance(mail, Answer):
        return mail
    books.bounced[mail.to.lower()] = int(time.time())
    reason = {"reason": "550 5.1.1 no such account", "bounce_classification": "Invalid Address"}
    event = _event(mail, "bounce", type="bounce", status="5.1.1", **reason)
    return Answer(200, json=event, webhooks=[_webhook([event])])


def unsubscribe(given: Any, books: Account) -> Answer:
    mail = _newest(given, books)
    if isinstance(mail, Answer):
        return mail
    books.unsubscribed[mail.to.lower()] = int(time.time())
    event = _event(mail, "unsubscribe")
    return Answer(200, json=event, webhooks=[_webhook([event])])


def _newest(given: Any, books: Account) -> Mail | Answer:
    try:
        to = _Move.model_validate(given).email.lower()
    except ValidationError as error:
        return Answer(422, json={"errors": error.errors(include_url=False, include_context=False)})
    mails = (mail for mail in reversed(books.mails) if mail.to.lower() == to)
    return next(mails, None) or Answer(404, json={"errors": [{"message": "no mail went to this address"}]})


def guard(heard: Heard) -> Answer | None:
    if heard.headers.get("authorization") == f"Bearer {reveal(heard.settings.api_key)}":
        return None
    return _error(401, "authorization required")


def _refused(error: ValidationError) -> Answer:
    """SendGrid's documented words for a bad request, with the field by which it may be found."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or first["msg"].removeprefix("Value error, ")
    if where == "template_id":
        return _error(400, "The template_id must be a valid GUID", "template_id")
    return _error(400, "invalid request", where)


def _error(status: int, message: str, field: str | None = None) -> Answer:
    return Answer(status, json={"errors": [{"message": message, "field": field or "null"}]}, headers=_limits())


def _limits(left: int = PER_MINUTE - 1) -> dict[str, str]:
    reset = (int(time.time()) // 60 + 1) * 60
    names = {"X-RateLimit-Limit": PER_MINUTE, "X-RateLimit-Remaining": left, "X-RateLimit-Reset": reset}
    return {name: str(value) for name, value in names.items()}


def rate_limited() -> Answer:
    return Answer(429, json={"errors": [{"field": None, "message": "too many requests"}]}, headers=_limits(0))


def broken() -> Answer:
    return Answer(500, json={"errors": [{"message": "internal server error"}]})


def settings() -> SendGridSettings:
    public, private = new_key_pair("ovation sandbox")
    return SendGridSettings(
        api_key=SecretStr("SG.sandbox"),
        from_email="thanks@acme.example",
        from_name="Acme",
        webhook_public_key=public,
        webhook_private_key=SecretStr(private),
    )


STAND_IN = StandIn(
    name="sendgrid",
    books=Account,
    routes=[
        Route("POST", "/v3/mail/send", send),
        Route("GET", "/v3/scopes", scopes),
        Route("GET", "/v3/asm/suppressions/global/{email}", global_suppression),
        Route("GET", "/v3/suppression/bounces/{email}", bounces),
    ],
    guard=guard,
    rate_limited=rate_limited,
    broken=broken,
    settings=settings,
    moves={"bounce": bounce, "unsubscribe": unsubscribe},
)
