"""What Asana's double takes: the fields of a task and of a webhook that its pages tell, and nothing it does not know.

The failure prevented: a task that our tests let through and Asana refuses. Every body is wrapped in `data`.
"""

import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from platforms.asana.stand_in_books import Refused

Gid = Annotated[str, Field(pattern=r"^[0-9]{1,40}$")]
Instant = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$")]
Date = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class External(Strict):
    gid: str = Field(min_length=1, max_length=1024)
    data: str | None = Field(default=None, max_length=32_768)


class TaskBody(Strict):
    """POST /tasks. Where it belongs has to be said; a date and an instant exclude each other."""

    name: str = ""
    notes: str = Field(default="", max_length=65_535)
    html_notes: str | None = Field(default=None, pattern=re.compile(r"^<body>.*</body>$", re.DOTALL))
    workspace: Gid | None = None
    projects: list[Gid] = Field(default_factory=list)
    parent: Gid | None = None
    assignee: str | None = Field(default=None, min_length=1)
    due_on: Date | None = None
    due_at: Instant | None = None
    followers: list[str] = Field(default_factory=list)
    custom_fields: dict[str, Any] = Field(default_factory=dict)
    external: External | None = None

    @model_validator(mode="after")
    def _whole(self) -> "TaskBody":
        if not (self.workspace or self.projects or self.parent):
            raise ValueError("You should specify one of workspace, parent, projects")
        if self.due_on and self.due_at:
            raise ValueError("Only one of due_on and due_at may be given")
        return self


class Filter(Strict):
    resource_type: str
    resource_subtype: str | None = None
    action: Literal["added", "removed", "changed", "deleted", "undeleted"]
    fields: list[str] | None = None

    @model_validator(mode="after")
    def _fields_of_a_change(self) -> "Filter":
        if self.fields is not None and self.action != "changed":
            raise ValueError("fields may be given with the action changed only")
        return self


class HookBody(Strict):
    """POST /webhooks. Asana refuses addresses of this machine's own; its double does not, the sandbox is there."""

    resource: Gid
    target: str = Field(pattern=r"^https?://\S+$")
    filters: list[Filter] = Field(default_factory=list)


class TaskEnvelope(Strict):
    data: TaskBody


class HookEnvelope(Strict):
    data: HookBody


class Exchange(Strict):
    """POST /-/oauth_token."""

    grant_type: Literal["refresh_token"]
    client_id: str
    client_secret: str
    refresh_token: str


class Chosen(Strict):
    """Which task a move is about: by the effect's key, by gid, or the newest."""

    effect: str | None = None
    task: str | None = None


class Joining(Strict):
    """The move `join`: somebody becomes a member of the workspace."""

    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")


Asked = TypeVar("Asked", bound=Strict)


def read(model: type[Asked], given: Any) -> Asked:
    """Raises Refused in Asana's form for a body that does not fit."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        place = first["loc"][1:] if first["loc"][:1] == ("data",) and len(first["loc"]) > 1 else first["loc"]
        where = ".".join(str(part) for part in place)
        words = first["msg"].removeprefix("Value error, ")
        missing = first["type"] == "missing"
        raise Refused(400, f"{where}: {'Missing input' if missing else words}" if where else words) from error
