"""People at Pipedrive: the person a deal or task is about, and the colleague who owns it.

The failure prevented: a person who is there twice. Pipedrive holds no address unique and its search is an index that
lags; so before a person is made, the newest ones are read too, from the records themselves.
"""

from collections.abc import Generator
from typing import TYPE_CHECKING

from platforms.base import Body, Call, Reply
from platforms.capabilities import Who

if TYPE_CHECKING:
    from platforms.pipedrive import PipedriveSettings

NEWEST = 200
"""How many of the newest records are read back: far more than are made within the seconds that the index lags."""


def at(settings: "PipedriveSettings", rest: str) -> str:
    """The address of an operation at the company's own host, as in `/v2/deals`."""
    return f"https://{settings.company}.pipedrive.com/api{rest}"


def known(who: Who, settings: "PipedriveSettings") -> Generator[Call, Reply, int | None]:
    """The person's id by any Pipedrive id of theirs, else by e-mail address; None when they are surely not there.

    Of several with one address it is the oldest. An id may be gone after a merge, so it is not the last word."""
    for identity in who.identities:
        if identity.kind == "pipedrive" and identity.value.isdigit():
            reply = yield Call.get(at(settings, f"/v2/persons/{identity.value}"), accepts=(404,))
            if reply.ok and not reply.json["data"].get("is_deleted"):
                return int(identity.value)
    return (yield from _of_address(who.email, settings)) if who.email else None


def made(who: Who, settings: "PipedriveSettings") -> Generator[Call, Reply, int | None]:
    """POST /v2/persons with name and address; gives the id. None without an address: then nothing would find them
    again, and a second one would be made."""
    if not who.email:
        return None
    emails = [{"value": who.email, "primary": True, "label": "work"}]
    reply = yield Call.post(at(settings, "/v2/persons"), json={"name": name(who) or who.email, "emails": emails})
    return int(reply.json["data"]["id"])


def name(who: Who) -> str:
    """First and last name as far as we know them; empty when we do not."""
    return " ".join(part for part in (who.first_name, who.last_name) if part)


def owner(email: str | None, settings: "PipedriveSettings") -> Generator[Call, Reply, int | None]:
    """GET /v1/users: the id of the active user of this address; None when nobody has it."""
    if email is None:
        return None
    reply = yield Call.get(at(settings, "/v1/users"))
    users = reply.json.get("data") or []
    ids = [u["id"] for u in users if u.get("active_flag") and str(u.get("email")).lower() == email.lower()]
    return ids[0] if ids else None


def _of_address(email: str, settings: "PipedriveSettings") -> Generator[Call, Reply, int | None]:
    """GET /v2/persons/search, then GET /v2/persons for those whom the index does not know yet."""
    query = {"term": email, "fields": "email", "exact_match": "true", "limit": "10"}
    reply = yield Call.get(at(settings, "/v2/persons/search"), query=query)
    items: list[Body] = [found["item"] for found in reply.json["data"]["items"]]
    ids = [item["id"] for item in items if _has(email, item.get("emails"))]
    if not ids:
        newest = {"sort_by": "add_time", "sort_direction": "desc", "limit": str(NEWEST)}
        reply = yield Call.get(at(settings, "/v2/persons"), query=newest)
        ids = [p["id"] for p in reply.json["data"] if _has(email, [e.get("value") for e in p.get("emails") or []])]
    return min(ids, default=None)


def _has(email: str, addresses: object) -> bool:
    return isinstance(addresses, list) and email.lower() in {str(address).lower() for address in addresses}
