"""Airtable's double: one base with one table, upserts, and webhooks that ping, record and expire.

A change by a person is recorded and pinged; our own comes back only to a webhook that listens to `publicApi` too. The
secret of every webhook is the one in the settings, so that the sandbox signs with what we were told.
"""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import SecretStr, ValidationError

from platforms.airtable import AirtableSettings
from platforms.airtable.stand_in_books import (
    BASE,
    COLUMNS,
    LIFE,
    TABLE,
    WORDS,
    Base,
    Hook,
    Refused,
    Row,
    checked,
    field_id,
    iso,
)
from platforms.airtable.stand_in_requests import HookBody, RowMove, StatusMove, Strict, Switch, UpsertBody
from platforms.base import Body, reveal
from platforms.stand_in import Answer, Heard, Route, StandIn, Webhook

MOST_HOOKS = 10
Request = TypeVar("Request", bound=Strict)


def _operation(handle: Callable[[Heard, Base], Answer]) -> Callable[[Heard, Base], Answer]:
    """Answers, or refuses; 403 for another base, as for one that the token may not see."""

    def answer(heard: Heard, books: Base) -> Answer:
        try:
            if heard.params.get("base", heard.settings.base) != heard.settings.base:
                raise Refused(403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND", "Invalid permissions, or not found")
            return handle(heard, books)
        except Refused as refused:
            return refused.answer

    return answer


def _upsert(heard: Heard, books: Base) -> Answer:
    """PATCH of records. One bad record refuses them all, so everything is checked before anything is written."""
    if heard.params["table"] not in (TABLE, "Referrals"):
        raise Refused(403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND", "Invalid permissions, or table not found")
    asked = _read(UpsertBody, heard.json)
    merge = [field_id(name) for name in asked.performUpsert.fieldsToMergeOn]
    wanted = [{(one := field_id(n)): checked(one, v) for n, v in record.fields.items()} for record in asked.records]
    found = [_matched(record.id, cells, merge, books) for record, cells in zip(asked.records, wanted, strict=True)]
    pinged: list[Hook] = []
    rows = [row or books.new_row() for row in found]
    for row, cells in zip(rows, wanted, strict=True):
        pinged += books.put(row, cells, "publicApi")
    created = [row.id for row, old in zip(rows, found, strict=True) if old is None]
    updated = [row.id for row in found if row is not None]
    records = [_shown(row, by_id=asked.returnFieldsByFieldId) for row in rows]
    body = {"records": records, "createdRecords": created, "updatedRecords": updated}
    return Answer(200, json=body, webhooks=_pings(pinged))


def _matched(record: str | None, cells: Body, merge: list[str], books: Base) -> Row | None:
    if record is not None:
        if record not in books.rows:
            raise Refused(422, "ROW_DOES_NOT_EXIST", f"Record ID {record} does not exist in this table")
        return books.rows[record]
    rows = books.with_cells({field: cells.get(field) for field in merge})
    if len(rows) > 1:
        raise Refused(422, "INVALID_REQUEST_UNKNOWN", "Cannot upsert: more than one record matches the merge fields")
    return rows[0] if rows else None


def _shown(row: Row, *, by_id: bool) -> Body:
    fields = {field if by_id else COLUMNS[field].name: value for field, value in row.cells.items()}
    return {"id": row.id, "createdTime": row.created, "fields": fields}


def _tables(heard: Heard, books: Base) -> Answer:
    fields: list[Body] = [{"id": one, "name": column.name, "type": column.type} for one, column in COLUMNS.items()]
    for field in fields:
        if field["type"] == "singleSelect":
            field["options"] = {"choices": [{"id": f"sel{n:014}", "name": word} for n, word in enumerate(WORDS)]}
    table = {"id": TABLE, "name": "Referrals", "primaryFieldId": fields[0]["id"], "fields": fields, "views": []}
    return Answer(200, json={"tables": [table]})


def _create_hook(heard: Heard, books: Base) -> Answer:
    asked = _read(HookBody, heard.json)
    filters = asked.specification.options.filters
    if filters.recordChangeScope not in (None, TABLE) or set(filters.watchDataInFieldIds or []) - set(COLUMNS):
        raise Refused(422, "INVALID_FILTERS", "Webhook filters refer to a table or field that does not exist")
    if len(books.hooks) >= MOST_HOOKS:
        raise Refused(422, "TOO_MANY_WEBHOOKS_IN_BASE", "The base has its maximum of webhooks")
    name = f"ach{len(books.hooks) + books.transactions:02}{datetime.now(UTC):%H%M%S%f}"
    specification = asked.specification.model_dump(exclude_none=True)
    hook = Hook(id=name, url=asked.notificationUrl or "", specification=specification, expires=_next_week())
    books.hooks[name] = hook
    secret = reveal(heard.settings.webhook_secret)
    told = {"id": name, "macSecretBase64": secret, "expirationTime": iso(hook.expires)}
    return Answer(200, json=told, webhooks=_pings([hook]))


def _list_hooks(heard: Heard, books: Base) -> Answer:
    return Answer(200, json={"webhooks": [hook.shown() for hook in books.hooks.values()]})


def _delete_hook(heard: Heard, books: Base) -> Answer:
    del books.hooks[_hook(heard, books).id]
    return Answer(204)


def _payloads(heard: Heard, books: Base) -> Answer:
    """From the cursor on. While the webhook lives, reading renews it."""
    hook = _hook(heard, books)
    start, limit = int(heard.query.get("cursor", "1")), min(int(heard.query.get("limit", "50")), 50)
    page = hook.payloads[start - 1 : start - 1 + limit]
    if hook.expires > datetime.now(UTC):
        hook.expires = _next_week()
    more = start - 1 + limit < len(hook.payloads)
    return Answer(200, json={"payloads": page, "cursor": start + len(page), "mightHaveMore": more})


def _refresh(heard: Heard, books: Base) -> Answer:
    hook = _hook(heard, books)
    hook.expires = _next_week()
    return Answer(200, json={"expirationTime": iso(hook.expires)})


def _switch(heard: Heard, books: Base) -> Answer:
    _hook(heard, books).notifies = _read(Switch, heard.json).enable
    return Answer(200)


def _hook(heard: Heard, books: Base) -> Hook:
    if (hook := books.hooks.get(heard.params["hook"])) is None:
        raise Refused(404, "NOT_FOUND")
    return hook


def _pings(hooks: Iterable[Hook]) -> list[Webhook]:
    """One for each webhook that has an address."""
    return [
        Webhook(
            json.dumps(
                {"base": {"id": BASE}, "webhook": {"id": hook.id}, "timestamp": iso(datetime.now(UTC))}
            ).encode(),
            after=0.1,
            url=hook.url,
        )
        for hook in {hook.id: hook for hook in hooks if hook.url}.values()
    ]


def _status_move(given: Any, books: Base) -> Answer:
    """Somebody picks a status."""
    try:
        asked = _read(StatusMove, given)
        row = _row_of(asked.referral, books)
        cells = {"Status": asked.status, "Amount": asked.amount, "Currency": asked.currency}
        named = {field_id(name): value for name, value in cells.items() if value is not None}
        pinged = books.put(row, {field: checked(field, value) for field, value in named.items()}, "client")
    except Refused as refused:
        return refused.answer
    return Answer(200, json=_shown(row, by_id=False), webhooks=_pings(pinged))


def _duplicate_move(given: Any, books: Base) -> Answer:
    """Somebody duplicates a row: from now on an upsert of this referral is refused."""
    try:
        copy, row = books.new_row(), _row_of(_read(RowMove, given).referral, books)
    except Refused as refused:
        return refused.answer
    return Answer(200, json={"id": copy.id}, webhooks=_pings(books.put(copy, dict(row.cells), "client")))


def _expire_move(given: Any, books: Base) -> Answer:
    """A week passes in which nobody read the webhooks."""
    for hook in books.hooks.values():
        hook.expires, hook.enabled = datetime.now(UTC) - LIFE, False
    return Answer(200, json={"expired": len(books.hooks)})


def _spoil_move(given: Any, books: Base) -> Answer:
    """A watched field is deleted: the webhooks record an error, and still look enabled."""
    for hook in books.hooks.values():
        hook.payloads.append({"error": True, "code": "INVALID_FILTERS"})
    return Answer(200, json={"spoiled": len(books.hooks)})


def _row_of(referral: str, books: Base) -> Row:
    rows = books.with_cells({field_id("Ovation ref"): referral})
    if not rows:
        raise Refused(404, "NOT_FOUND")
    return rows[0]


def _read(model: type[Request], given: Any) -> Request:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise Refused(
            422, "INVALID_REQUEST_UNKNOWN", f"Invalid request: parameter validation failed: {where}"
        ) from None


def _next_week() -> datetime:
    return datetime.now(UTC) + LIFE


def guard(heard: Heard) -> Answer | None:
    if heard.headers.get("authorization") == f"Bearer {reveal(heard.settings.token)}":
        return None
    return Refused(401, "AUTHENTICATION_REQUIRED", "Authentication required").answer


def rate_limited() -> Answer:
    words = "Rate limit exceeded. Please try again later"
    return Answer(429, json={"errors": [{"error": "RATE_LIMIT_REACHED", "message": words}]})


def settings() -> AirtableSettings:
    return AirtableSettings(
        token=SecretStr("patSandbox0000001.sandbox"),
        base=BASE,
        table=TABLE,
        webhook_secret=SecretStr("b3ZhdGlvbi1haXJ0YWJsZS1zYW5kYm94LXNlY3JldA=="),
    )


_HOOK = "/v0/bases/{base}/webhooks/{hook}"
STAND_IN = StandIn(
    name="airtable",
    books=Base,
    routes=[
        Route("GET", "/v0/meta/whoami", lambda heard, books: Answer(200, json={"id": "usrOvation0000001"})),
        Route("GET", "/v0/meta/bases/{base}/tables", _operation(_tables)),
        Route("GET", "/v0/bases/{base}/webhooks", _operation(_list_hooks)),
        Route("POST", "/v0/bases/{base}/webhooks", _operation(_create_hook)),
        Route("DELETE", _HOOK, _operation(_delete_hook)),
        Route("GET", f"{_HOOK}/payloads", _operation(_payloads)),
        Route("POST", f"{_HOOK}/refresh", _operation(_refresh)),
        Route("POST", f"{_HOOK}/enableNotifications", _operation(_switch)),
        Route("PATCH", "/v0/{base}/{table}", _operation(_upsert)),
    ],
    guard=guard,
    rate_limited=rate_limited,
    broken=lambda: Refused(500, "SERVER_ERROR", "Unexpected error").answer,
    settings=settings,
    moves={"status": _status_move, "duplicate": _duplicate_move, "expire": _expire_move, "spoil": _spoil_move},
)
