"""What came into the folders of referrals, read from where the last round ended.

The failure prevented: papers that an advocate uploaded while we were away and nobody ever heard of. Dropbox's ping is
dropped after ten minutes; the cursor is not. Where it is (`reset`), everything is read anew: a file that was heard of
before has the same id and revision.
"""

import logging
from collections.abc import Generator
from datetime import timedelta
from typing import TYPE_CHECKING

from models.event import Event
from platforms.base import Body, Call, Reply, Round, Upkept
from platforms.dropbox.problem import CONTINUE, LIST_FOLDER
from platforms.dropbox.webhook import received
from platforms.errors import Malformed, Unavailable

if TYPE_CHECKING:
    from platforms.dropbox import DropboxSettings

log = logging.getLogger("ovation.platforms")

PAGE = 500
PAGES = 10
"""Pages that a round reads at most; the next goes on behind them."""


def look_for_uploads(round: Round, settings: "DropboxSettings") -> Generator[Call, Reply, Upkept]:
    """POST /2/files/list_folder/continue with the last round's cursor, or list_folder where there is none."""
    same = round.mark.get("folder") == settings.folder
    cursor = round.mark.get("cursor") if same else None
    found: list[Event] = []
    for _ in range(PAGES):
        reply = yield _page(cursor, settings)
        if not reply.ok and cursor is None:
            return Upkept(mark={}, events=found)  # nobody has been asked for files yet
        if not reply.ok:
            cursor = None
            continue
        cursor = reply.json.get("cursor")
        found += _events(reply, settings)
        if reply.json.get("has_more") is not True:
            return Upkept(mark=_mark(cursor, settings), events=found)
    return Upkept(mark=_mark(cursor, settings), events=found, again_at=round.now + timedelta(minutes=1))


def _page(cursor: object, settings: "DropboxSettings") -> Call:
    if cursor is not None:
        return Call.post(CONTINUE, json={"cursor": cursor}, writes=False)
    argument = {"path": settings.folder, "recursive": True, "limit": PAGE}
    return Call.post(LIST_FOLDER, json=argument, writes=False)


def _events(reply: Reply, settings: "DropboxSettings") -> list[Event]:
    entries = reply.json.get("entries")
    if not isinstance(entries, list):
        raise Unavailable("Dropbox answered with a page that has no entries")
    return [event for entry in entries if isinstance(entry, dict) for event in _read(entry, settings)]


def _read(entry: Body, settings: "DropboxSettings") -> list[Event]:
    """One file that cannot be read must not hold up those behind it."""
    try:
        return received(entry, settings.folder)
    except Malformed as error:
        log.warning("an entry of Dropbox's list was passed over: %s", error)
        return []


def _mark(cursor: object, settings: "DropboxSettings") -> Body:
    """A cursor is good for the folder that it was made for."""
    return {"folder": settings.folder, "cursor": cursor}
