"""ActiveCampaign's v3 API: a person put into a list, a tag or an automation.

The failure prevented: somebody who left and is mailed again, or goes through an automation twice because an answer was
lost. Both are looked up before anything is written; `contact.py` and `audience.py` say how.
"""

from collections.abc import Generator
from typing import TYPE_CHECKING

from models.contact import Identity
from platforms.activecampaign import audience, contact
from platforms.activecampaign.reading import API
from platforms.base import Body, Call, Reply, Talk, Token, reveal
from platforms.capabilities import Enroll, Receipt

if TYPE_CHECKING:
    from platforms.activecampaign import ActiveCampaignSettings


def headers(settings: "ActiveCampaignSettings", token: Token | None) -> dict[str, str]:
    """The key in a header of the vendor's own; the old form in the query is never used."""
    return {"Api-Token": reveal(settings.api_token), "Accept": "application/json"}


def enroll(action: Enroll, key: str, settings: "ActiveCampaignSettings") -> Talk:
    """POST /contact/sync, then POST /contactLists, /contactTags or /contactAutomations, each only where it is needed.

    Names and fields are looked up before anything is written, and so is whether the contact has left."""
    place = yield from audience.chosen(action.audience, make=True)
    assert place is not None
    found = yield from contact.known(action.who)
    if found is not None and contact.left((yield from contact.memberships(found)), settings):
        return _receipt(found, opted_out=True)
    fields = yield from contact.values(action.fields)
    found = yield from contact.synced(action.who, found, fields)
    there = yield from audience.join(place, str(found["id"]))
    return _receipt(found, place, there)


def find_enrolment(
    action: Enroll, key: str, settings: "ActiveCampaignSettings"
) -> Generator[Call, Reply, Receipt | None]:
    """The contact's own row for this audience, read from the record and not from a search."""
    place = yield from audience.chosen(action.audience, make=False)
    found = yield from contact.known(action.who)
    if place is None or found is None:
        return None
    there = yield from audience.membership(place, str(found["id"]))
    return None if there is None else _receipt(found, place, there)


def doctor(settings: "ActiveCampaignSettings") -> Talk:
    """GET /users/me: whose key it is. Their rights are those of their group."""
    reply = yield Call.get(f"{API}/users/me")
    return Receipt(facts={"user": str(reply.json["user"]["id"])})


def _receipt(
    found: Body, place: audience.Audience | None = None, there: Body | None = None, *, opted_out: bool = False
) -> Receipt:
    number = str(found["id"])
    facts: dict[str, object] = {"contact": number}
    if place is not None and there is not None:
        facts |= {place.kind: place.id, "membership": str(there["id"])}
        opted_out = audience.gone(there, place)
    return Receipt(
        reference=number,
        facts=facts,
        identities=[Identity(kind=contact.KIND, value=number)],
        opted_out=opted_out,
    )
