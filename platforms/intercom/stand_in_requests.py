"""What Intercom's double takes: messages and searches with the fields that Intercom documents, and no others.

The failure prevented: a message that our tests let through and Intercom refuses.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=320)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _From(Strict):
    type: Literal["admin"]
    id: int


class _To(Strict):
    type: Literal["user", "lead"]
    id: str


class MessageBody(Strict):
    """POST /messages. The enum says `in_app`, examples and answers `inapp`: both are taken."""

    message_type: Literal["inapp", "in_app", "email"]
    subject: str | None = None
    body: str = Field(min_length=1)
    template: Literal["plain", "personal"] | None = None
    from_: _From = Field(alias="from")
    to: _To
    created_at: int | None = None
    create_conversation_without_contact_reply: bool = False

    @model_validator(mode="after")
    def _mail_is_whole(self) -> "MessageBody":
        if self.message_type == "email" and not (self.subject and self.template):
            raise ValueError("subject and template are required for an e-mail")
        return self


class _Condition(Strict):
    field: Literal["id", "email", "external_id", "role", "phone", "name"]
    operator: Literal["=", "!=", "~", "!~", "IN", "NIN"]
    value: str


class _Query(Strict):
    operator: Literal["AND", "OR"]
    value: list[_Condition] = Field(min_length=1, max_length=15)


class _Pagination(Strict):
    per_page: int = Field(default=50, ge=1, le=150)
    starting_after: str | None = None


class SearchBody(Strict):
    query: _Query
    pagination: _Pagination = Field(default_factory=_Pagination)


class SigningUp(Strict):
    """The move `sign_up`: somebody begins to use the product. `ready`: they can be written to at once."""

    email: Email
    name: str = "A user"
    role: Literal["user", "lead"] = "user"
    ready: bool = True


class Unsubscribing(Strict):
    """The move `unsubscribe`: from all e-mail, or from one kind of message."""

    email: Email
    kind: str | None = None


class Replying(Strict):
    """The move `reply`: the person answers the newest message that was sent to them."""

    email: Email
    text: str = Field(min_length=1)


class Rating(Strict):
    """The move `rate`: the person rates the newest conversation."""

    email: Email
    rating: int = Field(ge=1, le=5)
    remark: str | None = None


class Tagging(Strict):
    """The move `tag`: a colleague tags a contact."""

    email: Email
    tag: str = Field(min_length=1)


def explained(errors: list[Any]) -> list[dict[str, Any]]:
    """Intercom's list of errors, with the field of each."""
    found = []
    for error in errors:
        field = ".".join(str(part) for part in error["loc"]) or None
        code = "parameter_not_found" if error["type"] == "missing" else "parameter_invalid"
        found.append({"code": code, "message": f"{field or 'body'}: {error['msg']}", "field": field})
    return found
