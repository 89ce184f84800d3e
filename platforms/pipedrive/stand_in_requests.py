"""What Pipedrive's double takes: bodies with the fields of the published documents, and nothing it does not know.

The failure prevented: a number sent as text, which version 2 of the API refuses and a lenient double would not.
"""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from platforms.pipedrive.stand_in_books import Refused

Number = Annotated[int, Field(ge=1)]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
Status = Literal["open", "won", "lost", "deleted"]
CUSTOM = r"^[0-9a-f]{40}$"


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Channel(Strict):
    """An e-mail address or a phone number."""

    value: str = Field(min_length=1)
    primary: bool = False
    label: str = "work"


CustomFields = dict[Annotated[str, Field(pattern=CUSTOM)], Any]


class PersonBody(Strict):
    """POST /v2/persons. What only exists with contact sync or Campaigns is left out, since we send none of it."""

    name: str = Field(min_length=1)
    owner_id: Number | None = None
    org_id: Number | None = None
    add_time: str | None = None
    emails: list[Channel] = Field(default_factory=list)
    phones: list[Channel] = Field(default_factory=list)
    visible_to: Literal[1, 3, 5, 7] | None = None
    label_ids: list[Number] = Field(default_factory=list)
    custom_fields: CustomFields = Field(default_factory=dict)


class DealChange(Strict):
    """PATCH /v2/deals/{id}; times of closing and archiving are left out, since we set none."""

    title: str | None = Field(default=None, min_length=1, max_length=255)
    owner_id: Number | None = None
    person_id: Number | None = None
    org_id: Number | None = None
    pipeline_id: Number | None = None
    stage_id: Number | None = None
    value: int | float | None = None
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    status: Status | None = None
    probability: float | None = None
    lost_reason: str | None = None
    visible_to: Literal[1, 3, 5, 7] | None = None
    expected_close_date: Day | None = None
    label_ids: list[Number] | None = None
    custom_fields: CustomFields = Field(default_factory=dict)


class DealBody(DealChange):
    """POST /v2/deals."""

    title: str = Field(min_length=1, max_length=255)


class Participant(Strict):
    person_id: Number
    primary: bool = False


class ActivityBody(Strict):
    """POST /v2/activities. A person goes into `participants`: `person_id` is read only, whatever the document says."""

    subject: str = Field(min_length=1, max_length=255)
    type: str = "call"
    owner_id: Number | None = None
    deal_id: Number | None = None
    lead_id: str | None = None
    org_id: Number | None = None
    project_id: Number | None = None
    due_date: Day | None = None
    due_time: str | None = Field(default=None, pattern=r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$")
    duration: str | None = Field(default=None, pattern=r"^\d\d:[0-5]\d(:[0-5]\d)?$")
    busy: bool = False
    done: bool = False
    participants: list[Participant] = Field(default_factory=list)
    public_description: str | None = None
    priority: Number | None = None
    note: str | None = None


class NoteBody(Strict):
    """POST /v1/notes. It has to be on something; we put it on deals alone."""

    content: str = Field(min_length=1)
    deal_id: Number | None = None
    person_id: Number | None = None
    org_id: Number | None = None
    lead_id: str | None = None
    user_id: Number | None = None
    add_time: str | None = None
    pinned_to_deal_flag: Literal[0, 1] = 0
    pinned_to_person_flag: Literal[0, 1] = 0

    @model_validator(mode="after")
    def _on_something(self) -> "NoteBody":
        if not (self.deal_id or self.person_id or self.org_id or self.lead_id):
            raise ValueError("One of deal_id, person_id, org_id, lead_id is required")
        return self


class NoteChange(Strict):
    content: str = Field(min_length=1)


class HookBody(Strict):
    """POST /v1/webhooks. Pipedrive wants HTTPS and calls the address; its double does not, the sandbox is there."""

    subscription_url: str = Field(pattern=r"^https?://\S+$")
    event_action: Literal["create", "change", "delete", "*"]
    event_object: Literal[
        "activity", "deal", "lead", "note", "organization", "person", "pipeline", "product", "stage", "user", "*"
    ]
    name: str = Field(min_length=1, max_length=255)
    user_id: Number | None = None
    http_auth_user: str | None = None
    http_auth_password: str | None = None
    version: Literal["1.0", "2.0"] = "2.0"


class Chosen(Strict):
    """Which deal a move is about: by our id of the referral, by number, or the newest. The rest as the move needs."""

    referral: str | None = None
    deal: Number | None = None
    stage_id: Number | None = None
    value: int | float | None = None
    currency: str | None = None
    reason: str | None = None


class Finished(Strict):
    """Which activity the move `finish` is about: by our key, or the newest."""

    effect: str | None = None


class Joining(Strict):
    """The moves `person` and `unsubscribe`."""

    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    name: str = "Somebody"


class Lag(Strict):
    """The move `index`: whether the search index misses what is made from now on."""

    lags: bool


Asked = TypeVar("Asked", bound=Strict)


def read(model: type[Asked], given: Any) -> Asked:
    """Raises Refused in Pipedrive's form for a body that does not fit."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        words = first["msg"].removeprefix("Value error, ")
        raise Refused(400, f"Validation failed: {where}: {words}" if where else words) from error
