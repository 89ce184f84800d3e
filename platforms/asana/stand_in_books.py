"""The books of Asana's double: one workspace with one project, its members, tasks and webhooks."""

import time
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field

from platforms.base import Body
from platforms.stand_in import Answer

WORKSPACE, PROJECT, ME = "1100", "1201", "42"
HELP = "For more information on API status codes and how to handle them, read the docs on errors: "
DOCS = "https://developers.asana.com/docs/errors"


class Refused(Exception):
    """An error in Asana's form, which has no code."""

    def __init__(self, status: int, message: str, **more: object) -> None:
        super().__init__(message)
        self.answer = Answer(status, json={"errors": [{"message": message, **more, "help": f"{HELP}{DOCS}"}]})


class Task(BaseModel):
    """`assignee` is a member's e-mail address. `external` as it was given. `trashed`: deleted, and read by nobody."""

    gid: str
    name: str
    notes: str
    projects: list[str]
    assignee: str | None
    due_on: str | None
    due_at: str | None
    external: dict[str, str] | None
    completed: bool = False
    completed_at: str | None = None
    modified_at: str
    trashed: bool = False


class Hook(BaseModel):
    gid: str
    resource: str
    target: str
    filters: list[Body]
    active: bool = True

    def shown(self) -> Body:
        resource = {"gid": self.resource, "resource_type": "project", "name": "Referrals"}
        own = self.model_dump(include={"gid", "active", "target", "filters"})
        return {"resource_type": "webhook", "resource": resource, **own}


class Workspace(BaseModel):
    """Members: e-mail address → gid. Gids go on from the time, so that emptied books never give an old one again."""

    members: dict[str, str] = Field(default_factory=lambda: {"csm@acme.example": "4201", "owner@acme.example": "4202"})
    tasks: dict[str, Task] = Field(default_factory=dict)
    hooks: dict[str, Hook] = Field(default_factory=dict)
    last_gid: int = Field(default_factory=lambda: time.time_ns() // 10**6)

    def next_gid(self) -> str:
        self.last_gid += 1
        return str(self.last_gid)

    def member(self, named: str) -> str | None:
        """The e-mail address of a member by address, gid or `me`."""
        gids = {gid: email for email, gid in self.members.items()}
        return named.lower() if named.lower() in self.members else gids.get(named)

    def task(self, named: str) -> Task:
        """By gid, or by `external:` and our own id. Raises Refused for one that is not there or was deleted."""
        own = named.removeprefix("external:")
        tasks = [task for task in self.tasks.values() if not task.trashed]
        if own == named:
            found = next((task for task in tasks if task.gid == named), None)
        else:
            found = next((task for task in tasks if task.external and task.external["gid"] == own), None)
        if found is None:
            raise Refused(404, f"task: Unknown object: {named}")
        return found

    def shown(self, task: Task, fields: set[str]) -> Body:
        """As Asana shows it: gid, name and type, and the fields that were asked for."""
        email = task.assignee
        user = {"gid": self.members[email], "resource_type": "user"} if email else None
        link = f"https://app.asana.com/1/{WORKSPACE}/project/{PROJECT}/task/{task.gid}"
        more: dict[str, Any] = {
            **task.model_dump(include={"notes", "due_on", "due_at", "completed", "completed_at", "modified_at"}),
            "assignee": user,
            "external": task.external,
            "permalink_url": link,
        }
        asked = {field.partition(".")[0] for field in fields}
        compact = {"gid": task.gid, "resource_type": "task", "resource_subtype": "default_task", "name": task.name}
        return compact | {name: value for name, value in more.items() if name in asked}


def known_project(gid: str) -> None:
    """Raises Refused for any but the one project."""
    if gid != PROJECT:
        raise Refused(404, f"project: Unknown object: {gid}")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
