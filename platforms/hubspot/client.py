"""HubSpot's CRM: a contact read, put on a list, given a task, a note, a total of referred revenue.

The failure prevented: a call task that a colleague finds twice, and a membership believed that was not taken. HubSpot
has no idempotency key; how a task or note is found again is in `engagement.py`.
"""

from collections.abc import Generator
from typing import TYPE_CHECKING
from urllib.parse import quote

from models.contact import Identity
from platforms.base import Body, Call, Reply, Talk, Token, reveal
from platforms.capabilities import AddToList, AttributeRevenue, CreateTask, FindContact, Receipt, WriteNote
from platforms.errors import Rejected, Unavailable
from platforms.hubspot import contact, deal, engagement
from platforms.hubspot.problem import said

if TYPE_CHECKING:
    from platforms.hubspot import HubSpotSettings

TAG = "referral_given"
REVENUE = "ovation_referral_revenue"
"""Contact properties that a portal needs; the second holds an amount in major units."""

CONTACTS = "0-1"
_FILLED_BY_HAND = ("MANUAL", "SNAPSHOT")


def headers(settings: "HubSpotSettings", token: Token | None) -> dict[str, str]:
    """The token of an app or a service key in the Authorization header."""
    return {"Authorization": f"Bearer {reveal(settings.access_token)}"}


def find_contact(action: FindContact, key: str, settings: "HubSpotSettings") -> Talk:
    """GET …/contacts/{id or e-mail}, then their owner: an address of the success manager. Reads the record itself, so
    it is current. Unknown there: a receipt without a person."""
    found = yield from contact.known(action.who, settings)
    if found is None:
        return Receipt()
    csm = yield from contact.csm_email(found, settings)
    return Receipt(
        reference=found["id"],
        facts={"contact": found["id"]},
        url=found.get("url"),
        person=contact.person(found, csm),
        identities=[Identity(kind="hubspot", value=found["id"])],
        opted_out=contact.opted_out(found),
    )


def add_to_list(action: AddToList, key: str, settings: "HubSpotSettings") -> Talk:
    """The contact and a manual list of this name, each made if absent, then PUT …/memberships/add, which leaves those
    who are there already. An id that HubSpot does not know is no error to it, so the answer is read."""
    found = yield from contact.known_or_made(action.who, settings)
    chosen = yield from _list(action.list, settings)
    path = f"/crm/lists/{settings.api_version}/{chosen['listId']}/memberships/add"
    reply = yield Call.put(path, json=[found["id"]])
    if found["id"] in (reply.json.get("recordIdsMissing") or []):
        raise Unavailable(f"HubSpot's lists do not know contact {found['id']} yet")
    return Receipt(reference=chosen["listId"], facts={"list": chosen["listId"], "contact": found["id"]})


def create_task(action: CreateTask, key: str, settings: "HubSpotSettings") -> Talk:
    """POST …/tasks, linked to the contact, for the owner of this address, else for whoever has the contact.
    `hs_timestamp` is the instant it is due; the body is HTML, so our text is escaped."""
    found = yield from contact.known_or_made(action.who, settings)
    owner = yield from _owner(action.owner_email, settings)
    properties = {
        "hs_timestamp": engagement.instant(action.due),
        "hs_task_subject": action.title,
        engagement.TASK.body: engagement.marked(action.notes, key),
        "hs_task_status": "NOT_STARTED",
        "hs_task_type": "CALL" if action.call else "TODO",
    }
    if owner := owner or found["properties"].get("hubspot_owner_id"):
        properties["hubspot_owner_id"] = owner
    return (yield from engagement.create(engagement.TASK, properties, found["id"], settings))


def find_task(action: CreateTask, key: str, settings: "HubSpotSettings") -> Generator[Call, Reply, Receipt | None]:
    """The contact's task that carries our key."""
    return (yield from engagement.find(engagement.TASK, action.who, key, settings))


