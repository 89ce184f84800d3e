"""A contact at Salesforce: looked up by id, by our reference and by e-mail address, made if absent, read as a person.

The failure prevented: an ask to somebody who said no on the other of their two records. Salesforce lets an address
stand on many contacts, so all of them are read: the one that is surely theirs is taken, an opt-out on any counts.
"""

from collections.abc import Generator
from typing import TYPE_CHECKING

from pydantic import ValidationError

from models.contact import Address, Person
from platforms.base import Body, Call, Reply
from platforms.capabilities import Who
from platforms.errors import Rejected, Unavailable
from platforms.salesforce.records import REF, Twins, change, equals, first, select, soql, upsert, whole_id

if TYPE_CHECKING:
    from platforms.salesforce import SalesforceSettings

NOT_PROVIDED = "[not provided]"
"""What Salesforce itself writes where a required name is unknown."""

_FIELDS = (
    *("Id", REF, "FirstName", "LastName", "Email", "Phone", "MobilePhone", "HasOptedOutOfEmail", "DoNotCall"),
    *("Account.Name", "OwnerId", "Owner.Email", "Owner.IsActive"),
    *("MailingStreet", "MailingCity", "MailingState", "MailingPostalCode", "MailingCountry"),
)
_OF_ONE_ADDRESS = 50


def known(who: Who, settings: "SalesforceSettings") -> Generator[Call, Reply, Body | None]:
    """The contact by id, else by our reference, else the oldest of this e-mail address; None when none is there."""
    ids = {number for one in who.identities if one.kind == "salesforce" and (number := whole_id(one.value))}
    names = [equals("Id", number) for number in sorted(ids)]
    names.append(equals(REF, who.contact))
    names += [equals("Email", who.email)] if who.email else []
    found = yield from _read(" OR ".join(names), settings)
    if not found:
        return None
    best = min(found, key=lambda one: (one["Id"] not in ids, one[REF] != who.contact))
    return {**best, "HasOptedOutOfEmail": any(one["HasOptedOutOfEmail"] for one in found)}


def known_or_made(who: Who, settings: "SalesforceSettings") -> Generator[Call, Reply, Body]:
    """The contact, made with what we know if Salesforce does not have them. Raises Rejected without an address."""
    found = yield from known(who, settings)
    return found if found is not None else (yield from _made(who, settings))


def user(email: str | None, settings: "SalesforceSettings") -> Generator[Call, Reply, str | None]:
    """The id of the active user of this address; None when nobody has it."""
    if not email:
        return None
    where = f"{equals('Email', email)} AND IsActive = true AND UserType = 'Standard'"
    found = yield from first(("Id",), "User", where, settings, order="CreatedDate")
    return str(found["Id"]) if found is not None else None


def person(found: Body) -> Person:
    """The contact in our words; an empty field is an unknown one."""
    owner, account = found.get("Owner") or {}, found.get("Account") or {}
    last = found.get("LastName")
    return Person(
        email=found.get("Email") or None,
        first_name=found.get("FirstName") or None,
        last_name=last if last != NOT_PROVIDED else None,
        company=account.get("Name") or None,
        phone=found.get("Phone") or found.get("MobilePhone") or None,
        address=_address(found),
        csm_email=owner.get("Email") if owner.get("IsActive") else None,
    )


def names(who: Who) -> Body:
    """First and last name as Salesforce takes them; it wants a last one."""
    first = {"FirstName": who.first_name[:40]} if who.first_name else {}
    return {**first, "LastName": (who.last_name or NOT_PROVIDED)[:80]}


def _read(where: str, settings: "SalesforceSettings") -> Generator[Call, Reply, list[Body]]:
    fields = (*_FIELDS, "MailingCountryCode") if settings.country_codes else _FIELDS
    return (yield from select(soql(fields, "Contact", where, order="CreatedDate", limit=_OF_ONE_ADDRESS), settings))


def _made(who: Who, settings: "SalesforceSettings") -> Generator[Call, Reply, Body]:
    """By upsert on our id of them, so that two workers make one; owned by their success manager, if a user."""
    if not who.email:
        raise Rejected("Salesforce does not know this contact, and without an e-mail address they cannot be made there")
    owner = yield from user(who.csm_email, settings)
    values = {**names(who), "Email": who.email, **({"OwnerId": owner} if owner else {})}
    try:
        number = yield from upsert("Contact", who.contact, values, settings)
    except Twins as twins:
        number = twins.only("Contact")
    found = next(iter((yield from _read(equals("Id", number), settings))), None)
    if found is None:
        raise Unavailable(f"Salesforce does not give contact {number} yet")
    if not found[REF]:
        yield from change("Contact", found, {REF: who.contact}, settings)
    return found


def _address(found: Body) -> Address | None:
    """A postal address only if it is whole. The country is free text, unless the org keeps codes of them."""
    country = found.get("MailingCountryCode") or found.get("MailingCountry") or ""
    street = " ".join(str(found.get("MailingStreet") or "").split())
    try:
        return Address(
            line1=street,
            city=found.get("MailingCity") or "",
            region=found.get("MailingState") or None,
            postal_code=found.get("MailingPostalCode") or None,
            country=country.strip().upper(),
        )
    except ValidationError:
        return None
