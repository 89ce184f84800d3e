"""The books of Google's double: a spreadsheet with tabs, cells and developer metadata.

A batch is applied to a copy, which replaces the books only when every request of it was taken: all or nothing. A row
that is inserted pushes metadata down; sorting moves values and leaves metadata where it was, as the worse case.
"""

import re
from typing import Any

from pydantic import BaseModel, Field

from platforms.base import Body
from platforms.google_sheets.stand_in_requests import BatchRequest, Cell, Filter, Lookup, Metadata, Range
from platforms.stand_in import Answer

MOST_CHARACTERS = 30_000
HEADER = [
    *("Ovation ref", "Submitted", "Advocate", "Referred", "Referred email", "Company"),
    *("Status", "Amount", "Currency", "Owner", "Link", "Notes", "Checked by"),
]


class Refused(Exception):
    """An error in Google's form."""

    def __init__(self, code: int, status: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.answer = Answer(code, json={"error": {"code": code, "message": message, "status": status, **more}})


class Tie(BaseModel):
    """Developer metadata of a row, by index from 0."""

    id: int
    key: str
    value: str | None
    visibility: str
    sheet: int
    row: int

    def shown(self) -> Body:
        where = {"sheetId": self.sheet, "dimension": "ROWS", "startIndex": self.row, "endIndex": self.row + 1}
        own = {"metadataId": self.id, "metadataKey": self.key, "visibility": self.visibility}
        value = {"metadataValue": self.value} if self.value else {}
        return {**own, **value, "location": {"locationType": "ROW", "dimensionRange": where}}


class Tab(BaseModel):
    """`rows` are as long as somebody wrote into them; the grid is larger."""

    title: str
    rows: list[list[Any]] = Field(default_factory=lambda: [list(HEADER)])
    columns: int = 26

    def grid(self) -> int:
        """Rows of the grid."""
        return max(1000, len(self.rows))

    def line(self, index: int) -> list[Any]:
        """A row to write into, at its full width."""
        while len(self.rows) <= index:
            self.rows.append([])
        row = self.rows[index]
        row += [""] * (self.columns - len(row))
        return row


class Spreadsheet(BaseModel):
    """The books. `tabs` by number, `ties` by metadata id."""

    title: str = "Referrals 2026"
    tabs: dict[int, Tab] = Field(default_factory=lambda: {0: Tab(title="Referrals"), 77: Tab(title="Old ones")})
    ties: dict[int, Tie] = Field(default_factory=dict)

    def apply(self, batch: BatchRequest) -> list[Body]:
        """Applies every request, or raises Refused and changes nothing."""
        draft = self.model_copy(deep=True)
        kinds = [(request.only(), request) for request in batch.requests]
        replies = [draft._one(number, kind, getattr(request, kind)) for number, (kind, request) in enumerate(kinds)]
        self.tabs, self.ties = draft.tabs, draft.ties
        return replies

    def _one(self, number: int, kind: str, asked: Any) -> Body:
        try:
            match kind:
                case "insertDimension":
                    return self._insert(asked.range)
                case "updateCells":
                    return self._update(asked.start, [row.values_ for row in asked.rows])
                case "createDeveloperMetadata":
                    return {kind: {"developerMetadata": self._tie(asked.developerMetadata).shown()}}
                case _:
                    return {kind: {"deletedDeveloperMetadata": [tie.shown() for tie in self._free(asked.dataFilter)]}}
        except ValueError as error:
            raise Refused(400, "INVALID_ARGUMENT", f"Invalid requests[{number}].{kind}: {error}") from None

    def tab(self, sheet: int) -> Tab:
        if sheet not in self.tabs:
            raise ValueError(f"No grid with id: {sheet}")
        return self.tabs[sheet]

    def _insert(self, where: Range) -> Body:
        rows = self.tab(where.sheetId).rows
        many = where.endIndex - where.startIndex
        if where.startIndex >= self.tab(where.sheetId).grid():
            raise ValueError("range.startIndex is beyond the grid")
        rows[where.startIndex : where.startIndex] = [[] for _ in range(many)]
        for tie in self.ties.values():
            if tie.sheet == where.sheetId and tie.row >= where.startIndex:
                tie.row += many
        return {}

    def _update(self, start: Any, rows: list[list[Cell]]) -> Body:
        tab = self.tab(start.sheetId)
        for down, cells in enumerate(rows):
            if start.columnIndex + len(cells) > tab.columns:
                raise ValueError(f"Attempting to write column: {tab.columns}, beyond the last requested column")
            line = tab.line(start.rowIndex + down)
            for right, cell in enumerate(cells):
                line[start.columnIndex + right] = cell.value()
        return {}

    def _tie(self, asked: Metadata) -> Tie:
        where = asked.location.dimensionRange
        if asked.metadataId in self.ties:
            raise ValueError(f"developerMetadata with id {asked.metadataId} already exists")
        if where.endIndex != where.startIndex + 1 or where.startIndex >= self.tab(where.sheetId).grid():
            raise ValueError("location must be a single row of the grid")
        used = sum(len(t.key) + len(t.value or "") for t in self.ties.values() if t.sheet == where.sheetId)
        if used + len(asked.metadataKey) + len(asked.metadataValue or "") > MOST_CHARACTERS:
            raise ValueError("Adding the requested developer metadata would exceed the allowed storage limit")
        place = {"sheet": where.sheetId, "row": where.startIndex}
        own = {"id": asked.metadataId, "key": asked.metadataKey, "value": asked.metadataValue}
        tie = self.ties[asked.metadataId] = Tie(**own, visibility=asked.visibility, **place)
        return tie

    def _free(self, asked: Filter) -> list[Tie]:
        found = self.tied(asked.developerMetadataLookup or Lookup())
        for tie in found:
            del self.ties[tie.id]
        return found

    def tied(self, lookup: Lookup) -> list[Tie]:
        """The metadata that a look-up matches."""
        asked = {"id": lookup.metadataId, "key": lookup.metadataKey, "value": lookup.metadataValue}
        given = {name: value for name, value in asked.items() if value is not None}
        return [tie for tie in self.ties.values() if all(getattr(tie, n) == v for n, v in given.items())]

    def values(self, sheet: int, rows: slice, columns: slice, dimension: str) -> Body:
        """A range as a read shows it: nothing of the empty cells at its ends."""
        tab = self.tab(sheet)
        lines = [_trimmed(row[columns]) for row in tab.rows[rows]]
        if dimension == "COLUMNS":
            width = max((len(line) for line in lines), default=0)
            lines = [_trimmed([line[n] if n < len(line) else "" for line in lines]) for n in range(width)]
        while lines and not lines[-1]:
            lines.pop()
        first, last = rows.start or 0, rows.stop or tab.grid()
        begin, end = columns.start or 0, columns.stop or tab.columns
        name = f"{quoted(tab.title)}!{_letter(begin)}{first + 1}:{_letter(end - 1)}{last}"
        shown = {"range": name, "majorDimension": dimension}
        return {**shown, "values": lines} if lines else shown


def quoted(title: str) -> str:
    return title if re.fullmatch(r"\w+", title) else "'" + title.replace("'", "''") + "'"


def _letter(index: int) -> str:
    return chr(ord("A") + index) if index < 26 else f"{_letter(index // 26 - 1)}{_letter(index % 26)}"


def _trimmed(line: list[Any]) -> list[Any]:
    shown = [value if isinstance(value, str) else str(value) for value in line]
    while shown and shown[-1] == "":
        shown.pop()
    return shown
