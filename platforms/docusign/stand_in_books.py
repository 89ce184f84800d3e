"""The books of DocuSign's double: templates, envelopes, and what each says about itself."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from pydantic import Field

from models.base import Instant, Model
from platforms.base import Body
from platforms.docusign.client import FIELD
from platforms.stand_in import Answer, Webhook

ACCOUNT = "7a1e6c2f-0b3d-4c59-9f8e-2d5a7c1b4e60"
USER = "c5e0a1b2-6d3f-4e8a-9b7c-1f2e3d4c5b6a"
TEMPLATE = "4e1f7a90-3c2b-4d5e-8f6a-9b0c1d2e3f4a"

REMEMBERED = timedelta(days=7)
"""How long a transactionId is known."""


class Refused(Exception):
    """An error of DocuSign's."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.answer = Answer(status, {"errorCode": code, "message": message}, headers=limits())


def operation(handle: Callable[[Any, "Books"], Answer]) -> Callable[[Any, "Books"], Answer]:
    """Answers, or refuses in DocuSign's form."""

    def answer(asked: Any, books: "Books") -> Answer:
        try:
            return handle(asked, books)
        except Refused as refused:
            return refused.answer

    return answer


class Envelope(Model):
    """`given` as it was asked for. `mailed` counts how often the signers got it."""

    id: str = Field(default_factory=lambda: str(uuid4()))
    status: str = "created"
    given: Body
    transaction_id: str | None = None
    created_at: Instant = Field(default_factory=lambda: datetime.now(UTC))
    changed_at: Instant = Field(default_factory=lambda: datetime.now(UTC))
    times: dict[str, Instant] = Field(default_factory=dict)
    reason: str | None = None
    mailed: int = 0

    @property
    def fields(self) -> list[Body]:
        given: list[Body] = self.given.get("customFields", {}).get("textCustomFields", [])
        return given

    def field(self, name: str) -> str | None:
        return next((str(f["value"]) for f in self.fields if f["name"] == name), None)

    def becomes(self, status: str, at: datetime) -> None:
        self.status, self.changed_at = status, at
        self.times[status] = at


class Books(Model):
    """`templates`: id → the roles a sender has to fill."""

    templates: dict[str, list[str]] = Field(default_factory=lambda: {TEMPLATE: ["Advocate"]})
    envelopes: list[Envelope] = Field(default_factory=list)

    def envelope(self, own_id: str) -> Envelope:
        found = next((e for e in self.envelopes if e.id == own_id), None)
        if found is None:
            raise Refused(404, "ENVELOPE_DOES_NOT_EXIST", "The envelope specified does not exist.")
        return found

    def newest(self, own_id: str | None, key: str | None) -> Envelope:
        for envelope in reversed(self.envelopes):
            if own_id in (None, envelope.id) and key in (None, envelope.field(FIELD)):
                return envelope
        raise Refused(404, "ENVELOPE_DOES_NOT_EXIST", "No envelope is like that.")


def shown(envelope: Envelope, *, with_fields: bool) -> Body:
    """An envelope as a list or a message tells of it."""
    told: Body = {
        "envelopeId": envelope.id,
        "status": envelope.status,
        "emailSubject": envelope.given["emailSubject"],
        "createdDateTime": timestamp(envelope.created_at),
        "statusChangedDateTime": timestamp(envelope.changed_at),
        **{f"{status}DateTime": timestamp(at) for status, at in envelope.times.items()},
    }
    if envelope.reason and envelope.status == "voided":
        told["voidedReason"] = envelope.reason
    if with_fields:
        fields = [{"fieldId": str(1000 + number), **field} for number, field in enumerate(envelope.fields)]
        told["customFields"] = {"textCustomFields": fields, "listCustomFields": []}
    return told


def told(envelope: Envelope, event: str) -> Webhook:
    """What an account-wide Connect configuration with custom fields and recipients sends."""
    signers = [
        {"recipientId": str(number), **role, **_as_signer(envelope)}
        for number, role in enumerate(envelope.given["templateRoles"], start=1)
    ]
    summary = {**shown(envelope, with_fields=True), "recipients": {"signers": signers}}
    if envelope.transaction_id:
        summary["transactionId"] = envelope.transaction_id
    body = {
        "event": event,
        "apiVersion": "v2.1",
        "uri": f"/restapi/v2.1/accounts/{ACCOUNT}/envelopes/{envelope.id}",
        "retryCount": 0,
        "configurationId": 10418598,
        "generatedDateTime": timestamp(datetime.now(UTC)),
        "data": {"accountId": ACCOUNT, "userId": USER, "envelopeId": envelope.id, "envelopeSummary": summary},
    }
    return Webhook(json.dumps(body).encode(), after=0.1)


def _as_signer(envelope: Envelope) -> Body:
    """Where the signers are; a reason to decline is told with whoever gave it."""
    if envelope.status == "declined":
        at = timestamp(envelope.times["declined"])
        return {"status": "declined", "declinedDateTime": at, "declinedReason": envelope.reason or ""}
    return {"status": "completed" if envelope.status == "completed" else "sent"}


def timestamp(at: datetime) -> str:
    """Seven decimals, as DocuSign writes them."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def limits(left: int = 2999) -> dict[str, str]:
    reset = int(datetime.now(UTC).timestamp()) // 3600 * 3600 + 3600
    names = {"X-RateLimit-Limit": 3000, "X-RateLimit-Remaining": left, "X-RateLimit-Reset": reset}
    return {**{name: str(value) for name, value in names.items()}, "X-BurstLimit-Limit": "500"}
