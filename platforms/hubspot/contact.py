"""A contact at HubSpot: looked up by id and e-mail address, made if absent, and read as a person of ours.

The failure prevented: a contact made twice because the first answer was lost. HubSpot keeps e-mail addresses unique, so
a second create is refused with the id of the first. What people at HubSpot wrote about a contact is never overwritten.
"""

import re
from collections.abc import Generator
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import quote
from zoneinfo import available_timezones

from pydantic import ValidationError

from models.contact import Address, Person
from platforms.base import Body, Call, Reply
from platforms.capabilities import Who
from platforms.errors import Rejected
from platforms.hubspot.problem import said

if TYPE_CHECKING:
    from platforms.hubspot import HubSpotSettings

PROPERTIES = (
    *("email", "firstname", "lastname", "company", "phone", "hs_timezone", "hubspot_owner_id", "hs_email_optout"),
    *("address", "city", "state", "zip", "country", "hs_country_region_code"),
)
"""What we read. A property that a portal lacks is left out of the answer, and is no error."""

_EXISTING = re.compile(r"Existing ID:\s*(\d+)")


def objects(settings: "HubSpotSettings", kind: str, rest: str = "") -> str:
    """The path of records of a kind: contacts, tasks, notes."""
    return f"/crm/objects/{settings.api_version}/{kind}{rest}"


def known(who: Who, settings: "HubSpotSettings", linked: str = "") -> Generator[Call, Reply, Body | None]:
    """The contact by any HubSpot id of theirs, else by e-mail address; None when HubSpot knows neither.

    An id may be gone after a merge, so it is not the last word. `linked` asks for the ids of linked records."""
    for identity in who.identities:
        if identity.kind == "hubspot":
            found = yield from _read(identity.value, settings, linked=linked)
            if found is not None:
                return found
    return (yield from _read(who.email, settings, linked=linked, by="email")) if who.email else None


def known_or_made(who: Who, settings: "HubSpotSettings") -> Generator[Call, Reply, Body]:
    """The contact, made with what we know if HubSpot does not have them. Raises Rejected without an e-mail address."""
    found = yield from known(who, settings)
    return found if found is not None else (yield from _made(who, settings))


def csm_email(found: Body, settings: "HubSpotSettings") -> Generator[Call, Reply, str | None]:
    """The address of the contact's owner; None without one, or when they have left."""
    owner = found["properties"].get("hubspot_owner_id")
    if not owner:
        return None
    path = f"/crm/owners/{settings.api_version}/{quote(owner, safe='')}"
    reply = yield Call.get(path, accepts=(404,))
    return reply.json.get("email") or None if reply.ok else None


def owner_id(email: str, settings: "HubSpotSettings") -> Generator[Call, Reply, str | None]:
    """GET …/owners?email=: `hubspot_owner_id` wants an owner's id, not a user's. None for a stranger."""
    reply = yield Call.get(f"/crm/owners/{settings.api_version}", query={"email": email})
    owners = [o for o in reply.json["results"] if str(o.get("email")).lower() == email.lower() and not o["archived"]]
    return str(owners[0]["id"]) if owners else None


def person(found: Body, csm: str | None) -> Person:
    """The contact in our words; an empty property is an unknown one."""
    given: dict[str, str] = {name: value for name, value in found["properties"].items() if value}
    return Person(
        email=given.get("email"),
        first_name=given.get("firstname"),
        last_name=given.get("lastname"),
        company=given.get("company"),
        phone=given.get("phone"),
        time_zone=_zones().get(_slug(given.get("hs_timezone", ""))),
        address=_address(given),
        csm_email=csm,
    )


def opted_out(found: Body) -> bool:
    """Whether they unsubscribed from all e-mail there."""
    return str(found["properties"].get("hs_email_optout")).lower() == "true"


def _read(
    name: str, settings: "HubSpotSettings", *, linked: str = "", by: str | None = None
) -> Generator[Call, Reply, Body | None]:
    """GET …/contacts/{name}: the record itself, so what was written a moment ago is there, unlike in the search."""
    query = {"properties": ",".join(PROPERTIES)}
    query |= {"idProperty": by} if by else {}
    query |= {"associations": linked} if linked else {}
    path = objects(settings, "contacts", f"/{quote(name, safe='@')}")
    reply = yield Call.get(path, query=query, accepts=(404,))
    return reply.json if reply.ok else None


def _made(who: Who, settings: "HubSpotSettings") -> Generator[Call, Reply, Body]:
    if not who.email:
        raise Rejected("HubSpot does not know this contact, and without an e-mail address they cannot be made there")
    facts = {"email": who.email, "firstname": who.first_name, "lastname": who.last_name, "company": who.company}
    made = {"properties": {name: value for name, value in facts.items() if value}, "associations": []}
    reply = yield Call.post(objects(settings, "contacts"), json=made, accepts=(409,))
    if reply.ok:
        created: Body = reply.json
        return created
    existing = _EXISTING.search(said(reply))
    if existing is not None:  # also the way to a contact who has this address as an additional one
        found = yield from _read(existing[1], settings)
    else:
        found = yield from _read(who.email, settings, by="email")
    if found is None:
        raise Rejected(f"HubSpot has a contact of this e-mail address and does not give it: {said(reply)}")
    return found


def _address(given: dict[str, str]) -> Address | None:
    """A postal address only if it is whole: HubSpot's `country` is free text, and a parcel needs a code."""
    country = given.get("hs_country_region_code") or given.get("country", "")
    try:
        return Address(
            line1=given.get("address", ""),
            city=given.get("city", ""),
            region=given.get("state"),
            postal_code=given.get("zip"),
            country=country.strip().upper(),
        )
    except ValidationError:
        return None


def _slug(zone: str) -> str:
    return zone.lower().replace("/", "_slash_").replace("-", "_hyphen_")


@cache
def _zones() -> dict[str, str]:
    """HubSpot's way to write a zone (`america_slash_new_york`) → its name."""
    return {_slug(name): name for name in available_timezones()}
