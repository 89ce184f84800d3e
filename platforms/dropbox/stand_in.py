"""Dropbox's double: one account's folders, its requests for files, and the ping when something in it changed.

A second request for the same folder is a second one: nothing is unique. People's part are the moves: `upload` and
`close`, and `reset`, which makes all cursors worthless.
"""

import json
from typing import Any

from pydantic import SecretStr

from platforms.base import reveal
from platforms.dropbox import DropboxSettings
from platforms.dropbox.stand_in_books import ACCOUNT, Books, FileRequest, Refused, operation, route_error
from platforms.dropbox.stand_in_requests import (
    Chosen,
    CreateFileRequestArgs,
    CreateFolderArg,
    Cursor,
    Exchange,
    ListFileRequestsArg,
    ListFolderArg,
    Nothing,
    Uploading,
    read,
)
from platforms.stand_in import Answer, Heard, Route, StandIn, Webhook

ACCESS = "sl.sandbox-access-token"
PAGE = 500


@operation
def _sign_in(heard: Heard, books: Books) -> Answer:
    asked, own = read(Exchange, dict(heard.form)), heard.settings
    if (asked.client_id, asked.client_secret) != (own.app_key, reveal(own.app_secret)):
        words = "Invalid client_id or client_secret"
        return Answer(400, {"error": "invalid_client: " + words, "error_description": words})
    if asked.refresh_token != reveal(own.refresh_token):
        return Answer(400, {"error": "invalid_grant", "error_description": "refresh token is invalid or revoked"})
    return Answer(json={"access_token": ACCESS, "expires_in": 14400, "token_type": "bearer"})


@operation
def _account(heard: Heard, books: Books) -> Answer:
    """A route without an argument wants the body `null`."""
    if heard.body != b"null":
        raise Refused(Answer(400, text="Error in call to API function: request body: expected null"))
    name = {"given_name": "Grace", "surname": "Hopper", "familiar_name": "Grace", "display_name": "Grace Hopper"}
    account = {
        "account_id": ACCOUNT,
        "name": {**name, "abbreviated_name": "GH"},
        "email": "grace@acme.example",
        "email_verified": True,
        "disabled": False,
        "locale": "en",
        "referral_link": "https://www.dropbox.com/referrals/x",
        "is_paired": False,
        "account_type": {".tag": "business"},
        "root_info": {".tag": "user", "root_namespace_id": "3235641", "home_namespace_id": "3235641"},
    }
    return Answer(json=account)


# Folders.


@operation
def _create_folder(heard: Heard, books: Books) -> Answer:
    asked = read(CreateFolderArg, heard.json)
    path = asked.path
    if path.rstrip(". ") != path or any(letter in path for letter in '\\:*?"<>|'):
        raise route_error("path", "disallowed_name")
    while path.lower() in books.entries:
        if not asked.autorename:
            raise route_error("path", "conflict", books.entries[path.lower()].tag)
        path += " (1)"
    made = books.folder(path).shown()
    return Answer(json={"metadata": {k: v for k, v in made.items() if k != ".tag"}}, webhooks=[_ping()])


@operation
def _list_folder(heard: Heard, books: Books) -> Answer:
    asked = read(ListFolderArg, heard.json)
    if asked.path and asked.path.lower() not in books.entries:
        raise route_error("path", "not_found")
    if not asked.recursive:
        raise Refused(Answer(400, text="the stand-in lists recursively only"))
    return _paged(f"{books.epoch}:0:{asked.path.lower()}", asked.limit or PAGE, books)


@operation
def _continue(heard: Heard, books: Books) -> Answer:
    return _paged(read(Cursor, heard.json).cursor, PAGE, books)


def _paged(cursor: str, limit: int, books: Books) -> Answer:
    entries, place, more = books.page(cursor, limit)
    return Answer(json={"entries": entries, "cursor": place, "has_more": more})


# File requests.


