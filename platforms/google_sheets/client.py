"""Google Sheets: one row for a referral, made once, found wherever people moved it, brought up to date.

The failure prevented: a second row because the first answer was lost. The row is inserted in one batch with a metadata
id of ours: ids are unique in a spreadsheet, so a second insert is refused as a whole. `sheet.py` tells the rows apart.
"""

import json
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from models.money import Money
from platforms.base import Body, Call, Problem, Reply, Talk, Token, brief
from platforms.capabilities import PutRow, Receipt, Who
from platforms.errors import Rejected, Unauthorized, Unavailable
from platforms.google_sheets import sheet

if TYPE_CHECKING:
    from platforms.google_sheets import GoogleSheetsSettings

MINUTE = 60.0
"""Seconds until the budget of a minute is filled again; no header says so."""
LONGEST = 50_000
"""Characters of a cell."""


def headers(settings: "GoogleSheetsSettings", token: Token | None) -> dict[str, str]:
    """The service account's access token in the Authorization header."""
    return {"Authorization": f"Bearer {token.value}"} if token is not None else {}


def put_row(action: PutRow, key: str, settings: "GoogleSheetsSettings") -> Talk:
    """POST …/values:batchUpdateByDataFilter of the row tied to this referral; without one POST …:batchUpdate, which
    inserts and ties it, or ties the row that holds the reference already."""
    tab = sheet.seen((yield sheet.look(action.referral, settings)), settings)
    if tab.row_of(action.referral) is None:
        made, tab = yield from _made_or_tied(action, tab, settings)
        if made is not None:
            return _receipt(made, True, settings)
    row = tab.row_of(action.referral)
    if row is None:
        raise Unavailable("the row was moved while it was looked at")
    values = _values(action, tab, settings)
    found = {"developerMetadataLookup": {"metadataId": row}}
    data = [{"dataFilter": found, "majorDimension": "ROWS", "values": [values]}]
    path = sheet.path(settings, "/values:batchUpdateByDataFilter")
    reply = yield Call.post(path, json={"valueInputOption": "RAW", "data": data})
    if not reply.json.get("responses"):
        raise Unavailable("the row was deleted while it was looked at")
    return _receipt(row, False, settings)


def _made_or_tied(
    action: PutRow, tab: sheet.Tab, settings: "GoogleSheetsSettings"
) -> Generator[Call, Reply, tuple[int | None, sheet.Tab]]:
    """The id of the row that was made; or None and the tab as it is now, where the row was there all along.

    Raises Rejected when Google refuses and no other attempt of ours is the reason."""
    tie = tab.tie_for(action.referral, settings.tab)
    if tie is None:
        raise Rejected("every metadata id of this referral is another's: the spreadsheet holds too many rows")
    index = sheet.index_in((yield sheet.look_in_column(tab, settings)), action.referral)
    requests = sheet.tie(tie, 1 if index is None else index, tie in tab.tied, settings)
    if index is None:
        requests = [*sheet.insert(_values(action, tab, settings), settings), *requests]
    reply = yield Call.post(sheet.path(settings, ":batchUpdate"), json={"requests": requests}, accepts=(400,))
    if reply.ok and index is None:
        return tie, tab
    tab = sheet.seen((yield sheet.look(action.referral, settings)), settings)
    if not reply.ok and tab.row_of(action.referral) is None:
        raise Rejected(f"HTTP 400: {_explained(reply)}")
    return None, tab


def doctor(settings: "GoogleSheetsSettings") -> Talk:
    """GET /v4/spreadsheets/{id}, then the header: whether it is shared with us, has the tab, and which columns.

    Raises Unauthorized for a tab that is not there, or one without the columns that rows are found by."""
    fields = {"fields": "properties(title,timeZone,locale),sheets.properties"}
    reply = yield Call.get(sheet.path(settings, ""), query=fields)
    tabs = {one["properties"].get("sheetId", 0): one["properties"]["title"] for one in reply.json.get("sheets", [])}
    if settings.tab not in tabs:
        raise Unauthorized(f"the spreadsheet has no tab {settings.tab}: set OVATION_GOOGLE_SHEETS__TAB to its #gid=")
    tab = sheet.seen((yield sheet.look("", settings)), settings)
    missing = [title for word, title in settings.columns.items() if word not in tab.columns]
    return Receipt(facts={"tab": tabs[settings.tab], "missing_columns": missing})


def judge(reply: Reply, call: Call) -> Problem | None:
    """By status, in Google's words; 409 is a transaction that was given up, so nothing was written."""
    status = reply.status
    if reply.ok and isinstance(reply.json, dict):
        return None
    words = f"HTTP {status}: {_explained(reply)}"
    if status == 429:
        return Problem("rate-limited", words, MINUTE)
    if status == 409:
        return Problem("unavailable", words)
    if reply.ok or status >= 500:
        return Problem("in doubt" if call.writes else "unavailable", words)
    # The only id in a path is the spreadsheet's: 404 is a wrong one, or one that is not shared with the account.
    return Problem("unauthorized" if status in (401, 403, 404) else "rejected", words)


def _values(action: PutRow, tab: sheet.Tab, settings: "GoogleSheetsSettings") -> list[Any]:
    """The row by column. None, where we know nothing or the column is not ours, leaves a cell alone."""
    cells: Body = {
        "referral": action.referral,
        "status": settings.stages.get(action.stage),
        "advocate": _named(action.advocate),
        "person": _named(action.person),
        "person_email": action.person.email,
        "company": action.person.company,
        "owner": action.owner_email,
        "link": action.link,
        "notes": action.notes[:LONGEST] or None,
        "submitted": action.submitted_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        **_worth(action.amount, tab),
    }
    values: list[Any] = [None] * (max(tab.columns.values()) + 1)
    for word, index in tab.columns.items():
        values[index] = cells.get(word)
    return values


def _worth(amount: Money | None, tab: sheet.Tab) -> Body:
    """A number with the currency beside it, or without such a column one text of both.

    The JSON number has the decimal's own digits; a double gives them back unchanged up to fifteen of them."""
    if amount is None:
        return {}
    if "currency" not in tab.columns:
        return {"amount": str(amount)}
    return {"amount": json.loads(amount.decimal_text()), "currency": amount.currency}


def _named(who: Who) -> str | None:
    return " ".join(part for part in (who.first_name, who.last_name) if part) or who.email


def _receipt(row: int, created: bool, settings: "GoogleSheetsSettings") -> Receipt:
    return Receipt(
        reference=str(row),
        facts={"row": row, "created": created},
        url=f"https://docs.google.com/spreadsheets/d/{settings.spreadsheet}/edit#gid={settings.tab}",
    )


def _explained(reply: Reply) -> str:
    """Google's own words: status, message and, where it gives one, the reason; at the sign-in a word and its text."""
    body: Any = reply.json if isinstance(reply.json, dict) else {}
    error = body.get("error")
    if isinstance(error, str):
        return f"{error}: {body.get('error_description', '')}"[:300]
    if not isinstance(error, dict):
        return brief(reply)
    details = error.get("details")
    reasons = [d.get("reason") for d in details if isinstance(d, dict)] if isinstance(details, list) else []
    parts = [error.get("status"), *reasons, error.get("message")]
    return ": ".join(part for part in parts if isinstance(part, str))[:300]
