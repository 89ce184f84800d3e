"""Dataverse's Web API as a CRM: a contact read, put on a list, given a task, a note, a total of referred revenue.

The failure prevented: a call task that a colleague finds twice. A task or note has an id made from our key; to make it
again finds it there, done or not, and changes nothing.
"""

from collections.abc import Generator
from typing import TYPE_CHECKING

from models.contact import Identity
from models.money import Money
from platforms.base import Body, Call, Reply, Talk
from platforms.capabilities import AddToList, AttributeRevenue, CreateTask, FindContact, Receipt, WriteNote
from platforms.dynamics import contact, referral
from platforms.dynamics.problem import lacks_something
from platforms.dynamics.rows import change, link, literal, made_once, number, one, own, own_id, path, query
from platforms.errors import Rejected

if TYPE_CHECKING:
    from platforms.dynamics import DynamicsSettings

OURS = "Ovation"
"""The category of our tasks; the subcategory is our key."""

FOR_CONTACTS = 2
"""Of a list: whom it holds, by Dynamics' own number."""


def find_contact(action: FindContact, key: str, settings: "DynamicsSettings") -> Talk:
    """GET /contacts with their owner, the success manager, and their account. Unknown: a receipt without a person."""
    found = yield from contact.known(action.who, settings)
    if found is None:
        return Receipt()
    row = found["contactid"]
    return Receipt(
        reference=row,
        facts={"contact": row},
        url=link("contact", row, settings),
        person=contact.person(found),
        identities=[Identity(kind="dynamics", value=row)],
        opted_out=contact.opted_out(found),
    )


def add_to_list(action: AddToList, key: str, settings: "DynamicsSettings") -> Talk:
    """POST /lists({id})/Microsoft.Dynamics.CRM.AddMemberList, if they are no member yet. Contact and list are made if
    absent. Who wants no e-mail is put on no list."""
    found = yield from contact.known_or_made(action.who, settings)
    row = found["contactid"]
    if contact.opted_out(found):
        return Receipt(facts={"contact": row}, opted_out=True)
    chosen = yield from _list(action.list, settings)
    where = f"_listid_value eq {chosen} and _entityid_value eq {row}"
    if not (yield from query("listmembers", ("listmemberid",), where, settings)):
        there = path(f"/lists({chosen})/Microsoft.Dynamics.CRM.AddMemberList", settings)
        yield Call.post(there, json={"EntityId": row})
    return Receipt(reference=chosen, facts={"list": chosen, "contact": row}, url=link("list", chosen, settings))


def create_task(action: CreateTask, key: str, settings: "DynamicsSettings") -> Talk:
    """PATCH /tasks({id made from our key}), for the user of this address, else for the contact's owner. Who is to get
    no calls gets no call but a plain task that says so."""
    found = yield from contact.known_or_made(action.who, settings)
    owner = yield from _owner(action.owner_email, found, settings)
    call = action.call and found.get("donotphone") is not True
    warning = "Dynamics says of them: no phone calls.\n\n" if action.call and not call else ""
    task = {
        "subject": action.title[:200],
        "description": f"{warning}{action.notes}"[:2000],
        "scheduledend": referral.instant(action.due),
        "prioritycode": 2 if call else 1,
        "category": OURS,
        "subcategory": key[:250],
        "regardingobjectid_contact_task@odata.bind": f"/contacts({found['contactid']})",
        **({"ownerid@odata.bind": f"/systemusers({owner})"} if owner else {}),
    }
    row = own_id("task", key)
    yield from made_once("tasks", row, task, settings)
    return Receipt(reference=row, facts={"task": row}, url=link("task", row, settings))


def write_note(action: WriteNote, key: str, settings: "DynamicsSettings") -> Talk:
    """PATCH /annotations({id made from our key}), on the contact's timeline."""
    found = yield from contact.known_or_made(action.who, settings)
    note = {
        "subject": OURS,
        "notetext": action.text[:100_000],
        "objectid_contact@odata.bind": f"/contacts({found['contactid']})",
    }
    row = own_id("note", key)
    yield from made_once("annotations", row, note, settings)
    return Receipt(reference=row, facts={"note": row}, url=link("contact", found["contactid"], settings))


