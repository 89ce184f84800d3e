"""Notion's double: a connection, one database with one data source, and a webhook for its pages.

Nothing is unique here: the same create twice makes two rows. Our own edits are signalled too, as Notion does; the
verification token is the one in the settings, which signs everything.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from pydantic import SecretStr

from platforms.base import Body, reveal
from platforms.notion import NotionSettings
from platforms.notion.client import VERSION
from platforms.notion.stand_in_books import (
    BOT,
    DATA_SOURCE,
    DATABASE,
    PERSON,
    PROPERTIES,
    Page,
    Refused,
    Workspace,
    checked,
    iso,
    name_of,
    schema,
)
from platforms.notion.stand_in_requests import (
    ByEdit,
    ByText,
    ConnectMove,
    CreateBody,
    QueryBody,
    RowMove,
    StatusMove,
    UpdateBody,
    read,
)
from platforms.stand_in import Answer, Heard, Route, StandIn, Webhook

VERIFICATION = "secret_sandboxNotionVerification0000000000"
EPOCH = datetime(2026, 1, 5, 9, tzinfo=UTC)


def _operation(handle: Callable[[Heard, Workspace], Answer]) -> Callable[[Heard, Workspace], Answer]:
    def answer(heard: Heard, books: Workspace) -> Answer:
        try:
            return handle(heard, books)
        except Refused as refused:
            return refused.answer

    return answer


def _me(heard: Heard, books: Workspace) -> Answer:
    owner = {"owner": {"type": "workspace", "workspace": True}, "workspace_id": str(uuid4())}
    limits = {"max_file_upload_size_in_bytes": 5_242_880}
    bot = {**owner, "workspace_limits": limits, "workspace_name": "Quantify Labs"}
    me = {"object": "user", "id": BOT, "name": "Ovation", "avatar_url": None, "type": "bot", "bot": bot}
    return Answer(200, json=me)


def _data_source(heard: Heard, books: Workspace) -> Answer:
    _ours(heard.params["id"])
    user = {"object": "user", "id": PERSON}
    times = {"created_time": iso(EPOCH), "last_edited_time": iso(EPOCH), "created_by": user, "last_edited_by": user}
    looks: Body = {"title": [], "description": [], "icon": None, "cover": None, "is_inline": False, "in_trash": False}
    places = {
        "parent": {"type": "database_id", "database_id": DATABASE},
        "database_parent": {"type": "workspace", "workspace": True},
    }
    address = {"url": f"https://www.notion.so/{DATABASE.replace('-', '')}", "public_url": None}
    own = {"object": "data_source", "id": DATA_SOURCE, "properties": schema()}
    return Answer(200, json={**own, **times, **looks, **places, **address})


def _database(heard: Heard, books: Workspace) -> Answer:
    if heard.params["id"].replace("-", "") != DATABASE.replace("-", ""):
        raise _not_found("database", heard.params["id"])
    sources = [{"id": DATA_SOURCE, "name": "Referrals"}]
    return Answer(200, json={"object": "database", "id": DATABASE, "title": [], "data_sources": sources})


def _query(heard: Heard, books: Workspace) -> Answer:
    """Rows that are not in the trash. A cursor is the id of the row that comes next."""
    _ours(heard.params["id"])
    asked = read(QueryBody, heard.json)
    found = [page for page in books.pages.values() if not page.in_trash and _fits(page, asked.filter)]
    for sort in asked.sorts:
        when = "created" if sort.timestamp == "created_time" else "edited"
        found.sort(key=lambda page: getattr(page, when), reverse=sort.direction == "descending")
    ids = [page.id for page in found]
    if asked.start_cursor is not None and asked.start_cursor not in ids:
        raise Refused(400, "validation_error", "The start_cursor provided is invalid")
    begin = ids.index(asked.start_cursor) if asked.start_cursor else 0
    page, rest = found[begin : begin + asked.page_size], ids[begin + asked.page_size :]
    more = {"has_more": bool(rest), "next_cursor": rest[0] if rest else None}
    kind: Body = {"object": "list", "type": "page_or_data_source", "page_or_data_source": {}}
    return Answer(200, json={**kind, **more, "results": [one.shown() for one in page]})


def _fits(page: Page, wanted: ByText | ByEdit | None) -> bool:
    if isinstance(wanted, ByText):
        name = name_of(wanted.property)
        if PROPERTIES[name][1] != "rich_text":
            raise Refused(400, "validation_error", f"database property {PROPERTIES[name][1]} does not match filter")
        return bool(page.values.get(name, "") == wanted.rich_text.equals)
    if isinstance(wanted, ByEdit):
        edited = page.edited.replace(second=0, microsecond=0)
        return edited >= datetime.fromisoformat(wanted.last_edited_time.on_or_after)
    return True


def _create(heard: Heard, books: Workspace) -> Answer:
    asked = read(CreateBody, heard.json)
    _ours(asked.parent.data_source_id)
    page = books.add(checked(asked.properties), BOT)
    return Answer(200, json=page.shown(), webhooks=[_signal("page.created", page, BOT)])


def _update(heard: Heard, books: Workspace) -> Answer:
    asked = read(UpdateBody, heard.json)
    page = books.pages.get(heard.params["id"])
    if page is None:
        raise _not_found("page", heard.params["id"])
    values = checked(asked.properties)
    books.change(page, values, BOT)
    page.in_trash = page.in_trash if asked.in_trash is None else asked.in_trash
    return Answer(200, json=page.shown(), webhooks=[_signal("page.properties_updated", page, BOT, list(values))])


def _ours(given: str) -> None:
    if given.replace("-", "") != DATA_SOURCE.replace("-", ""):
        raise _not_found("data source", given)


def _not_found(kind: str, name: str) -> Refused:
    words = "Make sure the relevant pages and databases are shared with your integration."
    return Refused(404, "object_not_found", f"Could not find {kind} with ID: {name}. {words}")


def _signal(name: str, page: Page, author: str, updated: list[str] | None = None) -> Webhook:
    """What Notion sends some time later: which page, and which properties by id, but no values."""
    kind = "bot" if author == BOT else "person"
    data: Body = {"parent": {"id": DATABASE, "type": "database", "data_source_id": DATA_SOURCE}}
    if updated is not None:
        data["updated_properties"] = [PROPERTIES[one][0] for one in updated]
    about = {"workspace_id": str(uuid4()), "workspace_name": "Quantify Labs", "subscription_id": str(uuid4())}
    body = {
        **{"id": str(uuid4()), "timestamp": iso(datetime.now(UTC)), **about, "integration_id": BOT},
        **{"authors": [{"id": author, "type": kind}], "attempt_number": 1, "api_version": VERSION, "type": name},
        **{"entity": {"id": page.id, "type": "page"}, "data": data},
    }
    return Webhook(json.dumps(body).encode(), after=0.2)


def _status_move(given: Any, books: Workspace) -> Answer:
    try:
        asked = read(StatusMove, given)
        page = books.with_reference(asked.referral)
        wanted: Body = {"Status": {"status": {"name": asked.status}}}
        if asked.amount is not None:
            wanted["Amount"] = {"number": asked.amount}
        if asked.currency is not None:
            wanted["Currency"] = {"rich_text": [{"text": {"content": asked.currency}}]}
        values = checked(wanted)
    except Refused as refused:
        return refused.answer
    books.change(page, values, PERSON)
    return Answer(200, json=page.shown(), webhooks=[_signal("page.properties_updated", page, PERSON, list(values))])


def _duplicate_move(given: Any, books: Workspace) -> Answer:
    try:
        page = books.with_reference(read(RowMove, given).referral)
    except Refused as refused:
        return refused.answer
    copy = books.add(dict(page.values), PERSON)
    copy.created += timedelta(seconds=1)
    return Answer(200, json=copy.shown(), webhooks=[_signal("page.created", copy, PERSON)])


def _trash_move(given: Any, books: Workspace) -> Answer:
    try:
        page = books.with_reference(read(RowMove, given).referral)
    except Refused as refused:
        return refused.answer
    page.in_trash = True
    return Answer(200, json=page.shown(), webhooks=[_signal("page.deleted", page, PERSON)])


def _connect_move(given: Any, books: Workspace) -> Answer:
    """The request with the verification token, which comes before everything else."""
    try:
        asked = read(ConnectMove, given)
    except Refused as refused:
        return refused.answer
    body = json.dumps({"verification_token": VERIFICATION}).encode()
    return Answer(200, json={"sent": True}, webhooks=[Webhook(body, url=asked.url)])


def guard(heard: Heard) -> Answer | None:
    if heard.headers.get("authorization") != f"Bearer {reveal(heard.settings.token)}":
        return Refused(401, "unauthorized", "API token is invalid.").answer
    version = heard.headers.get("notion-version")
    if version != VERSION:
        words = f"Notion-Version header should be defined, and be {VERSION}; it is {version}"
        return Refused(400, "missing_version", words).answer
    return None


def rate_limited() -> Answer:
    reason = {"retry_after": "7", "rate_limit_reason": "public_api_request_rate_limit"}
    answer = Refused(429, "rate_limited", "You have been rate limited. Please try again later.", **reason).answer
    return Answer(429, json=answer.json, headers={**answer.headers, "Retry-After": "7"})


def settings() -> NotionSettings:
    return NotionSettings(
        token=SecretStr("ntn_sandbox000000000000000000"),
        data_source=DATA_SOURCE,
        webhook_secret=SecretStr(VERIFICATION),
    )


STAND_IN = StandIn(
    name="notion",
    books=Workspace,
    routes=[
        Route("GET", "/v1/users/me", _operation(_me)),
        Route("GET", "/v1/data_sources/{id}", _operation(_data_source)),
        Route("GET", "/v1/databases/{id}", _operation(_database)),
        Route("POST", "/v1/data_sources/{id}/query", _operation(_query)),
        Route("POST", "/v1/pages", _operation(_create)),
        Route("PATCH", "/v1/pages/{id}", _operation(_update)),
    ],
    guard=guard,
    rate_limited=rate_limited,
    broken=lambda: Refused(500, "internal_server_error", "Unexpected error occurred.").answer,
    settings=settings,
    moves={"status": _status_move, "duplicate": _duplicate_move, "trash": _trash_move, "connect": _connect_move},
)
