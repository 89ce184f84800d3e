"""The form by which somebody is introduced: read, looked at, and turned into a referral. On the hub and on `/welcome`.

The failures prevented: what a person typed is lost because one field was wrong; a machine that fills in forms is paid,
or fills the record; a stranger's form renames somebody we know, or spoils the referral that is there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from models.contact import Identity, Person
from models.event import Event, How, id_from_content
from starter.gateway.gateway import Gateway
from starter.pages import visitor
from starter.pages.form import form_of
from starter.pages.page import page
from store.fraud import Suspicion
from store.referral import forms_since, note_touch, read

FASTEST = 2.0
"""Seconds in which nobody fills in a form."""

AN_HOUR = timedelta(hours=1)
FROM_A_BROWSER = 20
"""Forms an hour from one browser; from one network, too, where no browser tells itself from another by its cookie."""
FOR_AN_ADVOCATE = 60
"""Forms an hour for one advocate, from wherever. Behind a proxy whose word is not trusted all are one network."""


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
        if not at or not local or "." not in domain or any(c.isspace() or not c.isprintable() for c in value):
            raise ValueError("this does not look like an e-mail address")
        return value.lower()


@dataclass(frozen=True)
class Filled:
    """A form as it was sent: what it tells, or what is wrong with it, by field."""

    given: Mapping[str, str]
    introduced: Introduced | None = None
    wrong: Mapping[str, str] = field(default_factory=dict)


async def filled_in(request: Request) -> Filled:
    given = await form_of(request)
    try:
        return Filled(given, Introduced.model_validate(given))
    except ValidationError as error:
        wrong = {str(e["loc"][0]): _in_words(e["type"], e["msg"]) for e in error.errors()}
        return Filled(given, wrong=wrong)


def _in_words(kind: str, words: str) -> str:
    if kind == "missing":
        return "please tell us their e-mail address"
    return "this is too long" if kind == "string_too_long" else words.removeprefix("Value error, ")


async def too_many(here: Gateway, request: Request, advocate: str) -> Response | None:
    """A page that asks for patience, where more forms came within the hour than people send; else None."""
    traces = visitor.traces(here, request, visitor.device_of(request))
    sent = await forms_since(here.engine, here.now() - AN_HOUR, advocate, **traces)
    if sent.by_it < FROM_A_BROWSER and sent.for_them < FOR_AN_ADVOCATE:
        return None
    patience = page("too_many.html", status=429, company=here.shelf.program.company)
    patience.headers["Retry-After"] = str(int(AN_HOUR.total_seconds()))
    return patience


async def submit(here: Gateway, request: Request, who: Introduced, advocate: str, how: How) -> None:
    """Stores the referral, and the traces the fraud rules look at.

    Only the form that made a referral leaves traces on it. What joins it later may come from anybody who knows the
    friend's address, and must not tell against it."""
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
            hearsay=True,
        )
    )
    referral, friend = await here.referral_of(accepted.id)
    row = None if referral is None or not accepted.new else await read(here.engine, referral)
    made = row is not None and row.submitted_at == now
    about = {"referral_id": referral, "friend_id": friend}
    traces = visitor.traces(here, request, visitor.device_of(request))
    note = {"advocate_id": advocate, "at": now}
    # Of an introduction, the browser is the advocate's, not the friend's.
    await note_touch(here.engine, **note, how="form", **traces, **(about if made and how == "link" else {}))
    if made:
        for what, seen in _suspicions(here, request, who, how):
            await note_touch(here.engine, **note, **about, how=what, detail=seen)


def _suspicions(here: Gateway, request: Request, who: Introduced, how: How) -> Iterator[tuple[Suspicion, str | None]]:
    """What speaks against a person having filled it in; what it weighs, `store/fraud.py` says. Whoever introduces
    somebody on their own page may do so in an instant, and by a program of theirs."""
    waited = visitor.seconds_since(here, who.stamp)
    if who.website:
        yield "machine", "the form was filled in by a machine: it saw a field that people do not"
    elif how == "link" and waited is None:
        yield "unstamped", None
    elif how == "link" and waited is not None and 0 <= waited < FASTEST:  # less than nothing: two gateways' clocks
        yield "machine", f"the form was filled in within {waited:.1f} seconds"
    if visitor.by_a_program(request):
        yield "program", None
