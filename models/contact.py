"""A person we know, the ways we know them by, and what we learnt about them."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import phonenumbers
from pydantic import AfterValidator, Field

from models.base import Instant, Personal

Tier = Literal["none", "advocate", "champion", "elite"]


def _known_zone(name: str | None) -> str | None:
    if name is not None:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:  # OSError: a folder of zones, or longer than a file's name
            raise ValueError(f"{name[:64]!r} is not a time zone; write it like Europe/Berlin") from error
    return name


TimeZoneName = Annotated[str | None, AfterValidator(_known_zone)]


class Identity(Personal):
    """One way to name a contact: `email:ada@example.com`, `hubspot:123`, `account:acme/user:7`."""

    kind: str = Field(pattern=r"^[a-z_]{1,32}$")
    value: str = Field(min_length=1, max_length=320)

    @classmethod
    def parse(cls, subject: str) -> "Identity":
        """Reads `kind:value`. E-mail addresses are compared in lower case.

        Raises ValueError with the expected form."""
        kind, colon, value = subject.partition(":")
        if not colon or not value.strip():
            raise ValueError(f"subject {subject!r} is not of the form kind:value, like email:ada@example.com")
        value = value.strip()
        if kind == "email":
            value = value.lower()
            if "@" not in value:
                raise ValueError(f"subject {subject!r} is not an e-mail address")
        return cls(kind=kind, value=value)

    @classmethod
    def of_phone(cls, number: str | None, region: str | None = None) -> "Identity | None":
        """A telephone number in E.164, whose owner a text message comes from; None for one that cannot be real.

        `region` (ISO 3166-1 alpha-2) reads a number that is written without its country."""
        try:
            parsed = phonenumbers.parse(number or "", region)
        except phonenumbers.NumberParseException:
            return None
        if not phonenumbers.is_possible_number(parsed):
            return None
        return cls(kind="phone", value=phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))

    @property
    def text(self) -> str:
        return f"{self.kind}:{self.value}"


class Address(Personal):
    """A postal address; `country` by ISO 3166-1 alpha-2."""

    line1: str = Field(min_length=1, max_length=120)
    line2: str | None = Field(default=None, max_length=120)
    city: str = Field(min_length=1)
    region: str | None = None
    postal_code: str | None = None
    country: str = Field(pattern=r"^[A-Z]{2}$")


class Person(Personal):
    """What a vendor or a form tells about a person. Absent means unknown, never empty."""

    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    phone: str | None = None
    time_zone: TimeZoneName = None
    locale: str | None = None
    region: str | None = None
    address: Address | None = None
    csm_email: str | None = None
    attributes: dict[str, str | int | float | bool] = Field(default_factory=dict)


class Contact(Person):
    """A person as the record knows them."""

    id: str
    tier: Tier = "none"
    opted_out_at: Instant | None = None
    churned_at: Instant | None = None
    identities: list[Identity] = Field(default_factory=list)

    def known_as(self, kind: str) -> str | None:
        """The value of their identity of this kind, or None."""
        return next((i.value for i in self.identities if i.kind == kind), None)

    @property
    def name(self) -> str:
        """Their name; who has none is told from others by the company, else by our id."""
        return " ".join(part for part in (self.first_name, self.last_name) if part) or self.company or self.id
