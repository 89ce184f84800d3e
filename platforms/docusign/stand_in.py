"""DocuSign's double: templates, envelopes made from them, and Connect, which tells what signers do.

A draft is mailed to nobody, an envelope is sent once, and a second one like the first is a second one: there is no
idempotency. Signers' and senders' part are the moves: `open`, `sign`, `decline`, `void`; `template` adds a template.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr

from platforms.base import Body
from platforms.docusign import DocuSignSettings
from platforms.docusign.stand_in_books import (
    ACCOUNT,
    REMEMBERED,
    USER,
    Books,
    Envelope,
    Refused,
    limits,
    operation,
    shown,
    timestamp,
    told,
)
from platforms.docusign.stand_in_requests import Change, Chosen, NewEnvelope, NewTemplate, read
from platforms.docusign.stand_in_session import SITE, guard, made_up_key, sign_in, userinfo
from platforms.stand_in import Answer, Heard, Route, StandIn, Webhook

# Envelopes.


@operation
def _create(heard: Heard, books: Books) -> Answer:
    _in_account(heard)
    asked = read(NewEnvelope, heard.json)
    if asked.template_id not in books.templates:
        raise Refused(400, "TEMPLATE_ID_INVALID", "Invalid template ID.")
    if any("@" not in role.email for role in asked.template_roles):
        raise Refused(400, "INVALID_EMAIL_ADDRESS_FOR_RECIPIENT", "The email address for the recipient is invalid.")
    if {role.role_name for role in asked.template_roles} != set(books.templates[asked.template_id]):
        words = "Freeform signing is not allowed for your account because it conflicts with other settings."
        raise Refused(400, "ONESIGN_ALLSIGN_NOT_SATISFIED", words)
    envelope = Envelope(given=heard.json, transaction_id=asked.transaction_id)
    books.envelopes.append(envelope)
    sent = _mailed(envelope) if asked.status == "sent" else []
    body = {
        "envelopeId": envelope.id,
        "uri": f"/envelopes/{envelope.id}",
        "statusDateTime": timestamp(envelope.changed_at),
        "status": envelope.status,
    }
    return Answer(201, body, headers=limits(), webhooks=sent)


@operation
def _change(heard: Heard, books: Books) -> Answer:
    _in_account(heard)
    envelope, asked = books.envelope(heard.params["envelope"]), read(Change, heard.json)
    if asked.status == "sent":
        _must_be(envelope, "created")
        webhooks = _mailed(envelope)
    else:
        if not asked.voided_reason:
            raise Refused(400, "INVALID_REQUEST_PARAMETER", "A reason for voiding the envelope is required.")
        _must_be(envelope, "sent", "delivered")
        envelope.reason = asked.voided_reason
        envelope.becomes("voided", datetime.now(UTC))
        webhooks = [told(envelope, "envelope-voided")]
    return Answer(200, {"envelopeId": envelope.id}, headers=limits(), webhooks=webhooks)


def _mailed(envelope: Envelope) -> list[Webhook]:
    envelope.mailed += 1
    envelope.becomes("sent", datetime.now(UTC))
    return [told(envelope, "envelope-sent")]


def _must_be(envelope: Envelope, *statuses: str) -> None:
    if envelope.status not in statuses:
        words = f"Invalid envelope status. Envelope status {envelope.status} is not one of {', '.join(statuses)}."
        raise Refused(400, "ENVELOPE_INVALID_STATUS", words)


@operation
def _read_one(heard: Heard, books: Books) -> Answer:
    _in_account(heard)
    envelope = books.envelope(heard.params["envelope"])
    return Answer(200, shown(envelope, with_fields=_with_fields(heard)), headers=limits())


@operation
def _list(heard: Heard, books: Books) -> Answer:
    """By transactionId, or what changed in a span of time; of those, by custom field and status."""
    _in_account(heard)
    found = _asked_for(heard, books)
    start, count = int(heard.query.get("start_position", "0")), int(heard.query.get("count", "1000"))
    page = [shown(e, with_fields=_with_fields(heard)) for e in found[start : start + count]]
    body: Body = {"resultSetSize": str(len(page)), "totalSetSize": str(len(found)), "startPosition": str(start)}
    return Answer(200, {**body, "envelopes": page} if page else body, headers=limits())


def _asked_for(heard: Heard, books: Books) -> list[Envelope]:
    now, query = datetime.now(UTC), heard.query
    if "transaction_ids" in query:
        wanted = query["transaction_ids"].split(",")
        return [e for e in books.envelopes if e.transaction_id in wanted and now - e.created_at < REMEMBERED]
    if "from_date" not in query:
        raise Refused(400, "INVALID_REQUEST_PARAMETER", "from_date is required unless ids are given.")
    since, until = datetime.fromisoformat(query["from_date"]), query.get("to_date")
    found = [e for e in books.envelopes if since <= e.changed_at <= (datetime.fromisoformat(until) if until else now)]
    name, _, value = query.get("custom_field", "").partition("=")
    statuses = query.get("status", "any").split(",")
    return [e for e in found if (not name or e.field(name) == value) and (statuses == ["any"] or e.status in statuses)]


def _with_fields(heard: Heard) -> bool:
    return "custom_fields" in heard.query.get("include", "").split(",")


def _in_account(heard: Heard) -> None:
    if heard.params["account"] != ACCOUNT:
        raise Refused(401, "USER_DOES_NOT_BELONG_TO_SPECIFIED_ACCOUNT", "The user is no member of this account.")


# What is made to happen.


def _moves(event: str, status: str, *may_be: str) -> Callable[[Any, Books], Answer]:
    @operation
    def move(given: Any, books: Books) -> Answer:
        asked = read(Chosen, given)
        envelope = books.newest(asked.envelope_id, asked.ovation_effect)
        _must_be(envelope, *may_be)
        envelope.reason = asked.reason
        envelope.becomes(status, asked.at or datetime.now(UTC))
        return Answer(200, shown(envelope, with_fields=True), webhooks=[told(envelope, event)])

    return move


@operation
def _add_template(given: Any, books: Books) -> Answer:
    asked = read(NewTemplate, given)
    books.templates[asked.template_id] = list(asked.roles)
    return Answer(200, {"templates": books.templates})


def rate_limited() -> Answer:
    words = "The maximum number of hourly API invocations has been exceeded. The hourly limit is 3000."
    return Answer(429, {"errorCode": "HOURLY_APIINVOCATION_LIMIT_EXCEEDED", "message": words}, headers=limits(0))


def broken() -> Answer:
    return Answer(500, {"errorCode": "UNSPECIFIED_ERROR", "message": "An unspecified error has occurred."})


def settings() -> DocuSignSettings:
    return DocuSignSettings(
        auth_host="account-d.docusign.com",
        integration_key="0f9e8d7c-6b5a-4c3d-8e2f-1a0b9c8d7e6f",
        user=USER,
        account=ACCOUNT,
        account_uri=SITE,
        private_key=SecretStr(made_up_key()),
        webhook_secret=SecretStr("sandbox-connect-key"),
    )


_ENVELOPES = "/restapi/v2.1/accounts/{account}/envelopes"
_UNDER_WAY = ("sent", "delivered")

STAND_IN = StandIn(
    name="docusign",
    books=Books,
    routes=[
        Route("POST", "/oauth/token", sign_in),
        Route("GET", "/oauth/userinfo", userinfo),
        Route("POST", _ENVELOPES, _create),
        Route("GET", _ENVELOPES, _list),
        Route("PUT", f"{_ENVELOPES}/{{envelope}}", _change),
        Route("GET", f"{_ENVELOPES}/{{envelope}}", _read_one),
    ],
    guard=guard,
    rate_limited=rate_limited,
    broken=broken,
    settings=settings,
    moves={
        "open": _moves("envelope-delivered", "delivered", "sent"),
        "sign": _moves("envelope-completed", "completed", *_UNDER_WAY),
        "decline": _moves("envelope-declined", "declined", *_UNDER_WAY),
        "void": _moves("envelope-voided", "voided", *_UNDER_WAY),
        "template": _add_template,
    },
)
