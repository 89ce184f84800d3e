"""Wootric's outgoing webhooks: an answer, its correction, its comment.

The failure prevented: an answer counted twice. Wootric reports a response when the score is given and again when a
comment follows, with no event id; so the answer is named by response and score, the comment by response and text.
Bodies are JSON or a form in bracket notation, and numbers may be strings in either.
"""

import hashlib
import hmac
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import from_json

from models.base import Personal
from models.contact import Identity, Person
from models.event import Event, Id, checked_data, id_from_content
from platforms.base import IGNORED, Body, Inbound, Incoming, reveal
from platforms.errors import BadSignature, Malformed

if TYPE_CHECKING:
    from platforms.wootric import WootricSettings

SIGNATURE = "x-wootric-signature"
FORM = "application/x-www-form-urlencoded"
LONGEST_COMMENT = 20_000
DEEPEST = 4


def signature(secret: str, body: bytes) -> str:
    return "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()


def verify(incoming: Incoming, settings: "WootricSettings", now: datetime) -> None:
    """HMAC-SHA1 of the raw body. It covers no time, so there is no replay window: repeats are told by source id."""
    secret = reveal(settings.webhook_secret)
    if not secret:
        raise BadSignature("OVATION_WOOTRIC__WEBHOOK_SECRET is not set: copy the secret token of Outgoing Webhooks")
    given = incoming.headers.get(SIGNATURE)
    if not given:
        raise BadSignature("the header X-Wootric-Signature is missing")
    if not hmac.compare_digest(signature(secret, incoming.body).encode(), given.encode("utf-8", "replace")):
        raise BadSignature("X-Wootric-Signature does not fit the body: is the secret token this account's?")


def sign(body: bytes, settings: "WootricSettings", url: str, now: datetime) -> dict[str, str]:
    return {SIGNATURE: signature(reveal(settings.webhook_secret), body)}


def unpack(incoming: Incoming) -> list[tuple[str, Body]]:
    """One event a delivery, named by the key beside `event_name`: `response.created`, `decline.created`."""
    body = nested(incoming.form()) if incoming.content_type == FORM else _json(incoming.body)
    name = body.get("event_name")
    if not isinstance(name, str) or not name:
        raise Malformed("event_name is missing")
    about = next((kind for kind in ("response", "decline") if isinstance(body.get(kind), dict)), None)
    return [(f"{about}.{name}" if about else name, body)]


def _json(raw: bytes) -> Body:
    try:
        body = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise Malformed(f"the body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise Malformed("the body is not a JSON object")
    return body


def nested(form: dict[str, str]) -> Body:
    """`response[end_user_properties][plan]=pro` as objects within objects. Raises Malformed where names collide."""
    tree: Body = {}
    for name, value in form.items():
        *path, last = re.findall(r"[^\[\]]+", name) or [""]
        if len(path) >= DEEPEST:
            raise Malformed("a field is nested too deeply")
        node = tree
        for part in path:
            node = node.setdefault(part, {})
            if not isinstance(node, dict):
                raise Malformed("a field is a value and an object at once")
        if isinstance(node.get(last), dict):
            raise Malformed("a field is a value and an object at once")
        node[last] = value
    return tree


def _moment(value: object) -> datetime:
    """`2026-01-15T10:00:26.558-07:00`, `2026-01-15 10:00:26 -0700`, or without a zone: then it is UTC."""
    text = re.sub(r"\s([+-]\d{2}:?\d{2})$", r"\1", str(value).strip()).removesuffix(" UTC")
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("is not a time") from None


class Answer(Personal):
    """Wootric's response object as far as we read it. In forms an empty value stands for null."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True, hide_input_in_errors=True)

    id: Id
    score: int
    email: str | None = None
    external_id: str | None = None
    text: str = ""
    end_user_properties: dict[str, Any] = Field(default_factory=dict)
    survey_id: Id | None = None
    created_at: Annotated[datetime | None, BeforeValidator(_moment)] = None
    updated_at: Annotated[datetime | None, BeforeValidator(_moment)] = None
    excluded_from_calculations: bool = False

    @model_validator(mode="before")
    @classmethod
    def _absent_when_empty(cls, value: Any) -> Any:
        return {k: v for k, v in value.items() if v is not None and v != ""} if isinstance(value, dict) else value

    @property
    def contact(self) -> str | None:
        """Our contact id, as we gave it to Wootric."""
        ours = self.end_user_properties.get("ovation_contact") or self.external_id
        return str(ours) if ours else None


def response_created(body: Body) -> list[Event]:
    return _answered(body, changed=False)


def response_updated(body: Body) -> list[Event]:
    """Another score is another answer; the same score with a comment repeats the answer and adds the comment."""
    return _answered(body, changed=True)


def _answered(body: Body, *, changed: bool) -> list[Event]:
    mode = body.get("survey_mode")
    if mode and str(mode).upper() != "NPS":
        return []  # CSAT and CES have other scales
    try:
        answer = Answer.model_validate(body.get("response"))
        return [] if answer.excluded_from_calculations else _events(answer, changed)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        raise Malformed(f"response.{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except ValueError as error:
        raise Malformed(str(error)) from None


def _events(answer: Answer, changed: bool) -> list[Event]:
    comment = answer.text[:LONGEST_COMMENT] if answer.text.strip() else None
    score: Body = {"score": answer.score, "response": answer.id, "has_comment": comment is not None}
    if answer.survey_id:
        score["survey"] = answer.survey_id
    if comment is None:
        return [_event("nps.answered", f"{answer.id}:{answer.score}", score, answer, changed)]
    words = {"response": answer.id, "comment": comment}
    return [
        _event("nps.answered", f"{answer.id}:{answer.score}", {**score, "comment": comment}, answer, changed),
        _event("nps.commented", f"{answer.id}:comment:{id_from_content(answer.text)}", words, answer, changed),
    ]


def _event(kind: str, source_id: str, data: Body, answer: Answer, changed: bool) -> Event:
    names = _names(answer)
    told = (answer.updated_at or answer.created_at) if changed else answer.created_at
    return Event(
        type=kind,
        source="wootric",
        source_id=source_id,
        subject=names[0],
        identities=names[1:],
        at=told or datetime.now(UTC),
        data=checked_data(kind, data),
        person=Person(email=names[0].value) if names[0].kind == "email" else None,
    )


def _names(answer: Answer) -> list[Identity]:
    """The e-mail address first, then our own id; an in-app survey may have only the latter."""
    names = []
    if answer.email and answer.email.strip():
        if "@" not in answer.email:
            raise Malformed("response.email is not an e-mail address")
        names.append(Identity(kind="email", value=answer.email.strip().lower()))
    if answer.contact:
        names.append(Identity(kind="ovation", value=answer.contact))
    if not names:
        raise Malformed("the response has neither email nor external_id")
    return names


INBOUND = Inbound(
    verify=verify,
    sign=sign,
    unpack=unpack,
    events={
        "response.created": response_created,
        "response.updated": response_updated,
        "decline.created": IGNORED,
    },
)
