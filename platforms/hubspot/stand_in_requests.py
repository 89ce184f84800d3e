"""What HubSpot's double takes: bodies that have what the published document requires, and nothing it does not know."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Target(Strict):
    id: str


class LinkType(Strict):
    associationCategory: Literal["HUBSPOT_DEFINED", "INTEGRATOR_DEFINED", "USER_DEFINED", "WORK"]
    associationTypeId: int


class Link(Strict):
    to: _Target
    types: list[LinkType]


class CreateBody(Strict):
    properties: dict[str, str]
    associations: list[Link]


class UpdateBody(Strict):
    properties: dict[str, str]


class _Input(Strict):
    id: str


class ReadBody(Strict):
    inputs: list[_Input] = Field(max_length=100)
    properties: list[str]
    propertiesWithHistory: list[str]
    idProperty: str | None = None


class _LinkedFrom(Strict):
    id: str
    after: str | None = None


class ReadLinksBody(Strict):
    inputs: list[_LinkedFrom] = Field(max_length=1000)


class ListBody(Strict):
    """A list that is filled by hand; folders, filters and permissions are left out because we send none."""

    name: str = Field(min_length=1)
    objectTypeId: str
    processingType: Literal["MANUAL", "SNAPSHOT", "DYNAMIC"]


class Joining(Strict):
    """The move `contact`: somebody adds a contact, or changes one. `owner`: by e-mail address, null for none."""

    email: str
    properties: dict[str, str] = Field(default_factory=dict)
    owner: str | None = "csm@acme.example"


class Tagging(Strict):
    """The move `tag`: somebody sets a property of a contact, named by `email` or `id`."""

    email: str | None = None
    id: str | None = None
    property: str = "referral_given"
    value: str = "true"
