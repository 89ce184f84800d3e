"""Reading lists of things, whole, and names by which they are compared.

The failure prevented: a list, tag or webhook that stands on the second page, is not seen, and is made once more.
"""

from collections.abc import Generator, Mapping
from typing import Any
from urllib.parse import quote

from platforms.base import Body, Call, Reply
from platforms.errors import InDoubt

API = "/api/3"
PAGE = 100
PAGES = 20


def everything(path: str, name: str, query: Mapping[str, str] | None = None) -> Generator[Call, Reply, list[Body]]:
    """All rows that `path` gives under `name`. Raises InDoubt where there are more than are read."""
    rows: list[Body] = []
    for number in range(PAGES):
        window = {"limit": str(PAGE), "offset": str(number * PAGE)}
        reply = yield Call.get(f"{API}{path}", query={**(query or {}), **window})
        page = listed(reply.json, name)
        rows += page
        if len(page) < PAGE:
            return rows
    raise InDoubt(f"ActiveCampaign has more than {PAGES * PAGE} {name}: what is not there cannot be told")


def listed(body: Any, name: str) -> list[Body]:
    """The rows under `name`; PHP behind the vendor's API makes `{}` of an empty list at times."""
    rows = body.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def of_contact(number: str, what: str) -> str:
    """The path of a contact, or of what belongs to them."""
    return f"/contacts/{quote(number, safe='')}{what}"
