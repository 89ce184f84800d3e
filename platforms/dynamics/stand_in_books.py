"""The record that Dynamics' double keeps: rows of tables, and the rules that hold for them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from pydantic import BaseModel, Field

from platforms.base import Body
from platforms.dynamics.stand_in_tables import BINDS, RELATIONS, TABLES

ORG_ID = "4ef5b371-e89e-e711-8122-000d3aa2331c"
ROBOT = "75c2dd85-e89e-e711-8122-000d3aa2331c"
_IDS = UUID("0f3c8b1e-7a52-5c44-8a1b-5b9d3c2e4f60")


class Refused(Exception):
    """An error in Dataverse's form."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"code": code, "message": message}}


class Environment(BaseModel):
    """The books: table → id → row."""

    rows: dict[str, dict[str, Body]] = Field(default_factory=dict)
    made: int = 0
    version: int = 1_000_000

    def model_post_init(self, _: Any) -> None:
        if self.rows:
            return
        self.rows.update({table: {} for table in TABLES})
        self.add("systemusers", {"internalemailaddress": "ovation@acme.example"}, ROBOT)
        self.add("systemusers", {"internalemailaddress": "csm@acme.example"})
        self.add("transactioncurrencies", {"isocurrencycode": "USD"})
        update = self.add("sdkmessages", {"name": "Update"})["sdkmessageid"]
        for watched in ("contact", "lead", "opportunity", "task", "new_ovationreferral"):
            self.add("sdkmessagefilters", {"primaryobjecttypecode": watched, "_sdkmessageid_value": update})

    def add(self, table: str, values: Body, row: str | None = None) -> Body:
        """A new row, already checked."""
        self.made += 1
        id_column, columns = TABLES[table]
        empty = {name: False if column.of == "boolean" else None for name, column in columns.items()}
        owner = {"_ownerid_value": ROBOT} if "_ownerid_value" in columns else {}
        first = {"statecode": 0, "statuscode": 1, "createdon": now()}
        made: Body = {**empty, **owner, **first, **values, id_column: row or str(uuid5(_IDS, str(self.made)))}
        self.rows[table][made[id_column]] = made
        self.touch(made)
        return made

    def change(self, row: Body, values: Body) -> None:
        """Sets columns, already checked; the others stay."""
        row.update(values)
        self.touch(row)

    def touch(self, row: Body) -> None:
        self.version += 1
        row["versionnumber"] = self.version
        row["modifiedon"] = now()

    def find(self, table: str, column: str, value: Any) -> list[Body]:
        """Rows with this value; a text in any case."""
        wanted = value.lower() if isinstance(value, str) else value
        there = self.rows[table].values()
        return [
            one for one in there if (one[column].lower() if isinstance(one[column], str) else one[column]) == wanted
        ]

    def value(self, row: Body, name: str) -> Any:
        """A column's value, also of a related row."""
        relation, slash, column = name.partition("/")
        if not slash:
            return row[name]
        number = row.get(RELATIONS[relation])
        other = next((book[number] for book in self.rows.values() if number in book), None)
        return None if other is None else other.get(column)

    def read(self, table: str, given: Any) -> Body:
        """A body's columns, lookups resolved. Raises Refused for what Dataverse would not take."""
        if not isinstance(given, dict):
            raise Refused(400, "0x80048d19", "Error identified in Payload provided by the user for Entity")
        return dict(self._column(table, name, value) for name, value in given.items())

    def _column(self, table: str, name: str, value: Any) -> tuple[str, Any]:
        columns = TABLES[table][1]
        if name.endswith("@odata.bind"):
            return self._bound(table, name, value)
        column = columns.get(name)
        if column is None or not column.written or column.of == "lookup":
            words = f"Invalid property '{name}' was found in entity 'Microsoft.Dynamics.CRM.{table}'. "
            raise Refused(400, "0x80048d19", f"{words}Could not find a property named '{name}'")
        if value is not None and not _reads(column.of, value):
            raise Refused(400, "0x80048d19", f"Cannot convert the literal '{value}' to the expected type of {name}")
        if isinstance(value, str) and len(value) > column.size:
            words = f"A validation error occurred. The length of the '{name}' attribute of the row exceeded the maximum"
            raise Refused(400, "0x80044331", words)
        if column.options and value is not None and value not in column.options:
            raise Refused(400, "0x80048408", f"A validation error occurred. The value {value} of '{name}' is outside")
        return name, value

    def _bound(self, table: str, name: str, value: Any) -> tuple[str, Any]:
        lookup = BINDS.get(name.removesuffix("@odata.bind"), "")
        column = TABLES[table][1].get(lookup)
        if column is None:
            raise Refused(400, "0x80048d19", f"An undeclared property '{name}' which only has annotations was found")
        rows, _, rest = str(value).removeprefix("/").partition("(")
        if rows != column.to or rest.rstrip(")") not in self.rows[rows]:
            raise Refused(404, "0x80040217", f"{rows} With Id = {rest.rstrip(')')} Does Not Exist")
        return lookup, rest.rstrip(")")


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _reads(of: str, value: Any) -> bool:
    """Whether a JSON value is one of a column of this kind."""
    match of:
        case "boolean":
            return isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "choice":
            return isinstance(value, int) and not isinstance(value, bool)
        case "time":
            return isinstance(value, str) and value.endswith("Z") and "T" in value
        case "email":
            return isinstance(value, str) and "@" in value
        case _:
            return isinstance(value, str)
