"""A tab as we read it: which column is which, and which row is a referral's, whatever people did to either.

The failure prevented: a value written into somebody else's row. A row is tied to a metadata id that is made of our id
of the referral; but sorting moves values and may leave the tie behind, and people copy and cut. So a tie is believed
only if the row says the same in its reference column, and the column is the last word.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from platforms.base import Body, Call, Reply
from platforms.errors import Unauthorized

if TYPE_CHECKING:
    from platforms.google_sheets import GoogleSheetsSettings

KEY = "o"
"""The key of our metadata, without a value: a sheet holds 30,000 characters of keys and values, and so as many rows."""
CANDIDATES = 3
_IDS = 2**31 - 1 - CANDIDATES


@dataclass(frozen=True, slots=True)
class Tab:
    """`columns`: our word → index. `tied`: metadata id → what its row says in the reference column."""

    columns: Mapping[str, int]
    tied: Mapping[int, str]

    def row_of(self, referral: str) -> int | None:
        """The metadata id of this referral's row."""
        return next((one for one, said in self.tied.items() if said == referral), None)

    def tie_for(self, referral: str, tab: int) -> int | None:
        """An id to tie the row to: the first that is not another referral's by right. None when all three are."""
        ids = metadata_ids(referral, tab)
        return next((one for one in ids if one not in metadata_ids(self.tied.get(one, ""), tab)), None)


def metadata_ids(referral: str, tab: int) -> list[int]:
    """The ids that this referral's row may have. The tab is part of them, so that a new tab begins anew."""
    if not referral:
        return []
    digest = hashlib.sha256(f"{tab}\x1f{referral}".encode()).digest()
    first = int.from_bytes(digest[:8]) % _IDS + 1
    return [first + more for more in range(CANDIDATES)]


def path(settings: "GoogleSheetsSettings", rest: str) -> str:
    return f"/v4/spreadsheets/{settings.spreadsheet}{rest}"


def look(referral: str, settings: "GoogleSheetsSettings") -> Call:
    """POST …/values:batchGetByDataFilter: the header, and the rows that are tied to ids of this referral, in one read.
    A filter that matches nothing is left out of the answer."""
    header = {"gridRange": {"sheetId": settings.tab, "startRowIndex": 0, "endRowIndex": 1}}
    ties = [{"developerMetadataLookup": {"metadataId": one}} for one in metadata_ids(referral, settings.tab)]
    return _read([header, *ties], "ROWS", settings)


def seen(reply: Reply, settings: "GoogleSheetsSettings") -> Tab:
    """The tab, from the answer to `look`. Raises Unauthorized when the header lacks what rows are found by."""
    ranges = reply.json.get("valueRanges", [])
    header = next((_line(one) for one in ranges if any("gridRange" in filter for filter in one["dataFilters"])), [])
    titles = {str(title).strip().casefold(): index for index, title in reversed(list(enumerate(header)))}
    columns: dict[str, int] = {
        word: titles[t] for word, title in settings.columns.items() if (t := title.casefold()) in titles
    }
    if missing := [settings.columns[word] for word in ("referral", "status") if word not in columns]:
        raise Unauthorized(f"the first row of tab {settings.tab} has no column {' and '.join(map(repr, missing))}")
    return Tab(columns, {one: _said(_line(r), columns["referral"]) for r in ranges for one in _ids_of(r)})


def look_in_column(tab: Tab, settings: "GoogleSheetsSettings") -> Call:
    """POST …/values:batchGetByDataFilter: the whole reference column, the header with it."""
    column = tab.columns["referral"]
    where = {"sheetId": settings.tab, "startColumnIndex": column, "endColumnIndex": column + 1}
    return _read([{"gridRange": where}], "COLUMNS", settings)


def index_in(reply: Reply, referral: str) -> int | None:
    """The index of the row with this reference, from the answer to `look_in_column`."""
    ranges = reply.json.get("valueRanges", [])
    said = [str(value).strip() for value in (_line(ranges[0]) if ranges else [])]
    return said.index(referral) if referral in said[1:] else None


def tie(one: int, index: int, stale: bool, settings: "GoogleSheetsSettings") -> list[Body]:
    """Requests that tie a row to an id; first freed, where it was left behind at a row of nobody's."""
    where = {"dimensionRange": _row(index, settings)}
    made = {"metadataId": one, "metadataKey": KEY, "visibility": "DOCUMENT", "location": where}
    lookup = {"dataFilter": {"developerMetadataLookup": {"metadataId": one}}}
    freed: list[Body] = [{"deleteDeveloperMetadata": lookup}] if stale else []
    return [*freed, {"createDeveloperMetadata": {"developerMetadata": made}}]


def insert(values: Sequence[Any], settings: "GoogleSheetsSettings") -> list[Body]:
    """Requests for a new row under the header: there its place is known, so that a tie can go into the same batch."""
    start = {"sheetId": settings.tab, "rowIndex": 1, "columnIndex": 0}
    cells = [{"userEnteredValue": _entered(value)} if value is not None else {} for value in values]
    rows = {"start": start, "rows": [{"values": cells}], "fields": "userEnteredValue"}
    return [
        {"insertDimension": {"range": _row(1, settings), "inheritFromBefore": False}},
        {"updateCells": rows},
    ]


def _entered(value: Any) -> Body:
    """A text is never read as a formula, whatever it begins with."""
    return {"stringValue": value} if isinstance(value, str) else {"numberValue": value}


def _row(index: int, settings: "GoogleSheetsSettings") -> Body:
    return {"sheetId": settings.tab, "dimension": "ROWS", "startIndex": index, "endIndex": index + 1}


def _read(filters: list[Body], dimension: str, settings: "GoogleSheetsSettings") -> Call:
    body = {"dataFilters": filters, "majorDimension": dimension}
    return Call.post(path(settings, "/values:batchGetByDataFilter"), json=body, writes=False)


def _line(matched: Body) -> list[Any]:
    """The first row or column of a range; trailing empty cells are left out of it, and all of it when it is empty."""
    values = matched["valueRange"].get("values", [])
    return list(values[0]) if values else []


def _said(line: list[Any], column: int) -> str:
    return str(line[column]).strip() if column < len(line) else ""


def _ids_of(matched: Body) -> list[int]:
    lookups = (filter.get("developerMetadataLookup", {}) for filter in matched["dataFilters"])
    return [lookup["metadataId"] for lookup in lookups if "metadataId" in lookup]
