"""What Trello's double takes: the fields that the published document lists, and nothing it does not know.

Trello reads a body's fields as it reads the query's. A field that is wrong is told as plain text.
"""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from platforms.trello.stand_in_books import Refused

TrelloId = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{24}$")]
Position = Literal["top", "bottom"] | Annotated[float, Field(ge=0)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Card(Strict):
    """What a new card and a changed one both have."""

    name: str | None = Field(default=None, max_length=16_384)
    desc: str | None = Field(default=None, max_length=16_384)
    pos: Position | None = None
    due: str | None = None
    start: str | None = None
    dueComplete: bool | None = None
    address: str | None = None
    locationName: str | None = None
    coordinates: str | None = None


class NewCard(_Card):
    idList: TrelloId
    idMembers: list[TrelloId] | None = None
    idLabels: list[TrelloId] | None = None
    urlSource: str | None = Field(default=None, pattern=r"^https?://\S+$")
    fileSource: str | None = None
    mimeType: str | None = None
    idCardSource: TrelloId | None = None
    keepFromSource: str | None = None


class CardChange(_Card):
    idList: TrelloId | None = None
    idBoard: TrelloId | None = None
    idMembers: TrelloId | None = None
    idLabels: TrelloId | None = None
    idAttachmentCover: TrelloId | None = None
    closed: bool | None = None
    subscribed: bool | None = None
    cover: dict[str, Any] | None = None


class NewHook(Strict):
    """Trello refuses addresses of this machine's own; its double does not, the sandbox is there."""

    callbackURL: str = Field(pattern=r"^https?://\S+$")
    idModel: TrelloId
    description: str | None = Field(default=None, max_length=16_384)
    active: bool = True


class HookChange(Strict):
    callbackURL: str | None = Field(default=None, pattern=r"^https?://\S+$")
    idModel: TrelloId | None = None
    description: str | None = Field(default=None, max_length=16_384)
    active: bool | None = None


class Chosen(Strict):
    """Which card a move is about: by our referral, by id, or the newest."""

    referral: str | None = None
    card: str | None = None


class Moving(Chosen):
    """The move `move`: somebody drags the card into the list of this name or id."""

    list: str


class Writing(Chosen):
    """The move `write`: somebody writes below our text."""

    text: str


class Listing(Strict):
    """The move `archive_list`."""

    list: str


Asked = TypeVar("Asked", bound=Strict)


def read(model: type[Asked], given: Any) -> Asked:
    """Raises Refused, in Trello's words, for a body that does not fit."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"][:1])
        raise Refused(400, f"invalid value for {where}" if where else "invalid value") from error
