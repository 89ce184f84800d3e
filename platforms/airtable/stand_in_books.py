"""The books of Airtable's double: one table with its rows, and the webhooks that watch it.

Cells are checked as Airtable checks them without `typecast`: a column must exist and take this kind of value, a choice
must be one of its options. Every change is recorded for each webhook that watches it, with a transaction's number.
"""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from pydantic import BaseModel, Field

from platforms.base import Body
from platforms.stand_in import Answer

BASE, TABLE = "appOvation0000001", "tblReferrals00000"
STATUS = "fldStatus00000000"
WORDS = ("Submitted", "Accepted", "Qualified", "Won", "Lost", "Disqualified", "On hold")
LIFE = timedelta(days=7)


class Column(NamedTuple):
    name: str
    type: str


COLUMNS = {
    "fldRef0000000000": Column("Ovation ref", "singleLineText"),
    STATUS: Column("Status", "singleSelect"),
    "fldAdvocate000000": Column("Advocate", "singleLineText"),
    "fldReferred000000": Column("Referred", "singleLineText"),
    "fldEmail000000000": Column("Referred email", "email"),
    "fldCompany0000000": Column("Company", "singleLineText"),
    "fldAmount00000000": Column("Amount", "number"),
    "fldCurrency000000": Column("Currency", "singleLineText"),
    "fldOwner000000000": Column("Owner", "singleLineText"),
    "fldLink0000000000": Column("Link", "url"),
    "fldNotes000000000": Column("Notes", "multilineText"),
    "fldSubmitted00000": Column("Submitted", "dateTime"),
    "fldChanged0000000": Column("Changed", "lastModifiedTime"),
}


class Refused(Exception):
    """An error in Airtable's form; without a message it is a bare word."""

    def __init__(self, status: int, kind: str, message: str | None = None) -> None:
        super().__init__(message or kind)
        self.answer = Answer(status, json={"error": {"type": kind, "message": message} if message else kind})


class Row(BaseModel):
    """`cells` by field id; an empty cell is absent, as in Airtable's answers."""

    id: str
    created: str
    cells: Body = Field(default_factory=dict)


class Hook(BaseModel):
    """A webhook. `payloads` are all it recorded, the first has the cursor 1."""

    id: str
    url: str
    specification: Body
    expires: datetime
    enabled: bool = True
    notifies: bool = True
    payloads: list[Body] = Field(default_factory=list)

    def shown(self) -> Body:
        """As the list shows it, without the secret."""
        state = {"isHookEnabled": self.enabled, "areNotificationsEnabled": self.notifies}
        result = {"lastNotificationResult": None, "lastSuccessfulNotificationTime": None}
        lag = {"cursorForNextPayload": len(self.payloads) + 1, "expirationTime": iso(self.expires)}
        own = {"id": self.id, "notificationUrl": self.url, "specification": self.specification}
        return {**own, **state, **result, **lag}

    def hears(self, change: "Change") -> bool:
        """Whether its filters let this change through."""
        filters = self.specification["options"]["filters"]
        sources, watched = filters.get("fromSources"), filters.get("watchDataInFieldIds")
        kind = "add" if change.before is None else "update"
        return (
            self.enabled
            and filters.get("recordChangeScope") in (None, TABLE)
            and kind in filters.get("changeTypes", ["add", "update"])
            and (sources is None or change.source in sources)
            and (watched is None or kind == "add" or bool(set(watched) & change.changed))
        )


class Change(NamedTuple):
    """A row before and after; `before` None for a new one. `source` is who: `client`, `publicApi`."""

    row: Row
    before: Body | None
    source: str

    @property
    def changed(self) -> set[str]:
        before = self.before or {}
        return {field for field in COLUMNS if before.get(field) != self.row.cells.get(field)}