def attribute_revenue(action: AttributeRevenue, key: str, settings: "DynamicsSettings") -> Talk:
    """PATCH of the advocate's total and of the referral's opportunity, in major units: values, never increments."""
    found = yield from contact.known_or_made(action.who, settings)
    row = found["contactid"]
    yield from _set("contacts", row, action.total, settings)
    deal = yield from referral.opportunity(action.referral, settings)
    if deal is not None:
        yield from _set("opportunities", deal["opportunityid"], action.amount, settings)
    facts = {"contact": row, **({"opportunity": deal["opportunityid"]} if deal else {})}
    return Receipt(reference=row, facts=facts, url=link("contact", row, settings))


def doctor(settings: "DynamicsSettings") -> Talk:
    """GET /WhoAmI, then a row of each table that has columns of ours: which of them lack."""
    me = yield Call.get(path("/WhoAmI", settings))
    missing = []
    for rows, columns in needed(settings).items():
        asked = {"$select": ",".join(columns), "$top": "1"}
        reply = yield Call("GET", path(f"/{rows}", settings), query=asked, writes=False, accepts=frozenset({400, 404}))
        missing += [rows] if not reply.ok and lacks_something(reply) else []
    facts = {"organization": me.json.get("OrganizationId"), "user": me.json.get("UserId")}
    return Receipt(facts={**facts, "tables_that_lack_columns": missing})


def needed(settings: "DynamicsSettings") -> dict[str, tuple[str, ...]]:
    """Table → the columns of ours that it needs."""
    columns = {
        "contacts": ("referralgivenon", "ovationrevenue"),
        "leads": ("ovationref", "ovationstage", "ovationnotes"),
        "opportunities": ("ovationstage", "ovationrevenue"),
        own("ovationreferrals", settings): referral.ROW_COLUMNS,
    }
    return {rows: tuple(own(name, settings) for name in names) for rows, names in columns.items()}


def revenue_column(currency: str, settings: "DynamicsSettings") -> str:
    """Sums of two currencies never share a column: `…_ovationrevenue`, `…_ovationrevenueeur`."""
    return own("ovationrevenue" if currency == settings.currency else f"ovationrevenue{currency.lower()}", settings)


def _set(rows: str, row: str, money: Money, settings: "DynamicsSettings") -> Generator[Call, Reply, None]:
    column = revenue_column(money.currency, settings)
    there = (yield from one(rows, row, (column,), settings)) or {}
    yield from change(rows, row, there, {column: number(money)}, settings)


def _list(name: str, settings: "DynamicsSettings") -> Generator[Call, Reply, str]:
    """The active list of contacts of this name, made if absent. Raises Rejected for one that a query fills."""
    where = f"listname eq {literal(name)} and createdfromcode eq {FOR_CONTACTS} and statecode eq 0"
    found = yield from query("lists", ("listid", "type"), where, settings, order="createdon", top=10)
    for static in found:
        if static["type"] is False:
            return str(static["listid"])
    if found:
        raise Rejected(f"Dynamics fills the list {name!r} by a query; name a static one, or one that does not exist")
    row = own_id("list", name)
    made: Body = {"listname": name[:128], "type": False, "createdfromcode": FOR_CONTACTS}
    yield from made_once("lists", row, made, settings)
    return row


def _owner(email: str | None, found: Body, settings: "DynamicsSettings") -> Generator[Call, Reply, str | None]:
    """The user of this address. Raises Rejected for a stranger. Without an address: the contact's owner, if enabled."""
    if email is None:
        enabled = (found.get("owninguser") or {}).get("isdisabled") is False
        return str(found["_ownerid_value"]) if enabled else None
    owner = yield from contact.user(email, settings)
    if owner is None:
        raise Rejected("no enabled Dynamics user has the task owner's e-mail address: name another owner")
    return owner
