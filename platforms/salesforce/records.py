"""Records of an org: queried, upserted by our reference, changed only where they differ.

The failure prevented: a person or referral made twice, and a flow of the customer's that runs again because we wrote
what stood there already. Custom names get the package's namespace here and lose it here; no other module knows of it.
"""

import json
import re
from collections.abc import Generator, Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from models.money import Money
from platforms.base import Body, Call, Reply
from platforms.errors import InDoubt, Rejected, Unavailable
from platforms.salesforce.problem import errors, refuse

if TYPE_CHECKING:
    from platforms.salesforce import SalesforceSettings

REF = "Ovation_Ref__c"
"""Our id of a contact, list or referral: an external id, unique, on each object that we make records of."""

NO_ASSIGNMENT = {"Sforce-Auto-Assign": "FALSE"}
"""Assignment rules run on every write otherwise, and would take a record from its owner."""

_CUSTOM = re.compile(r"\b(\w+?__[cr])\b")
_LITERAL = re.compile(r"('(?:[^'\\]|\\.)*')")
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


class Twins(Rejected):
    """A duplicate rule of the org's held a record back: `matches` are (object, id) of those that look like it."""

    def __init__(self, matches: list[tuple[str, str]], words: str) -> None:
        super().__init__(f"a duplicate rule of Salesforce's: {words}", status=400)
        self.matches = matches

    def only(self, kind: str) -> str:
        """The one match. Raises Rejected where it is of another kind or there are several."""
        if len(self.matches) != 1 or self.matches[0][0] != kind:
            there = ", ".join(f"{kind} {number}" for kind, number in self.matches) or "none that we may see"
            raise Rejected(f"a duplicate rule holds the new {kind} back; it matches: {there}")
        return self.matches[0][1]


def path(rest: str, settings: "SalesforceSettings") -> str:
    """A path of the REST API."""
    return f"/services/data/v{settings.api_version}{rest}"


def link(number: str, settings: "SalesforceSettings") -> str:
    """Where a colleague sees the record."""
    return f"{settings.base_url.rstrip('/')}/{number}"


def literal(text: str) -> str:
    """A text inside a query: nothing in it ends the quotation."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def whole_id(number: str) -> str | None:
    """A record's id in 18 characters; None for what is none. The last three say which of the others are capitals."""
    if not _ID.fullmatch(number):
        return None
    groups = (number[start : start + 5] for start in (0, 5, 10))
    return number[:15] + "".join(_CHECK[sum(one.isupper() << at for at, one in enumerate(five))] for five in groups)


def equals(field: str, value: str) -> str:
    """A condition. Salesforce ignores case here, except for a unique field that was made to heed it."""
    return f"{field} = {literal(value)}"


def soql(fields: Iterable[str], kind: str, where: str, *, order: str = "", limit: int = 1) -> str:
    """A query in Salesforce's language; nothing comes into `where` but by `literal`."""
    parts = ["SELECT", ", ".join(fields), "FROM", kind, "WHERE", where]
    parts += ["ORDER BY", order] if order else []
    return " ".join([*parts, "LIMIT", str(limit)])


def select(
    query: str, settings: "SalesforceSettings", *, deleted_too: bool = False
) -> Generator[Call, Reply, list[Body]]:
    """GET …/query, which sees what was written a moment ago; a bounded query is answered in one page."""
    where = path("/queryAll" if deleted_too else "/query", settings)
    reply = yield Call.get(where, query={"q": namespaced(query, settings)})
    return found_in(reply, settings)


def first(
    fields: Iterable[str], kind: str, where: str, settings: "SalesforceSettings", *, order: str = ""
) -> Generator[Call, Reply, Body | None]:
    """The first record for which this holds, or None."""
    found = yield from select(soql(fields, kind, where, order=order), settings)
    return found[0] if found else None


def found_in(reply: Reply, settings: "SalesforceSettings") -> list[Body]:
    """The records of an answer. Raises Unavailable where it holds none and does not say so."""
    records = reply.json.get("records")
    if not isinstance(records, list):
        raise Unavailable("Salesforce's answer to a query holds no records")
    return [plain(record, settings) for record in records]


