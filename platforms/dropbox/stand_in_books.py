"""The books of Dropbox's double: folders and files of one account, its file requests, and what changed in which order.

A cursor is a place in the order of changes, for one folder. `epoch` is part of it: a move makes the old ones worthless.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from secrets import token_hex, token_urlsafe
from typing import Any

from pydantic import Field

from models.base import Model
from platforms.base import Body
from platforms.stand_in import Answer

ACCOUNT = "dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc"


class Refused(Exception):
    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def route_error(*tags: str) -> Refused:
    """409 with an error of these tags, from the outside in."""
    error: Body = {".tag": tags[-1]}
    for tag in reversed(tags[:-1]):
        error = {".tag": tag, tag: error}
    return Refused(Answer(409, {"error_summary": f"{'/'.join(tags)}/..", "error": error}))


def operation(handle: Callable[[Any, "Books"], Answer]) -> Callable[[Any, "Books"], Answer]:
    """Answers, or refuses in Dropbox's form."""

    def answer(asked: Any, books: "Books") -> Answer:
        try:
            return handle(asked, books)
        except Refused as refused:
            return refused.answer

    return answer


class Entry(Model):
    """A folder, or a file with its newest revision. Paths are kept as they were written and compared without case."""

    tag: str
    id: str = Field(default_factory=lambda: f"id:{token_urlsafe(16)}")
    path: str
    rev: str | None = None
    modified: str = Field(default_factory=lambda: timestamp())

    def shown(self) -> Body:
        told: Body = {
            ".tag": self.tag,
            "id": self.id,
            "name": self.path.rpartition("/")[2],
            "path_lower": self.path.lower(),
            "path_display": self.path,
        }
        if self.tag == "folder":
            return told
        times = {"client_modified": self.modified, "server_modified": self.modified}
        hashed = hashlib.sha256(f"{self.id}{self.rev}".encode()).hexdigest()
        return {**told, **times, "rev": self.rev, "size": 7212, "is_downloadable": True, "content_hash": hashed}


class FileRequest(Model):
    id: str = Field(default_factory=lambda: token_hex(10))
    title: str
    destination: str
    created: str = Field(default_factory=lambda: timestamp())
    deadline: Body | None = None
    is_open: bool = True
    file_count: int = 0
    description: str | None = None

    def shown(self) -> Body:
        told = self.model_dump(exclude_none=True)
        return {**told, "url": f"https://www.dropbox.com/request/{self.id}"}


class Books(Model):
    """`entries`: path in lower case → what is there. `changes`: those paths, in the order in which they changed."""

    entries: dict[str, Entry] = Field(default_factory=dict)
    changes: list[str] = Field(default_factory=list)
    requests: list[FileRequest] = Field(default_factory=list)
    epoch: int = 0

    def folder(self, path: str) -> Entry:
        """Made with its parents, unless it is there."""
        parts = path.strip("/").split("/")
        for depth in range(1, len(parts) + 1):
            one = "/" + "/".join(parts[:depth])
            if one.lower() not in self.entries:
                self.put(Entry(tag="folder", path=one))
        return self.entries[path.lower()]

    def put(self, entry: Entry) -> Entry:
        self.entries[entry.path.lower()] = entry
        self.changes.append(entry.path.lower())
        return entry

    def upload(self, destination: str, name: str) -> Entry:
        path = f"{destination}/{name}"
        there = self.entries.get(path.lower())
        rev = f"{len(self.changes) + 0x5A10000000:x}"
        made = Entry(tag="file", path=path, rev=rev)
        return self.put(made.model_copy(update={"id": there.id}) if there is not None else made)

    def page(self, cursor: str, limit: int) -> tuple[list[Body], str, bool]:
        """What changed behind the cursor's place, in its folder. Raises Refused for a cursor that is worth nothing."""
        epoch, _, rest = cursor.partition(":")
        place, _, root = rest.partition(":")
        if epoch != str(self.epoch) or not place.isdigit():
            raise route_error("reset")
        start = int(place)
        end = min(start + limit, len(self.changes))
        behind = dict.fromkeys(path for path in self.changes[start:end] if path.startswith(f"{root}/") or not root)
        shown = [self.entries[path].shown() for path in behind if path in self.entries]
        return shown, f"{epoch}:{end}:{root}", end < len(self.changes)


def timestamp() -> str:
    """To the second, as Dropbox writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
