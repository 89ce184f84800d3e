"""The form by which somebody is introduced: read, looked at, and turned into a referral. On the hub and on `/welcome`.

The failures prevented: what a person typed is lost because one field was wrong; a machine that fills in forms is paid.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from models.contact import Identity, Person
from models.event import Event, How, id_from_content
from starter.gateway.gateway import Gateway, body_of
from starter.pages import visitor
from store.referral import note_touch

FASTEST = 2.0
"""Seconds in which nobody fills in a form."""


class Introduced(BaseModel):
    """What the form tells. `website` is a field that people do not see."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    email: str = Field(max_length=254)
    first_name: str = Field(default="", max_length=80)
    last_name: str = Field(default="", max_length=80)
    company: str = Field(default="", max_length=120)
    notes: str = Field(default="", max_length=2000)
    website: str = Field(default="", max_length=2000)
    stamp: str = ""

    @field_validator("email")
    @classmethod
    def _an_address(cls, value: str) -> str:
        local, at, domain = value.rpartition("@")
        if not at or not local or "." not in domain or " " in value:
            raise ValueError("this does not look like an e-mail address")
        return value.lower()


@dataclass(frozen=True)
class Filled:
    """A form as it was sent: what it tells, or what is wrong with it, by field."""

    given: Mapping[str, str]
    introduced: Introduced | None = None
    wrong: Mapping[str, str] = field(default_factory=dict)


async def filled_in(request: Request) -> Filled:
    body = (await body_of(request)).decode("utf-8", "replace")
    given = {name: values[-1] for name, values in parse_qs(body, keep_blank_values=True).items()}
    try:
        return Filled(given, Introduced.model_validate(given))
    except ValidationError as error:
        wrong = {str(e["loc"][0]): _in_words(e["type"], e["msg"]) for e in error.errors()}
        return Filled(given, wrong=wrong)


def _in_words(kind: str, words: str) -> str:
    if kind == "missing":
        return "please tell us their e-mail address"
    return "this is too long" if kind == "string_too_long" else words.removeprefix("Value error, ")


async def submit(here: Gateway, request: Request, who: Introduced, advocate: str, how: How, device: str) -> None:
    """Stores the referral, and the traces the fraud rules look at."""
    now = here.now()
    accepted = await here.accept(
        Event(
            type="referral.submitted",
            source="pages",
            source_id=id_from_content("referral.submitted", advocate, who.email),
            subject=Identity(kind="email", value=who.email),
            at=now,
            data={
                "referred_by": f"ovation:{advocate}",
                "how": how,
                **({"reason": who.notes} if who.notes else {}),
            },
            person=Person(
                first_name=who.first_name or None, last_name=who.last_name or None, company=who.company or None
            ),
        )
    )
    referral, friend = await here.referral_of(accepted.id)
    touch = {"advocate_id": advocate, "referral_id": referral, "friend_id": friend}
    traces = visitor.traces(here, request, device) if how == "link" else {}
    await note_touch(here.engine, **touch, how="form", **traces)
    machine = _by_a_machine(here, request, who)
    if machine:
        await note_touch(here.engine, **touch, how="machine", detail=machine)


def _by_a_machine(here: Gateway, request: Request, who: Introduced) -> str | None:
    if who.website:
        return "the form was filled in by a machine: it saw a field that people do not"
    if not visitor.by_a_person(request):
        return "the form was sent by a program, not a browser"
    waited = visitor.seconds_since(here, who.stamp)
    if waited is None:
        return "the form was not one that we showed"
    return f"the form was filled in within {waited:.1f} seconds" if waited < FASTEST else None
