"""What Dropbox's double takes: the arguments of its routes, and what its moves are told. Unknown fields are refused."""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import ConfigDict, Field, ValidationError, field_validator

from models.base import Model
from platforms.dropbox.stand_in_books import Refused
from platforms.stand_in import Answer

Path = Annotated[str, Field(pattern=r"^/(.|[\r\n])*$")]
Timestamp = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
RequestId = Annotated[str, Field(min_length=1, pattern=r"^[-_0-9a-zA-Z]+$")]
Grace = Literal["one_day", "two_days", "seven_days", "thirty_days", "always"]


class Strict(Model):
    model_config = ConfigDict(strict=True)


class CreateFolderArg(Strict):
    path: Path
    autorename: bool = False


class ListFolderArg(Strict):
    """Without what was taken out of use, and shared links."""

    path: str = Field(pattern=r"^(/(.|[\r\n])*)?$")
    recursive: bool = False
    include_deleted: bool = False
    include_has_explicit_shared_members: bool = False
    include_mounted_folders: bool = True
    include_non_downloadable_files: bool = True
    include_restorable_info: bool = False
    limit: int | None = Field(default=None, ge=1, le=2000)


class Cursor(Strict):
    cursor: str = Field(min_length=1)


class FileRequestDeadline(Strict):
    """The grace may be a bare tag or an object with one."""

    deadline: Timestamp
    allow_late_uploads: Grace | None = None

    @field_validator("allow_late_uploads", mode="before")
    @classmethod
    def _bare(cls, given: Any) -> Any:
        return given.get(".tag") if isinstance(given, dict) else given


class CreateFileRequestArgs(Strict):
    title: str = Field(min_length=1)
    destination: Path
    deadline: FileRequestDeadline | None = None
    open: bool = True
    description: str | None = None
    video_project_id: str | None = None


class ListFileRequestsArg(Strict):
    limit: int = Field(default=1000, ge=0)


class Exchange(Strict):
    """The sign-in's form."""

    grant_type: Literal["refresh_token"]
    refresh_token: str
    client_id: str
    client_secret: str


class Chosen(Strict):
    """Which file request a move is about: by its id, by the referral whose folder it leads to, or the newest."""

    id: RequestId | None = None
    referral: str | None = None


class Uploading(Chosen):
    """The move `upload`: somebody sends a file. Dropbox puts their name before the file's. The same name again is
    another revision of that file."""

    name: str = Field(default="Ada King - company profile.pdf", min_length=1)


class Nothing(Strict):
    """The move `reset` takes nothing."""


Asked = TypeVar("Asked", bound=Model)


def read(model: type[Asked], given: Any) -> Asked:
    """Raises Refused: plain text, as for every malformed request."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "body"
        words = f"Error in call to API function: request body: {where}: {first['msg']}"
        raise Refused(Answer(400, text=words, media_type="text/plain; charset=utf-8")) from None
