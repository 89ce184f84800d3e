"""Delighted's webhooks: an answer, its changes, an unsubscription.

The failure prevented: an answer counted several times. `survey_response.updated` comes for every comment, tag and
additional question; so the answer is named by response and score, the comment by response and text.
"""

import hashlib
import hmac
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import ConfigDict, Field, ValidationError, field_validator
from pydantic_core import from_json

from models.base import Personal
from models.contact import Identity, Person
from models.event import Event, Id, checked_data, id_from_content
from platforms.base import IGNORED, Body, Inbound, Incoming, reveal
from platforms.errors import BadSignature, Malformed

if TYPE_CHECKING:
    from platforms.delighted import DelightedSettings

SIGNATURE = "x-delighted-webhook-signature"
LONGEST_COMMENT = 20_000

Seconds = Annotated[int, Field(ge=0, lt=253_402_300_800)]
"""Unix time, up to the year 9999."""


def _secret(settings: "DelightedSettings") -> str:
    """Delighted signs with the API key; a service that copies its format may have a secret of its own."""
    return reveal(settings.webhook_secret) or reveal(settings.api_key)


def signature(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def verify(incoming: Incoming, settings: "DelightedSettings", now: datetime) -> None:
    """HMAC-SHA256 of the raw body. It covers no time, so there is no replay window: repeats are told by source id."""
    secret = _secret(settings)
    if not secret:
        raise BadSignature(
            "set OVATION_DELIGHTED__WEBHOOK_SECRET, or OVATION_DELIGHTED__API_KEY: Delighted signs with it"
        )
    given = incoming.headers.get(SIGNATURE)
    if not given:
        raise BadSignature("the header X-Delighted-Webhook-Signature is missing")
    if not hmac.compare_digest(signature(secret, incoming.body).encode(), given.encode("utf-8", "replace")):
        raise BadSignature("X-Delighted-Webhook-Signature does not fit the body: is the key this project's?")


def sign(body: bytes, settings: "DelightedSettings", url: str, now: datetime) -> dict[str, str]:
    return {SIGNATURE: signature(_secret(settings), body)}


def unpack(incoming: Incoming) -> list[tuple[str, Body]]:
    try:
        body = from_json(incoming.body, allow_inf_nan=False)
    except ValueError as error:
        raise Malformed(f"the body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise Malformed("the body is not a JSON object")
    if not isinstance(body.get("event_type"), str) or not body["event_type"]:
        raise Malformed("event_type is missing")
    if not isinstance(body.get("event_data"), dict):
        raise Malformed("event_data is missing")
    return [(body["event_type"], body)]


class _Wire(Personal):
    """What Delighted sends, as far as we read it; it gives ids as strings and, in some accounts' copies, as numbers."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True, hide_input_in_errors=True)


Wire = TypeVar("Wire", bound=_Wire)


class Respondent(_Wire):
    email: str | None = None
    name: str | None = None


class Answer(_Wire):
    id: Id
    person: Respondent
    survey_type: str | None = None
    score: int
    comment: str | None = None
    created_at: Seconds | None = None
    updated_at: Seconds | None = None
    person_properties: dict[str, Any] = Field(default_factory=dict)

    @field_validator("person_properties", mode="before")
    @classmethod
    def _none_is_empty(cls, value: Any) -> Any:
        return {} if value is None else value


class Unsubscription(_Wire):
    """Its shape is undocumented: the person is read beside the event's own fields, too."""

    person: Respondent | None = None
    email: str | None = None
    name: str | None = None
    unsubscribed_at: Seconds | None = None
    created_at: Seconds | None = None


def response_created(body: Body) -> list[Event]:
    return _answered(body, changed=False)


def response_updated(body: Body) -> list[Event]:
    """Another score is another answer; the same score with a comment repeats the answer and adds the comment."""
    return _answered(body, changed=True)


def unsubscribed(body: Body) -> list[Event]:
    """They unsubscribed from Delighted's mail: we take it as a wish to hear nothing more."""
    left = _read(Unsubscription, body)
    who = left.person or Respondent(email=left.email, name=left.name)
    when = left.unsubscribed_at or left.created_at
    event_id = body.get("event_id")
    own_id = event_id if isinstance(event_id, str) and 0 < len(event_id) <= 200 else None
    source_id = own_id or id_from_content("unsubscribed", who.email, when)
    return [_event("contact.opted_out", source_id, {}, _names(who, {}), who, when)]


def _answered(body: Body, *, changed: bool) -> list[Event]:
    answer = _read(Answer, body)
    if answer.survey_type and answer.survey_type.lower() != "nps":
        return []  # other surveys have other scales
    names = _names(answer.person, answer.person_properties)
    when = (answer.updated_at or answer.created_at) if changed else answer.created_at
    words = answer.comment if answer.comment and answer.comment.strip() else None
    score: Body = {"score": answer.score, "response": answer.id, "has_comment": words is not None}
    if words is None:
        return [_event("nps.answered", f"{answer.id}:{answer.score}", score, names, answer.person, when)]
    comment = words[:LONGEST_COMMENT]
    said = {"response": answer.id, "comment": comment}
    said_id = f"{answer.id}:comment:{id_from_content(words)}"
    return [
        _event("nps.answered", f"{answer.id}:{answer.score}", score | {"comment": comment}, names, answer.person, when),
        _event("nps.commented", said_id, said, names, answer.person, when),
    ]


def _read(model: type[Wire], body: Body) -> Wire:
    try:
        return model.model_validate(body["event_data"])
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        raise Malformed(f"event_data.{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def _names(who: Respondent, properties: Body) -> list[Identity]:
    """The e-mail address first, then our own id; a survey by SMS may have only the latter."""
    email, ours = (who.email or "").strip().lower(), properties.get("ovation_contact")
    if email and "@" not in email:
        raise Malformed("event_data.person.email is not an e-mail address")
    known = [("email", email), ("ovation", str(ours) if ours else "")]
    try:
        names = [Identity(kind=kind, value=value) for kind, value in known if value]
    except ValidationError:
        raise Malformed("an e-mail address or ovation_contact is longer than 320 characters") from None
    if not names:
        raise Malformed("the person has neither email nor ovation_contact")
    return names


def _person(who: Respondent, names: list[Identity]) -> Person:
    first, _, last = (who.name or "").strip().partition(" ")
    email = names[0].value if names[0].kind == "email" else None
    return Person(email=email, first_name=first or None, last_name=last.strip() or None)


def _event(kind: str, source_id: str, data: Body, names: list[Identity], who: Respondent, when: int | None) -> Event:
    try:
        return Event(
            type=kind,
            source="delighted",
            source_id=source_id,
            subject=names[0],
            identities=names[1:],
            at=datetime.fromtimestamp(when, UTC) if when is not None else datetime.now(UTC),
            data=checked_data(kind, data),
            person=_person(who, names),
        )
    except ValueError as error:
        raise Malformed(str(error)) from None


INBOUND = Inbound(
    verify=verify,
    sign=sign,
    unpack=unpack,
    events={
        "survey_response.created": response_created,
        "survey_response.updated": response_updated,
        "survey_response.deleted": IGNORED,
        "survey_response.unsubscribed": unsubscribed,
        "unsubscribe.created": unsubscribed,
    },
)
