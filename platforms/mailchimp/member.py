"""A member of the audience at Mailchimp: read, added, their merge fields set.

The failure prevented: somebody who unsubscribed and is subscribed again by us. A state is given for a new member alone
(`status_if_new`); `status`, which overwrites, is never sent.
"""

import hashlib
import re
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from platforms.base import Body, Call, Reply, reveal
from platforms.capabilities import Who
from platforms.errors import Rejected, Unauthorized
from platforms.mailchimp import problem

if TYPE_CHECKING:
    from platforms.mailchimp import MailchimpSettings

KIND = "mailchimp"
GONE = frozenset({"unsubscribed", "cleaned"})
"""`cleaned`: the address bounced for good or complained; Mailchimp mails it no more."""

_SHOWN = "id,contact_id,email_address,status"
_IN_THE_KEY = re.compile(r"-([a-z]{2,4}\d{1,4})$")


def address(settings: "MailchimpSettings", rest: str) -> str:
    """The account's own host. Raises Unauthorized where neither key nor setting says which."""
    found = _IN_THE_KEY.search(reveal(settings.api_key))
    center = settings.data_center or (found[1] if found else "")
    if not center:
        raise Unauthorized("the API key does not end with its data center: set OVATION_MAILCHIMP__DATA_CENTER")
    return f"https://{center}.api.mailchimp.com/3.0{rest}"


def of_list(settings: "MailchimpSettings", rest: str = "") -> str:
    return address(settings, f"/lists/{quote(settings.list_id or '', safe='')}{rest}")


def of_member(name: str, settings: "MailchimpSettings", rest: str = "") -> str:
    """`name`: the hash of the address, or the contact's id."""
    return of_list(settings, f"/members/{quote(name, safe='')}{rest}")


def hashed(email: str) -> str:
    """MD5 of the address in lower case: a name and no protection."""
    return hashlib.md5(email.strip().lower().encode(), usedforsecurity=False).hexdigest()


def known(who: Who, settings: "MailchimpSettings") -> Generator[Call, Reply, Body | None]:
    """GET …/members/{id or hash}: the id first, because an address that changed has another hash."""
    for name in (who.known_as(KIND), hashed(who.email) if who.email else None):
        if name is not None:
            path = of_member(name, settings)
            reply = yield Call.get(path, query={"fields": _SHOWN}, accepts=(404,))
            if reply.ok:
                found: Body = reply.json
                return found
    return None


def checked(fields: Mapping[str, str], settings: "MailchimpSettings") -> Generator[Call, Reply, Body]:
    """Merge fields by tag, in upper case. Raises Rejected for an unknown one: Mailchimp would drop it in silence."""
    if not fields:
        return {}
    query = {"fields": "merge_fields.tag", "count": "1000"}
    reply = yield Call.get(of_list(settings, "/merge-fields"), query=query)
    there = {str(row.get("tag")).upper() for row in reply.json.get("merge_fields", [])}
    unknown = sorted(name for name in fields if name.upper() not in there)
    if unknown:
        raise Rejected(f"the Mailchimp audience has no merge field {', '.join(unknown)}: make it, or leave it out")
    return {name.upper(): value for name, value in fields.items()}


def put(
    who: Who, found: Body | None, fields: Body, status_if_new: str, settings: "MailchimpSettings"
) -> Generator[Call, Reply, Body | None]:
    """PUT …/members/{hash}: added, or the given fields set under the address they have there. None: they opted out."""
    if found is not None and not fields:
        return found
    email = found["email_address"] if found is not None else (who.email or "").strip()
    if not email:
        raise Rejected("Mailchimp knows contacts by e-mail address, and this one has none")
    names = {"FNAME": who.first_name, "LNAME": who.last_name} if found is None else {}
    merge = {**{tag: name for tag, name in names.items() if name}, **fields}
    body = {"email_address": email, "status_if_new": status_if_new, "merge_fields": merge}
    path, query = of_member(hashed(email), settings), {"skip_merge_validation": "true"}
    reply = yield Call.put(path, json=body, query=query, accepts=(400,))
    if problem.opted_out(reply):
        return None
    if not reply.ok:
        raise Rejected(f"HTTP 400: {problem.said(reply)}", status=400)
    made: Body = reply.json
    return made