class Base(BaseModel):
    """The books."""

    rows: dict[str, Row] = Field(default_factory=dict)
    hooks: dict[str, Hook] = Field(default_factory=dict)
    transactions: int = 0

    def with_cells(self, cells: Body) -> list[Row]:
        """The rows that have all these cells."""
        return [row for row in self.rows.values() if cells.items() <= row.cells.items()]

    def put(self, row: Row, cells: Body, source: str) -> list[Hook]:
        """Sets cells, null empties one; the others stay. Gives the webhooks that are to be pinged."""
        before = dict(row.cells) if row.id in self.rows else None
        row.cells = {field: value for field, value in {**row.cells, **cells}.items() if value not in (None, "")}
        self.rows[row.id] = row
        self.transactions += 1
        change = Change(row, before, source)
        heard = [hook for hook in self.hooks.values() if change.changed and hook.hears(change)]
        for hook in heard:
            hook.payloads.append(_payload(change, hook, self.transactions))
        return [hook for hook in heard if hook.notifies]

    def new_row(self) -> Row:
        return Row(id=f"rec{secrets.token_hex(7)}", created=iso(datetime.now(UTC)))


def field_id(name: str) -> str:
    """A field by id or name. Raises Refused for one that is not there, or that is computed."""
    found = next((one for one, column in COLUMNS.items() if name in (one, column.name)), None)
    if found is None:
        raise Refused(422, "UNKNOWN_FIELD_NAME", f'Unknown field name: "{name}"')
    if COLUMNS[found].type == "lastModifiedTime":
        raise Refused(422, "INVALID_VALUE_FOR_COLUMN", f'Field "{name}" cannot accept a value because it is computed')
    return found


def checked(field: str, value: Any) -> Any:
    """The value, if the column takes it. Raises Refused as Airtable does without `typecast`."""
    name, kind = COLUMNS[field]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is not None and (not number if kind == "number" else not isinstance(value, str)):
        raise Refused(422, "INVALID_VALUE_FOR_COLUMN", f'Field "{name}" cannot accept the provided value')
    if kind == "singleSelect" and value is not None and value not in WORDS:
        words = f'Insufficient permissions to create new select option ""{value}""'
        raise Refused(422, "INVALID_MULTIPLE_CHOICE_OPTIONS", words)
    if kind == "dateTime" and value is not None:
        _moment(name, value)
    return value


def _moment(name: str, value: str) -> None:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise Refused(422, "INVALID_VALUE_FOR_COLUMN", f'Cannot parse date value "{value}" for field {name}') from None


def _payload(change: Change, hook: Hook, number: int) -> Body:
    """What a webhook records: cells by field id, a select as an object."""
    included = hook.specification["options"].get("includes", {}).get("includeCellValuesInFieldIds", [])
    changed, before = change.changed, change.before or {}
    parts = {
        "current": _shown(change.row.cells, changed),
        "previous": _shown(before, changed),
        "unchanged": _shown(change.row.cells, set(included) - changed),
    }
    cells = {part: {"cellValuesByFieldId": values} for part, values in parts.items() if values}
    whole = {"createdTime": change.row.created, "cellValuesByFieldId": _shown(change.row.cells, set(COLUMNS))}
    changes = (
        {"createdRecordsById": {change.row.id: whole}}
        if change.before is None
        else {"changedRecordsById": {change.row.id: cells}}
    )
    return {
        "timestamp": iso(datetime.now(UTC)),
        "baseTransactionNumber": number,
        "payloadFormat": "v0",
        "actionMetadata": {"source": change.source, "sourceMetadata": {"user": {"id": "usr00000000000000"}}},
        "changedTablesById": {TABLE: changes},
    }


def _shown(cells: Body, fields: set[str]) -> Body:
    chosen = {field: value for field, value in cells.items() if field in fields}
    return {field: _choice(value) if field == STATUS else value for field, value in chosen.items()}


def _choice(name: str) -> Body:
    return {"id": f"sel{name.replace(' ', ''):0<14}", "name": name, "color": "greenLight2"}


def iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
