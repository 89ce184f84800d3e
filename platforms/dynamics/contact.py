"""A contact at Dynamics: looked up by id and e-mail address, made if absent, and read as a person of ours.

The failure prevented: an ask to somebody who said no on the other of their two rows. An address may stand on several
contacts, so all active ones are read: the one that is surely theirs is taken, an opt-out on any counts.
"""

from collections.abc import Generator
from typing import TYPE_CHECKING

from pydantic import ValidationError

from models.contact import Address, Person
from platforms.base import Body, Call, Reply
from platforms.capabilities import Who
from platforms.dynamics.rows import guid, literal, made_once, own_id, query
from platforms.errors import Rejected, Unavailable

if TYPE_CHECKING:
    from platforms.dynamics import DynamicsSettings

FIELDS = (
    *("contactid", "firstname", "lastname", "emailaddress1", "telephone1", "mobilephone", "_ownerid_value"),
    *("donotemail", "donotbulkemail", "donotphone"),
    *(f"address1_{part}" for part in ("line1", "city", "stateorprovince", "postalcode", "country")),
)
EXPAND = "owninguser($select=internalemailaddress,isdisabled),parentcustomerid_account($select=name)"
_OF_ONE_ADDRESS = 50


def known(who: Who, settings: "DynamicsSettings") -> Generator[Call, Reply, Body | None]:
    """The contact by any id of theirs, else by the id we would give them, else the oldest active one of the address."""
    ids = [number for one in who.identities if one.kind == "dynamics" and (number := guid(one.value))]
    ids.append(own_id("contact", who.contact))
    names = [f"contactid eq {number}" for number in ids]
    names += [f"(emailaddress1 eq {literal(who.email)} and statecode eq 0)"] if who.email else []
    found = yield from _read(" or ".join(names), settings)
    if not found:
        return None
    best = min(found, key=lambda one: ids.index(one["contactid"]) if one["contactid"] in ids else len(ids))
    return {**best, "donotemail": any(opted_out(one) for one in found)}


def known_or_made(who: Who, settings: "DynamicsSettings") -> Generator[Call, Reply, Body]:
    """The contact, made with what we know if Dynamics does not have them. Raises Rejected without an address."""
    found = yield from known(who, settings)
    return found if found is not None else (yield from _made(who, settings))


def opted_out(found: Body) -> bool:
    """Whether they are to get no e-mail, or none in bulk."""
    return found.get("donotemail") is True or found.get("donotbulkemail") is True


def user(email: str | None, settings: "DynamicsSettings") -> Generator[Call, Reply, str | None]:
    """The id of the enabled user of this address; None when nobody has it."""
    if not email:
        return None
    where = f"internalemailaddress eq {literal(email)} and isdisabled eq false"
    found = yield from query("systemusers", ("systemuserid",), where, settings, order="createdon")
    return str(found[0]["systemuserid"]) if found else None


def person(found: Body) -> Person:
    """The contact in our words; an empty column is an unknown one."""
    owner, account = found.get("owninguser") or {}, found.get("parentcustomerid_account") or {}
    return Person(
        email=found.get("emailaddress1") or None,
        first_name=found.get("firstname") or None,
        last_name=found.get("lastname") or None,
        company=account.get("name") or None,
        phone=found.get("telephone1") or found.get("mobilephone") or None,
        address=_address(found),
        csm_email=(owner.get("internalemailaddress") or None) if owner.get("isdisabled") is False else None,
    )


def names(who: Who) -> Body:
    """First and last name, as far as they are known and fit."""
    given = {"firstname": who.first_name, "lastname": who.last_name}
    return {column: name[:50] for column, name in given.items() if name}


def _read(where: str, settings: "DynamicsSettings") -> Generator[Call, Reply, list[Body]]:
    return (
        yield from query("contacts", FIELDS, where, settings, expand=EXPAND, order="createdon", top=_OF_ONE_ADDRESS)
    )


def _made(who: Who, settings: "DynamicsSettings") -> Generator[Call, Reply, Body]:
    """Under an id made from ours, so that two workers make one; owned by their success manager, if a user."""
    if not who.email:
        raise Rejected("Dynamics does not know this contact, and without an e-mail address they cannot be made there")
    owner = yield from user(who.csm_email, settings)
    number = own_id("contact", who.contact)
    values = {**names(who), "emailaddress1": who.email[:100]}
    values |= {"ownerid@odata.bind": f"/systemusers({owner})"} if owner else {}
    yield from made_once("contacts", number, values, settings)
    found = yield from _read(f"contactid eq {number}", settings)
    if not found:
        raise Unavailable(f"Dynamics does not give contact {number} yet")
    return found[0]


def _address(found: Body) -> Address | None:
    """A postal address only if it is whole: the country is free text, and a parcel needs a code."""
    try:
        return Address(
            line1=found.get("address1_line1") or "",
            city=found.get("address1_city") or "",
            region=found.get("address1_stateorprovince") or None,
            postal_code=found.get("address1_postalcode") or None,
            country=(found.get("address1_country") or "").strip().upper(),
        )
    except ValidationError:
        return None
