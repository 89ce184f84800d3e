"""What Zendesk's double takes: of each request the fields that the published document has and a client may need.

The failure prevented: a field that Zendesk would refuse, or silently leave out, and our tests let through.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Status = Literal["new", "open", "pending", "hold", "solved", "closed"]
Tag = Annotated[str, Field(pattern=r"^[^\s,]{1,255}$")]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Comment(Strict):
    body: str = Field(min_length=1, max_length=65_535)
    public: bool = True
    author_id: int | None = None


class _Ticket(Strict):
    subject: str | None = Field(default=None, max_length=255)
    external_id: str | None = None
    type: Literal["problem", "incident", "question", "task"] | None = None
    priority: Literal["urgent", "high", "normal", "low"] | None = None
    status: Status | None = None
    tags: list[Tag] | None = None
    requester_id: int | None = None
    group_id: int | None = None
    assignee_id: int | None = None


class NewTicket(_Ticket):
    comment: _Comment


class ChangedTicket(_Ticket):
    comment: _Comment | None = None
    safe_update: bool = False
    updated_stamp: str | None = None


class CreateBody(Strict):
    ticket: NewTicket


class UpdateBody(Strict):
    ticket: ChangedTicket


class _Hook(Strict):
    name: str = Field(min_length=1)
    status: Literal["active", "inactive"]
    endpoint: str = Field(pattern=r"^https?://")
    http_method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    request_format: Literal["json", "xml", "form_encoded"]
    subscriptions: list[str] = Field(default_factory=list)


class HookBody(Strict):
    webhook: _Hook


class _HookChange(Strict):
    name: str | None = None
    status: Literal["active", "inactive"] | None = None
    endpoint: str | None = Field(default=None, pattern=r"^https?://")


class HookChangeBody(Strict):
    webhook: _HookChange


class Asking(Strict):
    """The move `ask`: a customer opens a ticket."""

    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
    name: str = "A customer"
    subject: str = "How do I …?"
    priority: Literal["urgent", "high", "normal", "low"] | None = None


class Treating(Strict):
    """The move `treat`: an agent sets a ticket's status, adds a tag, or both; the ticket by number or referral."""

    ticket: int | None = None
    referral: str | None = None
    status: Status | Literal["deleted"] | None = None
    tag: Tag | None = None


class Rating(Strict):
    """The move `rate`: the requester of a solved ticket rates how they were helped."""

    ticket: int
    score: Literal["good", "bad"]
    comment: str | None = None


def explained(errors: list[Any]) -> dict[str, list[dict[str, str]]]:
    """The details of a 422, by field."""
    told: dict[str, list[dict[str, str]]] = {}
    for error in errors:
        field = str(error["loc"][-1] if error["loc"] else "base")
        told.setdefault(field, []).append({"description": f"{field}: {error['msg']}", "error": "InvalidValue"})
    return told
