"""Dropbox's file requests: one folder and one page to upload to for each referral.

The failure prevented: an advocate who is sent two pages for the same files. A file request has no key and no
uniqueness, so each referral has a folder of its own, and the request that leads there is looked for before another is
made. Whoever uploads needs no Dropbox account.
"""

import re
from collections.abc import Generator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from platforms.base import Body, Call, Reply, Talk, Token, reveal
from platforms.capabilities import Receipt, RequestFiles
from platforms.dropbox.problem import CREATE_FOLDER
from platforms.errors import InDoubt, Rejected, Unauthorized

if TYPE_CHECKING:
    from platforms.dropbox import DropboxSettings

PAGE = 1000
PAGES = 5
"""An account has 4,000 file requests at most; more pages than these mean that something else is wrong."""

_FOLDER_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")


def headers(settings: "DropboxSettings", token: Token | None) -> dict[str, str]:
    """The access token that the refresh token was exchanged for."""
    return {"Authorization": f"Bearer {token.value if token is not None else ''}"}


def token_call(settings: "DropboxSettings", now: datetime) -> Call:
    """POST /oauth2/token with the refresh token, which stays the same."""
    form = {
        "grant_type": "refresh_token",
        "refresh_token": reveal(settings.refresh_token),
        "client_id": settings.app_key,
        "client_secret": reveal(settings.app_secret),
    }
    return Call.post("/oauth2/token", form=form, signed_in=False, writes=False)


def read_token(reply: Reply, now: datetime) -> Token:
    """`access_token`, good for `expires_in` seconds: four hours."""
    value, seconds = reply.json.get("access_token"), reply.json.get("expires_in")
    if not isinstance(value, str) or not value:
        raise Unauthorized("Dropbox gave no access token for the refresh token")
    return Token(value, now + timedelta(seconds=seconds if isinstance(seconds, int) else 3600))


def request_files(action: RequestFiles, key: str, settings: "DropboxSettings") -> Talk:
    """POST /2/file_requests/create into the referral's folder, unless an open one leads there already.

    A request that somebody has closed is done with: whoever asks again wants another."""
    folder = folder_of(action, settings)
    yield Call.post(CREATE_FOLDER, json={"path": folder, "autorename": False})
    there = yield from _open_requests(folder)
    if there:
        return _receipt(there[0])
    reply = yield Call.post("/2/file_requests/create", json=_request(action, folder, settings))
    return _receipt(reply.json)


def find_request(action: RequestFiles, key: str, settings: "DropboxSettings") -> Generator[Call, Reply, Receipt | None]:
    """POST /2/file_requests/list_v2: the open request whose destination is this referral's folder. Ours is open; one
    that is closed was there before."""
    there = yield from _open_requests(folder_of(action, settings))
    return _receipt(there[0]) if there else None


def doctor(settings: "DropboxSettings") -> Talk:
    """POST /2/users/get_current_account, and a first page of file requests: whose account, and may it ask for files."""
    whole = Call("POST", "/2/users/get_current_account", content=b"null", headers=_JSON, writes=False)
    account = (yield whole).json
    if account.get("email_verified") is not True:
        raise Unauthorized("the account's e-mail address is not verified: Dropbox makes no file requests for it")
    listed = (yield _reading("/2/file_requests/list_v2", {"limit": 1})).json
    return Receipt(facts={"account": account.get("account_id"), "file_requests": bool(listed.get("file_requests"))})


def folder_of(action: RequestFiles, settings: "DropboxSettings") -> str:
    """The referral's own folder. Raises Rejected for an id that cannot be a folder's name."""
    if not _FOLDER_NAME.fullmatch(action.referral):
        raise Rejected("the referral's id cannot be the name of a folder")
    return f"{settings.folder}/{action.referral}"


_JSON = {"Content-Type": "application/json"}


def _reading(route: str, argument: Body) -> Call:
    """Reads too are POST."""
    return Call.post(route, json=argument, writes=False)


def _open_requests(folder: str) -> Generator[Call, Reply, list[Body]]:
    """All that lead to this folder. Paths are compared without case, as Dropbox does."""
    found: list[Body] = []
    call = _reading("/2/file_requests/list_v2", {"limit": PAGE})
    for _ in range(PAGES):
        page = (yield call).json
        listed = page.get("file_requests")
        if not isinstance(listed, list):
            raise InDoubt("Dropbox answered the look-up without a list of file requests")
        found += [request for request in listed if _leads_to(folder, request)]
        if page.get("has_more") is not True:
            return found
        call = _reading("/2/file_requests/list/continue", {"cursor": page.get("cursor")})
    raise InDoubt(f"Dropbox lists more than {PAGES} pages of file requests: close and delete old ones")


def _leads_to(folder: str, request: object) -> bool:
    if not isinstance(request, dict) or request.get("is_open") is not True:
        return False
    return str(request.get("destination") or "").lower() == folder.lower()


def _request(action: RequestFiles, folder: str, settings: "DropboxSettings") -> Body:
    """Late files are still taken for a week; Dropbox marks them as late."""
    asked: Body = {"title": action.title, "destination": folder, "open": True}
    if action.description:
        asked["description"] = action.description
    if action.deadline is not None and settings.deadlines:
        until = action.deadline.strftime("%Y-%m-%dT%H:%M:%SZ")
        asked["deadline"] = {"deadline": until, "allow_late_uploads": "seven_days"}
    return asked


def _receipt(request: Body) -> Receipt:
    own_id, url = request.get("id"), request.get("url")
    if not isinstance(own_id, str) or not own_id or not isinstance(url, str) or not url:
        raise InDoubt("Dropbox answered with a file request that has no id or no address")
    return Receipt(reference=own_id, url=url, facts={"file_request": own_id})