def write_note(action: WriteNote, key: str, settings: "HubSpotSettings") -> Talk:
    """POST …/notes, linked to the contact. `hs_timestamp` is where it stands in their timeline; the body is HTML."""
    found = yield from contact.known_or_made(action.who, settings)
    properties = {
        "hs_timestamp": engagement.instant(action.at),
        engagement.NOTE.body: engagement.marked(action.text, key),
    }
    return (yield from engagement.create(engagement.NOTE, properties, found["id"], settings))


def find_note(action: WriteNote, key: str, settings: "HubSpotSettings") -> Generator[Call, Reply, Receipt | None]:
    """The contact's note that carries our key."""
    return (yield from engagement.find(engagement.NOTE, action.who, key, settings))


def attribute_revenue(action: AttributeRevenue, key: str, settings: "HubSpotSettings") -> Talk:
    """PATCH …/contacts/{id} with the advocate's total in major units: a value, never an increment."""
    found = yield from contact.known_or_made(action.who, settings)
    written = {revenue_property(action.total.currency, settings): action.total.decimal_text()}
    reply = yield Call.patch(objects_of(found, settings), json={"properties": written})
    return Receipt(reference=found["id"], facts={"contact": found["id"]}, url=reply.json.get("url"))


def doctor(settings: "HubSpotSettings") -> Talk:
    """Reads one owner, and whether the portal has the properties that we need: token, scopes and set-up at once.

    Deals are looked at where stages are set."""
    yield Call.get(f"/crm/owners/{settings.api_version}", query={"limit": "1"})
    missing = []
    for name in (TAG, REVENUE):
        reply = yield Call.get(f"/crm/properties/{settings.api_version}/contacts/{name}", accepts=(404,))
        if not reply.ok:
            missing.append(name)
    facts: dict[str, object] = {"api_version": settings.api_version, "missing_properties": missing}
    return Receipt(facts={**facts, **(yield from deal.checked(settings))})


def revenue_property(currency: str, settings: "HubSpotSettings") -> str:
    """Totals of two currencies never share a property: `…_revenue`, and `…_revenue_eur` where EUR is not the usual."""
    return REVENUE if currency == settings.currency else f"{REVENUE}_{currency.lower()}"


def objects_of(found: Body, settings: "HubSpotSettings") -> str:
    """The path of this contact."""
    return contact.objects(settings, "contacts", f"/{found['id']}")


def _owner(email: str | None, settings: "HubSpotSettings") -> Generator[Call, Reply, str | None]:
    """The owner of this address. Raises Rejected for a stranger: a task of nobody's is a task that nobody does."""
    if email is None:
        return None
    owner = yield from contact.owner_id(email, settings)
    if owner is None:
        raise Rejected("nobody in HubSpot has the task owner's e-mail address: invite them, or name another owner")
    return owner


def _list(name: str, settings: "HubSpotSettings") -> Generator[Call, Reply, Body]:
    """The list of this name, made if absent. Raises Rejected for one that HubSpot fills itself.

    Names are unique: whoever loses a race to make it is refused, and finds the other's."""
    found = yield from _list_named(name, settings)
    if found is None:
        made = {"name": name, "objectTypeId": CONTACTS, "processingType": "MANUAL"}
        reply = yield Call.post(f"/crm/lists/{settings.api_version}", json=made, accepts=(400, 409))
        found = reply.json["list"] if reply.ok else (yield from _list_named(name, settings))
        if found is None:
            raise Rejected(f"HubSpot did not make the list: {said(reply)}")
    if found["processingType"] not in _FILLED_BY_HAND:
        raise Rejected(f"HubSpot fills the list {name!r} by a filter; name a static one, or one that does not exist")
    return found


def _list_named(name: str, settings: "HubSpotSettings") -> Generator[Call, Reply, Body | None]:
    path = f"/crm/lists/{settings.api_version}/object-type-id/{CONTACTS}/name/{quote(name, safe='')}"
    reply = yield Call.get(path, accepts=(404,))
    return reply.json["list"] if reply.ok else None