@operation
def _create_request(heard: Heard, books: Books) -> Answer:
    asked = read(CreateFileRequestArgs, heard.json)
    books.folder(asked.destination)
    made = FileRequest(
        title=asked.title,
        destination=asked.destination,
        deadline=heard.json.get("deadline"),
        is_open=asked.open,
        description=asked.description,
    )
    books.requests.append(made)
    return Answer(json=made.shown())


@operation
def _list_requests(heard: Heard, books: Books) -> Answer:
    limit = read(ListFileRequestsArg, heard.json).limit
    return _requests_from(0, limit, books)


@operation
def _more_requests(heard: Heard, books: Books) -> Answer:
    start, _, limit = read(Cursor, heard.json).cursor.partition("+")
    if not start.isdigit() or not limit.isdigit():
        raise route_error("invalid_cursor")
    return _requests_from(int(start), int(limit), books)


def _requests_from(start: int, limit: int, books: Books) -> Answer:
    page = [request.shown() for request in books.requests[start : start + limit]]
    more = start + limit < len(books.requests)
    return Answer(json={"file_requests": page, "cursor": f"{start + limit}+{limit}", "has_more": more})


# What is made to happen.


@operation
def _upload(given: Any, books: Books) -> Answer:
    asked = read(Uploading, given)
    request = _chosen(asked, books)
    if not request.is_open:
        return Answer(409, {"error": "the request is closed: it takes no more files"})
    entry = books.upload(request.destination, asked.name)
    request.file_count += 1
    return Answer(json=entry.shown(), webhooks=[_ping()])


@operation
def _close(given: Any, books: Books) -> Answer:
    request = _chosen(read(Chosen, given), books)
    request.is_open = False
    return Answer(json=request.shown())


@operation
def _reset(given: Any, books: Books) -> Answer:
    read(Nothing, given)
    books.epoch += 1
    return Answer(json={"epoch": books.epoch})


def _chosen(asked: Chosen, books: Books) -> FileRequest:
    for request in reversed(books.requests):
        if asked.id in (None, request.id) and asked.referral in (None, request.destination.rpartition("/")[2]):
            return request
    raise route_error("not_found")


def _ping() -> Webhook:
    changed = {"list_folder": {"accounts": [ACCOUNT]}, "delta": {"users": [12345678]}}
    return Webhook(json.dumps(changed, separators=(",", ":")).encode(), after=0.1)


def _guard(heard: Heard) -> Answer | None:
    if heard.path == "/oauth2/token" or heard.headers.get("authorization") == f"Bearer {ACCESS}":
        return None
    return Answer(401, {"error_summary": "invalid_access_token/..", "error": {".tag": "invalid_access_token"}})


def rate_limited() -> Answer:
    error = {"reason": {".tag": "too_many_requests"}, "retry_after": 1}
    return Answer(429, {"error_summary": "too_many_requests/..", "error": error}, headers={"Retry-After": "1"})


def broken() -> Answer:
    return Answer(500, text="Internal Server Error", media_type="text/plain")


def settings() -> DropboxSettings:
    return DropboxSettings(
        app_key="sandboxappkey",
        app_secret=SecretStr("sandbox-app-secret"),
        refresh_token=SecretStr("sandbox-refresh-token"),
    )


STAND_IN = StandIn(
    name="dropbox",
    books=Books,
    routes=[
        Route("POST", "/oauth2/token", _sign_in),
        Route("POST", "/2/users/get_current_account", _account),
        Route("POST", "/2/files/create_folder_v2", _create_folder),
        Route("POST", "/2/files/list_folder", _list_folder),
        Route("POST", "/2/files/list_folder/continue", _continue),
        Route("POST", "/2/file_requests/create", _create_request),
        Route("POST", "/2/file_requests/list_v2", _list_requests),
        Route("POST", "/2/file_requests/list/continue", _more_requests),
    ],
    guard=_guard,
    rate_limited=rate_limited,
    broken=broken,
    settings=settings,
    moves={"upload": _upload, "close": _close, "reset": _reset},
)
