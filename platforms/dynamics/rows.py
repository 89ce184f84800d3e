"""Rows of an environment: queried, made under an id of our own making, changed only where they differ.

The failure prevented: a row made twice because an answer was lost, and a plug-in of the customer's that runs again
because we wrote what stood there already. An id made from ours needs no column, no key and no customization.
"""

import json
from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from models.money import Money
from platforms.base import Body, Call, Reply
from platforms.dynamics.problem import DUPLICATE, code, lacks_something, said
from platforms.errors import Rejected, Unauthorized, Unavailable

if TYPE_CHECKING:
    from platforms.dynamics import DynamicsSettings

_SPACE = UUID("6f0b8a52-3c64-5d0e-9a43-1f6a0c2be7d1")
"""The name space of our ids. To change it is to make everything once more."""

FRESH = {"If-None-Match": "null"}
"""A read that no cache between us and the environment answers."""


def own_id(kind: str, name: str) -> str:
    """The id of the row that is made for this name: always the same."""
    return str(uuid5(_SPACE, f"{kind}:{name}"))


def own(name: str, settings: "DynamicsSettings") -> str:
    """A column or table of ours, as the publisher's prefix has it."""
    return f"{settings.prefix}_{name}"


def path(rest: str, settings: "DynamicsSettings") -> str:
    """A whole address: sign-in has another host."""
    return f"{settings.environment_url.rstrip('/')}/api/data/{settings.api_version}{rest}"


def link(table: str, row: str, settings: "DynamicsSettings") -> str:
    """Where a colleague sees the row."""
    return f"{settings.environment_url.rstrip('/')}/main.aspx?pagetype=entityrecord&etn={table}&id={row}"


def literal(text: str) -> str:
    """A text inside a filter: a quotation mark is doubled."""
    return "'" + text.replace("'", "''") + "'"


def guid(text: str) -> str | None:
    """An id in lower case; None for what is none."""
    try:
        return str(UUID(text))
    except ValueError:
        return None


def query(
    rows: str,
    select: Iterable[str],
    where: str,
    settings: "DynamicsSettings",
    *,
    expand: str = "",
    order: str = "",
    top: int = 1,
) -> Generator[Call, Reply, list[Body]]:
    """GET /{rows}?$filter=…, at most `top` of them."""
    asked = {"$select": ",".join(select), "$filter": where, "$top": str(top)}
    asked |= {"$expand": expand} if expand else {}
    asked |= {"$orderby": order} if order else {}
    reply = yield Call("GET", path(f"/{rows}", settings), query=asked, headers=FRESH, writes=False)
    return found_in(reply)


def found_in(reply: Reply) -> list[Body]:
    """The rows of an answer. Raises Unavailable where it holds none and does not say so."""
    found = reply.json.get("value")
    if not isinstance(found, list):
        raise Unavailable("Dataverse's answer to a query holds no value")
    return found


def one(
    rows: str, row: str, select: Iterable[str], settings: "DynamicsSettings"
) -> Generator[Call, Reply, Body | None]:
    """GET /{rows}({id}); None where it is not there."""
    asked = {"$select": ",".join(select)}
    where = path(f"/{rows}({row})", settings)
    reply = yield Call("GET", where, query=asked, headers=FRESH, writes=False, accepts=frozenset({404}))
    if reply.status == 404 and lacks_something(reply):
        raise Unauthorized(f"HTTP 404: {said(reply)}", status=404)
    return reply.json if reply.ok else None


def made_once(rows: str, row: str, values: Body, settings: "DynamicsSettings") -> Generator[Call, Reply, bool]:
    """PATCH /{rows}({id}) with If-None-Match: *, which makes the row or leaves the one that is there: 412."""
    where = path(f"/{rows}({row})", settings)
    reply = yield Call.patch(where, json=values, headers={"If-None-Match": "*"}, accepts=(412,))
    if reply.status == 412 and code(reply) == DUPLICATE:
        raise Rejected(f"a duplicate detection rule holds the new row back: {said(reply)}", status=412)
    return reply.ok


def change(
    rows: str, row: str, there: Body, wanted: Body, settings: "DynamicsSettings"
) -> Generator[Call, Reply, bool]:
    """PATCH /{rows}({id}) of what differs, with If-Match: *, without which a missing row would be made."""
    new = {name: value for name, value in wanted.items() if not _same(there.get(name), value)}
    if new:
        yield Call.patch(path(f"/{rows}({row})", settings), json=new, headers={"If-Match": "*"})
    return bool(new)


def number(money: Money) -> Any:
    """A JSON number with exactly these digits."""
    return json.loads(money.decimal_text())


def _same(there: Any, wanted: Any) -> bool:
    """Line ends may come back as the environment writes them, and an empty text as null."""
    if isinstance(wanted, str):
        return " ".join(str(there or "").split()) == " ".join(wanted.split())
    return bool(there == wanted)
