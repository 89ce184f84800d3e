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


class _Filter(Strict):
    propertyName: str
    operator: Literal["HAS_PROPERTY", "GTE"]
    value: str | None = None


class _Filters(Strict):
    filters: list[_Filter] = Field(min_length=1, max_length=6)


class SearchBody(Strict):
    """`sorts`: names of properties, ascending. Of the operators only those that we use."""

    filterGroups: list[_Filters] = Field(max_length=5)
    properties: list[str]
    limit: int = Field(ge=1, le=200)
    after: str
    sorts: list[str]
    query: str | None = None


class Moving(Strict):
    """The move `deal`: a colleague moves the deal of this referral, and may write its amount."""

    referral: str
    stage: str
    amount: str | None = None


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
