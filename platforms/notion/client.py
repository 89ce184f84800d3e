"""Notion's API: one row for a referral, made if absent, else brought up to date.

The failure prevented: a second row because the first answer was lost. Notion has neither an idempotency key nor a
unique property, so the row is looked up by our id of the referral before it is made, and a 503 is read to its end: it
may name the page that was saved all the same.
"""

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from platforms.base import Body, Call, Problem, Reply, Talk, Token, brief, retry_after_of, reveal
from platforms.capabilities import PutRow, Receipt
from platforms.errors import InDoubt, Unauthorized
from platforms.notion import row

if TYPE_CHECKING:
    from platforms.notion import NotionSettings

VERSION = "2026-03-11"
"""Of the API: since 2025-09-03 rows belong to a data source of a database, no longer to the database."""


def headers(settings: "NotionSettings", token: Token | None) -> dict[str, str]:
    """The connection's token, and the version, without which every call is refused."""
    return {"Authorization": f"Bearer {reveal(settings.token)}", "Notion-Version": VERSION}


def put_row(action: PutRow, key: str, settings: "NotionSettings") -> Talk:
    """POST /v1/data_sources/{id}/query for the reference, then POST /v1/pages, or PATCH /v1/pages/{id} of what differs.
    Of several rows with one reference the oldest is kept up to date, and the others are counted."""
    pages = yield from _rows(action.referral, settings)
    if not pages:
        return (yield from _made(action, settings))
    changes = row.differing(pages[0], action, settings)
    if changes:
        yield Call.patch(f"/v1/pages/{pages[0]['id']}", json={"properties": changes})
    return _receipt(pages, created=False)


def find_row(action: PutRow, key: str, settings: "NotionSettings") -> Generator[Call, Reply, Receipt | None]:
    """The row, if it says already what this action says; None when there is something left to write."""
    pages = yield from _rows(action.referral, settings)
    return _receipt(pages, created=False) if pages and not row.differing(pages[0], action, settings) else None


def doctor(settings: "NotionSettings") -> Talk:
    """GET /v1/users/me, then GET /v1/data_sources/{id}: the token, the sharing, every property and option we write.

    Raises Unauthorized naming what is missing."""
    me = yield Call.get("/v1/users/me")
    reply = yield Call.get(f"/v1/data_sources/{_part(settings.data_source)}", accepts=(404,))
    if not reply.ok:
        raise Unauthorized((yield from _what_it_is_instead(settings)))
    if wrong := list(_wrong(reply.json["properties"], settings)):
        raise Unauthorized(f"the data source does not fit: {'; '.join(wrong)}")
    return Receipt(facts={"bot": me.json["id"], "data_source": reply.json["id"], "columns": len(settings.columns)})


def query(settings: "NotionSettings", **body: Any) -> Call:
    """POST /v1/data_sources/{id}/query, which reads."""
    return Call.post(f"/v1/data_sources/{_part(settings.data_source)}/query", json=body, writes=False)


def judge(reply: Reply, call: Call) -> Problem | None:
    """By status and code. 409 is an edit at the same moment, so ours was not taken; 403 also says that a free workspace
    is full, which no setting mends; a limit may say that waiting is of no use."""
    status = reply.status
    if reply.ok and isinstance(reply.json, dict):
        return None
    more, words = _more(reply), f"HTTP {status}: {_explained(reply)}"
    if status in (429, 529):
        blocked = more.get("rate_limit_reason") == "public_api_request_blocked"
        return (
            Problem("unauthorized", words) if blocked else Problem("rate-limited", words, retry_after_of(reply, 30.0))
        )
    if status == 409:
        return Problem("unavailable", words)
    if reply.ok or status >= 500:
        return Problem("in doubt" if call.writes else "unavailable", words)
    if status == 403 and more.get("block_limit"):
        return Problem("rejected", f"{words}: the free workspace is full; new rows need another plan")
    # Our paths hold ids from the settings and of rows just found, so 404 is a wrong id, or a database not shared.
    return Problem("unauthorized" if status in (401, 403, 404) else "rejected", words)


def _rows(referral: str, settings: "NotionSettings") -> Generator[Call, Reply, list[Body]]:
    """The rows with this reference, the oldest first."""
    wanted = {"property": settings.columns["referral"], "rich_text": {"equals": referral}}
    oldest_first = [{"timestamp": "created_time", "direction": "ascending"}]
    reply = yield query(settings, filter=wanted, sorts=oldest_first, page_size=10)
    pages: list[Body] = reply.json["results"]
    return pages


def _made(action: PutRow, settings: "NotionSettings") -> Talk:
    """POST /v1/pages. Raises InDoubt for a 503 that does not say which page was saved."""
    parent = {"type": "data_source_id", "data_source_id": settings.data_source}
    reply = yield Call.post(
        "/v1/pages", json={"parent": parent, "properties": row.made(action, settings)}, accepts=(503,)
    )
    if reply.ok:
        return _receipt([reply.json], created=True)
    saved = _more(reply).get("committed_resource_id")
    if not isinstance(saved, str):
        raise InDoubt(f"HTTP 503: {_explained(reply)}", status=503)
    return _receipt([{"id": saved}], created=True)


def _what_it_is_instead(settings: "NotionSettings") -> Generator[Call, Reply, str]:
    """The id in a database's address is the database's; it knows the ids of its data sources."""
    reply = yield Call.get(f"/v1/databases/{_part(settings.data_source)}", accepts=(400, 404))
    if not reply.ok:
        return "there is no such data source, or its database is not shared with the connection"
    sources = ", ".join(source["id"] for source in reply.json["data_sources"])
    return f"this is the id of a database: set OVATION_NOTION__DATA_SOURCE to that of a data source of it: {sources}"


def _wrong(properties: Body, settings: "NotionSettings") -> Iterator[str]:
    for word, column in settings.columns.items():
        by_id = (held for held in properties.values() if unquote(held["id"]) == unquote(column))
        held = properties.get(column) or next(by_id, None)
        kind = settings.status_type if word == "status" else row.TYPES[word]
        if held is None:
            yield f"no property {column!r}"
        elif held["type"] != kind:
            yield f"{column!r} is of type {held['type']}, not {kind}"
        elif word == "status":
            names = {option["name"] for option in held[kind]["options"]}
            yield from (f"no option {name!r} of {column!r}" for name in settings.stages.values() if name not in names)


def _receipt(pages: list[Body], *, created: bool) -> Receipt:
    page = pages[0]
    facts: Body = {"page": page["id"], "created": created}
    if len(pages) > 1:
        facts["rows_with_this_reference"] = len(pages)
    return Receipt(reference=page["id"], facts=facts, url=page.get("url"))


def _part(name: str | None) -> str:
    return quote(name or "", safe="")


def _more(reply: Reply) -> Body:
    more = reply.json.get("additional_data") if isinstance(reply.json, dict) else None
    return more if isinstance(more, dict) else {}


def _explained(reply: Reply) -> str:
    """Notion's code and words. What is not JSON came from the edge, before the API."""
    body: Any = reply.json if isinstance(reply.json, dict) else {}
    parts = [part for part in (body.get("code"), body.get("message")) if isinstance(part, str)]
    return ": ".join(parts)[:300] or brief(reply)