def upsert(
    kind: str, ref: str, values: Body, settings: "SalesforceSettings", headers: Mapping[str, str] | None = None
) -> Generator[Call, Reply, str]:
    """PATCH …/sobjects/{kind}/Ovation_Ref__c/{ref}: made, or brought to these values; gives the record's id.

    Raises Twins where a duplicate rule forbids it, Unavailable where another worker makes it at this moment."""
    where = f"/sobjects/{named(kind, settings)}/{named(REF, settings)}/{quote(ref, safe='')}"
    body = {named(name, settings): value for name, value in values.items()}
    reply = yield Call.patch(path(where, settings), json=body, headers=headers or {}, accepts=(300, 400))
    if reply.ok:
        if reply.json is None or "id" not in reply.json:
            raise InDoubt(f"Salesforce did not say which {kind} it made")
        return str(reply.json["id"])
    if reply.status == 300:
        raise Rejected(f"several {kind} records have the same {REF}: mark that field as unique", status=300)
    for error in errors(reply):
        if error.get("errorCode") == "DUPLICATES_DETECTED":
            raise Twins(_matches(error), str(error.get("message")))
        if error.get("errorCode") == "DUPLICATE_VALUE" and REF in str(error.get("message")):
            raise Unavailable(f"another worker is making this {kind}")
    refuse(reply)


def create(kind: str, values: Body, settings: "SalesforceSettings") -> Generator[Call, Reply, str]:
    """POST …/sobjects/{kind}; gives the record's id."""
    body = {named(name, settings): value for name, value in values.items()}
    reply = yield Call.post(path(f"/sobjects/{named(kind, settings)}", settings), json=body)
    if "id" not in reply.json:
        raise InDoubt(f"Salesforce did not say which {kind} it made")
    return str(reply.json["id"])


def change(kind: str, there: Body, wanted: Body, settings: "SalesforceSettings") -> Generator[Call, Reply, bool]:
    """PATCH …/sobjects/{kind}/{id} of the values that are not there yet; nothing is sent when all of them are."""
    new = {named(name, settings): value for name, value in wanted.items() if not _same(there.get(name), value)}
    if new:
        where = path(f"/sobjects/{named(kind, settings)}/{there['Id']}", settings)
        yield Call.patch(where, json=new, headers=NO_ASSIGNMENT)
    return bool(new)


def number(money: Money) -> Any:
    """A JSON number with exactly these digits: Salesforce does not take every number in quotation marks."""
    return json.loads(money.decimal_text())


def named(name: str, settings: "SalesforceSettings") -> str:
    """A name as the org has it: the namespace stands before custom ones."""
    custom = settings.namespace and name.endswith(("__c", "__r"))
    return f"{settings.namespace}__{name}" if custom else name


def namespaced(query: str, settings: "SalesforceSettings") -> str:
    """The query with the namespace before custom names; what is quoted stays as it is."""
    parts = _LITERAL.split(query)
    return "".join(
        part if at % 2 else _CUSTOM.sub(lambda one: named(one[1], settings), part) for at, part in enumerate(parts)
    )


def plain(record: Body, settings: "SalesforceSettings") -> Body:
    """A record with its names as we write them."""
    prefix = f"{settings.namespace}__" if settings.namespace else ""
    return {
        name.removeprefix(prefix): plain(value, settings) if isinstance(value, dict) else value
        for name, value in record.items()
        if name != "attributes"
    }


def _same(there: Any, wanted: Any) -> bool:
    """Salesforce ends lines its own way, trims a text, and makes an empty one null."""
    if isinstance(wanted, str):
        return " ".join(str(there or "").split()) == " ".join(wanted.split())
    return bool(there == wanted)


def _matches(error: Body) -> list[tuple[str, str]]:
    result = error.get("duplicateResult") or {}
    found = [match["record"] for group in result.get("matchResults", []) for match in group.get("matchRecords", [])]
    return [(str(one.get("attributes", {}).get("type")), str(one["Id"])) for one in found]
