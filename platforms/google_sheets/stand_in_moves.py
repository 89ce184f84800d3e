"""What people do to the sheet at Google's double: they type, delete, cut and sort."""

from typing import Any

from platforms.google_sheets.stand_in_books import Spreadsheet, Tab
from platforms.google_sheets.stand_in_requests import EditMove, RowMove, SortMove, read
from platforms.stand_in import Answer


def _edit(given: Any, books: Spreadsheet) -> Answer:
    try:
        asked = read(EditMove, given)
        tab, row = _place(asked.referral, books)
        tab.line(row)[tab.rows[0].index(asked.column)] = asked.value
    except ValueError as error:
        return _impossible(error)
    return Answer(200, json={"row": row})


def _delete(given: Any, books: Spreadsheet) -> Answer:
    """The row and its metadata go, what is below moves up."""
    try:
        tab, row = _place(read(RowMove, given).referral, books)
    except ValueError as error:
        return _impossible(error)
    del tab.rows[row]
    books.ties = {one: tie for one, tie in books.ties.items() if (tie.sheet, tie.row) != (0, row)}
    for tie in books.ties.values():
        tie.row -= 1 if tie.sheet == 0 and tie.row > row else 0
    return Answer(200, json={"row": row})


def _cut(given: Any, books: Spreadsheet) -> Answer:
    """The cells move to the end; the emptied row keeps its metadata."""
    try:
        tab, row = _place(read(RowMove, given).referral, books)
    except ValueError as error:
        return _impossible(error)
    tab.rows.append(tab.rows[row])
    tab.rows[row] = []
    return Answer(200, json={"row": len(tab.rows) - 1})


def _sort(given: Any, books: Spreadsheet) -> Answer:
    """Values change their rows, metadata does not."""
    try:
        asked = read(SortMove, given)
        column = books.tabs[0].rows[0].index(asked.column)
    except ValueError as error:
        return _impossible(error)
    header, *rows = books.tabs[0].rows
    ordered = sorted(rows, key=lambda row: str([*row, *[""] * 26][column]), reverse=asked.descending)
    books.tabs[0].rows = [header, *ordered]
    return Answer(200, json={"rows": len(ordered)})


def _place(referral: str, books: Spreadsheet) -> tuple[Tab, int]:
    tab = books.tabs[0]
    column = tab.rows[0].index("Ovation ref")
    return tab, [row[column] if column < len(row) else "" for row in tab.rows].index(referral)


def _impossible(error: ValueError) -> Answer:
    return Answer(404, json={"error": str(error)})


MOVES = {"edit": _edit, "delete": _delete, "cut": _cut, "sort": _sort}
