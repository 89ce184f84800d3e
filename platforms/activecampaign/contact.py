"""A contact at ActiveCampaign: looked up, made, their fields set, and whether they have left.

The failure prevented: somebody who left a list by hand and is put back by us. The API lets us do it without a word, so
nothing is written before their lists have been read; and what people there wrote of a name is never overwritten.
"""

from collections.abc import Generator, Iterable, Mapping
from typing import TYPE_CHECKING

from platforms.activecampaign.reading import API, everything, listed, of_contact
from platforms.base import Body, Call, Reply
from platforms.capabilities import Who
from platforms.errors import Rejected

if TYPE_CHECKING:
    from platforms.activecampaign import ActiveCampaignSettings

UNSUBSCRIBED = "2"
BOUNCED = "3"
"""States of a contact on a list; 1 is active, 0 not yet confirmed by themselves."""

KIND = "activecampaign"


def known(who: Who) -> Generator[Call, Reply, Body | None]:
    """The contact by the id we keep, else by e-mail address; a contact deleted and made again has another id."""
    number = who.known_as(KIND)
    if number is not None:
        reply = yield Call.get(f"{API}{of_contact(number, '')}", accepts=(404,))
        if reply.ok:
            found: Body = reply.json["contact"]
            return found
    if not who.email:
        return None
    reply = yield Call.get(f"{API}/contacts", query={"email": who.email})
    rows = listed(reply.json, "contacts")
    return next((row for row in rows if str(row.get("email")).lower() == who.email.lower()), None)


def memberships(found: Body) -> Generator[Call, Reply, list[Body]]:
    """GET /contacts/{id}/contactLists: each list they ever were on, with their state there."""
    return (yield from everything(of_contact(str(found["id"]), "/contactLists"), "contactLists"))


def left(lists: Iterable[Body], settings: "ActiveCampaignSettings") -> bool:
    """Whether they left a list that counts, or their address is dead."""
    return any(
        str(row.get("status")) == BOUNCED
        or (str(row.get("status")) == UNSUBSCRIBED and counts(str(row.get("list")), settings))
        for row in lists
    )


def counts(number: str, settings: "ActiveCampaignSettings") -> bool:
    """Whether to leave this list is to want no more of us."""
    return not settings.opt_out_lists or number in settings.opt_out_lists


def values(fields: Mapping[str, str]) -> Generator[Call, Reply, list[Body]]:
    """`fieldValues` for these fields, named by personalization tag or title. Raises Rejected for an unknown one."""
    if not fields:
        return []
    ids: dict[str, str] = {}
    for row in (yield from everything("/fields", "fields")):
        for name in (row.get("title"), row.get("perstag")):
            ids[str(name).strip("%").lower()] = str(row["id"])
    unknown = sorted(name for name in fields if name.strip("%").lower() not in ids)
    if unknown:
        raise Rejected(f"ActiveCampaign has no contact field {', '.join(unknown)}: make it, or leave it out")
    return [{"field": ids[name.strip("%").lower()], "value": value} for name, value in fields.items()]


def synced(who: Who, found: Body | None, field_values: list[Body]) -> Generator[Call, Reply, Body]:
    """POST /contact/sync: made if absent, else only the fields set, under the address the contact has there now.

    It subscribes to nothing. Raises Rejected without an e-mail address."""
    if found is not None and not field_values:
        return found
    email = found["email"] if found is not None else who.email
    if not email:
        raise Rejected("ActiveCampaign knows contacts by e-mail address, and this one has none")
    person: Body = {"email": email}
    if found is None:
        names = {"firstName": who.first_name, "lastName": who.last_name}
        person |= {name: value for name, value in names.items() if value}
    if field_values:
        person["fieldValues"] = field_values
    reply = yield Call.post(f"{API}/contact/sync", json={"contact": person})
    made: Body = reply.json["contact"]
    return made
