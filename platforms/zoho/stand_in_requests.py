"""What Zoho's double takes: records with the fields that its modules have, wrapped in `data` or `watch`.

The failure prevented: a field's label sent for its API name, which Zoho refuses and a lenient double would not.
"""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from platforms.base import Body
from platforms.zoho.stand_in_books import Refused

Text = Annotated[str, Field(min_length=1, max_length=255)]
Address = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
Number = Annotated[str, Field(pattern=r"^\d{13,19}$")]
Instant = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$")]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Link(Strict):
    id: Number


class LeadChange(Strict):
    """The fields of leads that matter here, by their API names; those of ours made by the company."""

    Last_Name: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    First_Name: Annotated[str, Field(max_length=40)] | None = None
    Company: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    Email: Address | None = None
    Lead_Source: Text | None = None
    Lead_Status: Text | None = None
    Owner: Link | None = None
    Ovation_Ref: Text | None = None
    Ovation_Stage: Text | None = None


class Lead(LeadChange):
    Last_Name: Annotated[str, Field(min_length=1, max_length=80)]
    Company: Annotated[str, Field(min_length=1, max_length=200)]


class DealChange(Strict):
    Deal_Name: Text | None = None
    Stage: Text | None = None
    Amount: int | float | None = None
    Currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    Closing_Date: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")] | None = None
    Ovation_Ref: Text | None = None
    Ovation_Stage: Text | None = None


class Records(Strict):
    """POST and PUT of records. Zoho takes a hundred, its double one: we send no more, so that there is one verdict."""

    data: list[Body] = Field(min_length=1, max_length=1)
    trigger: list[Literal["workflow", "approval", "blueprint"]] | None = None


class Module(Strict):
    api_name: Text


class Parent(Strict):
    module: Module
    id: Number


class Note(Strict):
    Note_Title: Annotated[str, Field(max_length=120)] = ""
    Note_Content: Annotated[str, Field(min_length=1, max_length=32_000)]
    Parent_Id: Parent


class Transition(Strict):
    transition_id: Text
    data: Body


class Blueprint(Strict):
    blueprint: list[Transition] = Field(min_length=1, max_length=1)


class Channel(Strict):
    """Zoho wants HTTPS; its double does not, the sandbox is there."""

    channel_id: Annotated[str, Field(pattern=r"^\d{1,19}$")]
    events: list[Annotated[str, Field(pattern=r"^[A-Za-z_]+\.(create|edit|delete|all)$")]] = Field(min_length=1)
    channel_expiry: Instant | None = None
    token: Annotated[str, Field(max_length=50)] | None = None
    notify_url: str = Field(pattern=r"^https?://\S+$")
    return_affected_field_values: bool = False
    notify_on_related_action: bool = True


class Channels(Strict):
    watch: list[Body] = Field(min_length=1, max_length=1)


class Exchange(Strict):
    """POST /oauth/v2/token."""

    grant_type: Literal["refresh_token"]
    client_id: str
    client_secret: str
    refresh_token: str


class Chosen(Strict):
    """Which record a move is about: by our id of the referral, or the newest. The rest as the move needs."""

    referral: str | None = None
    status: str | None = None
    stage: str | None = None
    amount: int | float | None = None
    mapped: bool = True


class Joining(Strict):
    """The moves `lead`, `contact` and `opt_out`."""

    email: Address
    unique: bool = False


class Rules(Strict):
    """The move `blueprint`: the lead's status moves by these transitions alone; `complete`: one asks for no fields."""

    referral: str
    leads_to: list[str]
    complete: bool = True


class Lag(Strict):
    lags: bool


Asked = TypeVar("Asked", bound=Strict)


def read(model: type[Asked], given: Any) -> Asked:
    """Raises Refused in Zoho's form, with the field that does not fit."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][-1]) if first["loc"] else "data"
        if first["type"] == "missing":
            raise Refused("MANDATORY_NOT_FOUND", "required field not found", api_name=field) from error
        raise Refused("INVALID_DATA", "invalid data", api_name=field, expected_data_type="text") from error
