"""What Mailchimp's double takes: bodies with the fields of the published document, and nothing besides."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from platforms.base import Body


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254)]
Status = Literal["subscribed", "unsubscribed", "cleaned", "pending", "transactional"]
Text = Annotated[str, Field(max_length=255)]


class PutMember(Strict):
    """PUT …/members/{hash}; every field of the document."""

    email_address: Email
    status_if_new: Status
    email_type: str | None = None
    status: Status | None = None
    merge_fields: dict[str, Text | int | float] = Field(default_factory=dict)
    interests: dict[str, bool] | None = None
    language: str | None = None
    vip: bool | None = None
    location: Body | None = None
    marketing_permissions: list[Body] | None = None
    ip_signup: str | None = None
    timestamp_signup: str | None = None
    ip_opt: str | None = None
    timestamp_opt: str | None = None


class _Tag(Strict):
    name: str = Field(min_length=1, max_length=100)
    status: Literal["active", "inactive"]


class TagsBody(Strict):
    tags: list[_Tag]
    is_syncing: bool = False


class EventBody(Strict):
    name: str = Field(min_length=2, max_length=30)
    properties: dict[str, str] = Field(default_factory=dict)
    is_syncing: bool = False
    occurred_at: str | None = None


class TriggerBody(Strict):
    email_address: Email


class _Events(Strict):
    subscribe: bool = False
    unsubscribe: bool = False
    profile: bool = False
    cleaned: bool = False
    upemail: bool = False
    campaign: bool = False


class _Sources(Strict):
    user: bool = False
    admin: bool = False
    api: bool = False


class HookBody(Strict):
    url: str = Field(pattern=r"^https?://\S+$")
    events: _Events
    sources: _Sources


class Joining(Strict):
    """The move `subscribe`: somebody signs up by a form, or an older member is brought in some state."""

    email: Email
    first_name: str = ""
    status: Literal["subscribed", "pending", "transactional", "archived"] = "subscribed"


class Leaving(Strict):
    """The moves `unsubscribe`, `clean` and `erase`. `complaint`: they called it spam."""

    email: Email
    complaint: bool = False
