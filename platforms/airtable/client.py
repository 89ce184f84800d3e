"""Airtable's Web API: one row for a referral, made if absent, else brought up to date.

The failure prevented: a second row for one referral because the first answer was lost, and cells that people filled
emptied by us. The upsert finds the row by our id of the referral, and leaves alone every cell that it does not name.
"""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from models.money import Money
from platforms.base import Body, Call, Problem, Reply, Talk, Token, brief, reveal
from platforms.capabilities import PutRow, Receipt, Who
from platforms.errors import Unauthorized

if TYPE_CHECKING:
    from platforms.airtable import AirtableSettings

COOL_DOWN = 31.0
"""Seconds: after the first refusal every request is refused for thirty more, and no header says so."""
SPENT = "PUBLIC_API_BILLING_LIMIT_EXCEEDED"

_COMPUTED = frozenset(
    {
        *("formula", "rollup", "count", "multipleLookupValues", "autoNumber", "button", "aiText"),
        *("createdTime", "createdBy", "lastModifiedTime", "lastModifiedBy", "externalSyncSource"),
    }
)
_CHOICES = frozenset({"singleSelect", "multipleSelects"})


def headers(settings: "AirtableSettings", token: Token | None) -> dict[str, str]:
    """A personal access token in the Authorization header."""
    return {"Authorization": f"Bearer {reveal(settings.token)}"}


def put_row(action: PutRow, key: str, settings: "AirtableSettings") -> Talk:
    """PATCH /v0/{base}/{table} with `performUpsert`: no match makes a row, one is updated, several are refused. Never
    PUT, which empties every cell it does not name; no `typecast`, which would make up options of the status."""
    body = {
        "performUpsert": {"fieldsToMergeOn": [settings.columns["referral"]]},
        "returnFieldsByFieldId": True,
        "records": [{"fields": cells(action, settings)}],
    }
    reply = yield Call.patch(f"/v0/{_part(settings.base)}/{_part(settings.table)}", json=body)
    record = reply.json["records"][0]["id"]
    return Receipt(
        reference=record,
        facts={"record": record, "created": record in reply.json.get("createdRecords", [])},
        url=f"https://airtable.com/{settings.base}/{settings.table}/{record}",
    )


def cells(action: PutRow, settings: "AirtableSettings") -> Body:
    """The row by column. What is not known is left out, so that what people know better stays."""
    values: Body = {
        "referral": action.referral,
        "status": settings.stages.get(action.stage),
        "advocate": _named(action.advocate),
        "person": _named(action.person),
        "person_email": action.person.email,
        "company": action.person.company,
        "owner": action.owner_email,
        "link": action.link,
        "notes": action.notes or None,
        "submitted": action.submitted_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        **_worth(action.amount, settings),
    }
    columns = settings.columns.items()
    return {column: values[word] for word, column in columns if values.get(word) is not None}


def doctor(settings: "AirtableSettings") -> Talk:
    """GET /v0/meta/whoami, then the tables of the base: the token, its scopes, every column and option that we write.

    Raises Unauthorized naming what is missing."""
    yield Call.get("/v0/meta/whoami")
    reply = yield tables(settings)
    table = table_of(reply, settings)
    if wrong := list(_wrong(table, settings)):
        raise Unauthorized(f"the table {table['name']!r} does not fit: {'; '.join(wrong)}")
    return Receipt(facts={"base": settings.base, "table": table["id"], "columns": len(settings.columns)})


def tables(settings: "AirtableSettings") -> Call:
    """GET /v0/meta/bases/{base}/tables."""
    return Call.get(f"/v0/meta/bases/{_part(settings.base)}/tables")


def table_of(reply: Reply, settings: "AirtableSettings") -> Body:
    """Our table among those of the base. Raises Unauthorized when it is not there."""
    found = (table for table in reply.json["tables"] if settings.table in (table["id"], table["name"]))
    table: Body | None = next(found, None)
    if table is None:
        raise Unauthorized(f"the base has no table {settings.table!r}: set OVATION_AIRTABLE__TABLE to its id (tbl…)")
    return table


def field_of(table: Body, column: str) -> Body | None:
    """The field of this id or name."""
    return next((field for field in table["fields"] if column in (field["id"], field["name"])), None)


def judge(reply: Reply, call: Call) -> Problem | None:
    """By status; 502 and 503 are documented as safe to repeat. A month's calls that are spent come as 429 too, and no
    waiting mends them."""
    status = reply.status
    if reply.ok and isinstance(reply.json, dict):
        return None
    words = f"HTTP {status}: {_explained(reply)}"
    if status == 429 and SPENT in reply.text:
        return Problem("unauthorized", f"{words}: the workspace has used up its calls of this month")
    if status == 429:
        return Problem("rate-limited", words, COOL_DOWN)
    if status in (502, 503):
        return Problem("unavailable", words)
    if reply.ok or status >= 500:
        return Problem("in doubt" if call.writes else "unavailable", words)
    # Our paths hold nothing but ids from the settings, so 404 is a wrong setting, or a token that may not see it.
    return Problem("unauthorized" if status in (401, 403, 404) else "rejected", words)


def _part(name: str | None) -> str:
    return quote(name or "", safe="")


def _named(who: Who) -> str | None:
    return " ".join(part for part in (who.first_name, who.last_name) if part) or who.email


def _worth(amount: Money | None, settings: "AirtableSettings") -> Body:
    """Amount and currency go together: without a column for the currency, only amounts in the usual one are written.

    The JSON number has the decimal's own digits; a double gives them back unchanged up to fifteen of them."""
    if amount is None or (amount.currency != settings.currency and "currency" not in settings.columns):
        return {}
    return {"amount": json.loads(amount.decimal_text()), "currency": amount.currency}


def _wrong(table: Body, settings: "AirtableSettings") -> Iterator[str]:
    for word, column in settings.columns.items():
        field = field_of(table, column)
        if field is None:
            yield f"no column {column!r}"
        elif field["type"] in _COMPUTED:
            yield f"the column {column!r} is computed"
        elif word == "status" and field["type"] in _CHOICES:
            names = {choice["name"] for choice in field["options"]["choices"]}
            yield from (
                f"no option {option!r} of {column!r}" for option in settings.stages.values() if option not in names
            )


def _explained(reply: Reply) -> str:
    """Airtable's own words. An error is an object, a bare word (`NOT_FOUND`), or the first of a list of `errors`."""
    body: Any = reply.json if isinstance(reply.json, dict) else {}
    errors = body.get("errors")
    error = body.get("error") or (errors[0] if isinstance(errors, list) and errors else None)
    if isinstance(error, str):
        return error[:300]
    if not isinstance(error, dict):
        return brief(reply)
    parts = (error.get("type") or error.get("error"), error.get("message"))
    return ": ".join(part for part in parts if isinstance(part, str))[:300]
