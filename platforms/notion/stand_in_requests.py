"""What Notion's double takes: of the published document the fields that we send, and nothing it does not know."""

from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from platforms.notion.stand_in_books import Refused


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Parent(Strict):
    type: Literal["data_source_id"] = "data_source_id"
    data_source_id: str


class CreateBody(Strict):
    parent: _Parent
    properties: dict[str, Any]
    markdown: str | None = None


class UpdateBody(Strict):
    properties: dict[str, Any] = Field(default_factory=dict)
    in_trash: bool | None = None


class _Equals(Strict):
    equals: str


class _OnOrAfter(Strict):
    on_or_after: str


class ByText(Strict):
    property: str
    rich_text: _Equals


class ByEdit(Strict):
    timestamp: Literal["last_edited_time"]
    last_edited_time: _OnOrAfter


class _Sort(Strict):
    timestamp: Literal["created_time", "last_edited_time"]
    direction: Literal["ascending", "descending"]


class QueryBody(Strict):
    filter: ByText | ByEdit | None = None
    sorts: list[_Sort] = Field(default_factory=list, max_length=1)
    start_cursor: str | None = None
    page_size: int = Field(default=100, ge=1, le=100)


class StatusMove(Strict):
    """The move `status`: somebody picks a status for the row of a referral, and may write down what it is worth."""

    referral: str
    status: str
    amount: int | float | None = None
    currency: str | None = None


class RowMove(Strict):
    """The moves `duplicate` and `trash`: somebody duplicates the row of a referral, or throws it away."""

    referral: str


class ConnectMove(Strict):
    """The move `connect`: somebody sets up the webhook at this address; without one, at the gateway's own."""

    url: str | None = None


Request = TypeVar("Request", bound=Strict)


def read(model: type[Request], given: Any) -> Request:
    """Raises Refused for a body that Notion would not take."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Refused(400, "validation_error", f"body failed validation: body.{where}: {first['msg']}") from None
