"""Salesforce's REST API as a CRM: a contact read, put on a campaign, given a task, a note, a total of revenue.

The failure prevented: a call task that a colleague finds twice. Salesforce has no idempotency keys; a task carries our
key in a field of its own, which a query sees at once, also after somebody has deleted the task.
"""

from collections.abc import Generator
from typing import TYPE_CHECKING

from models.contact import Identity
from models.event import id_from_content
from models.money import Money
from platforms.base import Body, Call, Reply, Talk
from platforms.capabilities import AddToList, AttributeRevenue, CreateTask, FindContact, Receipt, WriteNote
from platforms.errors import Rejected
from platforms.salesforce import contact, referral
from platforms.salesforce.problem import codes, refuse
from platforms.salesforce.records import (
    REF,
    change,
    create,
    equals,
    first,
    link,
    named,
    number,
    path,
    select,
    soql,
    upsert,
)

if TYPE_CHECKING:
    from platforms.salesforce import SalesforceSettings

KEY = "Ovation_Key__c"
NOTE = "note:"
"""Stands before the key of a note, which Salesforce keeps as a finished task: nobody finished a task of ours."""

REVENUE = "Ovation_Revenue__c"

NEEDED: dict[str, tuple[str, ...]] = {
    "Contact": (REF, "Referral_Given__c", "Referral_Given_At__c", REVENUE, "HasOptedOutOfEmail", "DoNotCall"),
    "Lead": (REF, *("Ovation_Stage__c", "Ovation_Notes__c", "Referred_By__c", "HasOptedOutOfEmail")),
    "Opportunity": (REF, "Ovation_Stage__c", "Referred_By__c", REVENUE),
    "Campaign": (REF,),
    "Task": (KEY,),
    "Referral__c": (REF, *("Ovation_Stage__c", "Ovation_Notes__c", *referral.ROW_FIELDS)),
}
"""Fields that an org needs and may lack, or hide from our user."""


def find_contact(action: FindContact, key: str, settings: "SalesforceSettings") -> Talk:
    """GET …/query: the contact and their owner, the success manager. Unknown there: a receipt without a person."""
    found = yield from contact.known(action.who, settings)
    if found is None:
        return Receipt()
    return Receipt(
        reference=found["Id"],
        facts={"contact": found["Id"]},
        url=link(found["Id"], settings),
        person=contact.person(found),
        identities=[Identity(kind="salesforce", value=found["Id"])],
        opted_out=found["HasOptedOutOfEmail"],
    )


def add_to_list(action: AddToList, key: str, settings: "SalesforceSettings") -> Talk:
    """POST …/sobjects/CampaignMember. Contact and campaign are made if absent; DUPLICATE_VALUE says they are a member
    already. Who wants no e-mail is put on no campaign."""
    found = yield from contact.known_or_made(action.who, settings)
    if found["HasOptedOutOfEmail"]:
        return Receipt(facts={"contact": found["Id"]}, opted_out=True)
    campaign = yield from _campaign(action.list, settings)
    member = {"CampaignId": campaign, "ContactId": found["Id"], "Status": "Sent"}
    reply = yield Call.post(path("/sobjects/CampaignMember", settings), json=member, accepts=(400,))
    if not reply.ok and "DUPLICATE_VALUE" not in codes(reply):
        refuse(reply)
    facts = {"campaign": campaign, "contact": found["Id"]}
    return Receipt(reference=campaign, facts=facts, url=link(campaign, settings))


def create_task(action: CreateTask, key: str, settings: "SalesforceSettings") -> Talk:
    """POST …/sobjects/Task for the user of this address, else for the contact's owner. Who is marked *Do Not Call* gets
    no call task but a plain one that says so."""
    found = yield from contact.known_or_made(action.who, settings)
    owner = yield from _owner(action.owner_email, found, settings)
    call = action.call and not found["DoNotCall"]
    warning = "Salesforce says of them: do not call.\n\n" if action.call and not call else ""
    task = {
        "Subject": action.title[:255],
        "Description": f"{warning}{action.notes}"[:32_000],
        "WhoId": found["Id"],
        "ActivityDate": action.due.date().isoformat(),
        "Status": "Not Started",
        "Priority": "High" if call else "Normal",
        "TaskSubtype": "Call" if call else "Task",
        KEY: key,
        **({"OwnerId": owner} if owner else {}),
    }
    return _task_receipt((yield from create("Task", task, settings)), settings)


def find_task(action: CreateTask, key: str, settings: "SalesforceSettings") -> Generator[Call, Reply, Receipt | None]:
    """The task that carries our key."""
    return (yield from _find(key, settings))


def write_note(action: WriteNote, key: str, settings: "SalesforceSettings") -> Talk:
    """POST …/sobjects/Task, finished: so it stands in the contact's timeline and carries our key."""
    found = yield from contact.known_or_made(action.who, settings)
    title = next(iter(action.text.strip().splitlines()), "Note")
    task = {
        "Subject": title[:255],
        "Description": action.text[:32_000],
        "WhoId": found["Id"],
        "ActivityDate": action.at.date().isoformat(),
        "Status": "Completed",
        "Priority": "Normal",
        "TaskSubtype": "Task",
        KEY: f"{NOTE}{key}",
    }
    return _task_receipt((yield from create("Task", task, settings)), settings)


def find_note(action: WriteNote, key: str, settings: "SalesforceSettings") -> Generator[Call, Reply, Receipt | None]:
    """The note that carries our key."""
    return (yield from _find(f"{NOTE}{key}", settings))


def attribute_revenue(action: AttributeRevenue, key: str, settings: "SalesforceSettings") -> Talk:
    """PATCH of the advocate's total and of the referral's deal, in major units: values, never increments."""
    found = yield from contact.known_or_made(action.who, settings)
    yield from _set("Contact", found["Id"], action.total, {}, settings)
    deal = yield from referral.deal(action.referral, settings)
    if deal is not None:
        marks = {REF: action.referral, referral.ADVOCATE: found["Id"]}
        yield from _set("Opportunity", deal, action.amount, marks, settings)
    facts = {"contact": found["Id"], **({"opportunity": deal} if deal else {})}
    return Receipt(reference=found["Id"], facts=facts, url=link(found["Id"], settings))


def doctor(settings: "SalesforceSettings") -> Talk:
    """The org, the calls that are left to it, and which of the fields we need it lacks, hides, or has not as unique."""
    org = (yield from first(("Id", "IsSandbox"), "Organization", "Id != null", settings)) or {}
    limits = yield Call.get(path("/limits", settings))
    missing, not_unique = [], []
    for kind, fields in NEEDED.items():
        reply = yield Call.get(path(f"/sobjects/{named(kind, settings)}/describe", settings), accepts=(404,))
        there = {one["name"]: one for one in (reply.json["fields"] if reply.ok else [])}
        missing += [f"{kind}.{name}" for name in fields if named(name, settings) not in there]
        ref = there.get(named(REF, settings))
        not_unique += [f"{kind}.{REF}"] if ref and not (ref.get("unique") and ref.get("externalId")) else []
    left = (limits.json.get("DailyApiRequests") or {}).get("Remaining")
    facts: Body = {"org": org.get("Id"), "sandbox": org.get("IsSandbox"), "calls_left_today": left}
    return Receipt(facts={**facts, "missing_fields": missing, "fields_not_unique": not_unique})


def revenue_field(currency: str, settings: "SalesforceSettings") -> str:
    """Sums of two currencies never share a field: `Ovation_Revenue__c`, `Ovation_Revenue_EUR__c`."""
    return REVENUE if currency == settings.currency else f"Ovation_Revenue_{currency}__c"


def _set(
    kind: str, record: str, money: Money, marks: Body, settings: "SalesforceSettings"
) -> Generator[Call, Reply, None]:
    """Brings the record to this sum, and to the marks that it lacks."""
    field = revenue_field(money.currency, settings)
    there = yield from first(("Id", field, *marks), kind, equals("Id", record), settings)
    if there is not None:
        lacking = {name: value for name, value in marks.items() if not there[name]}
        yield from change(kind, there, {field: number(money), **lacking}, settings)


def _campaign(name: str, settings: "SalesforceSettings") -> Generator[Call, Reply, str]:
    """The campaign of this name, an active one first; made if absent, once, by a reference made from the name."""
    ref = f"list_{id_from_content(name)}"
    where = f"{equals('Name', name)} OR {equals(REF, ref)}"
    found = yield from select(
        soql(("Id", "Name", "IsActive"), "Campaign", where, order="CreatedDate", limit=50), settings
    )
    if found:
        best = min(found, key=lambda one: (not one["IsActive"], one["Name"].lower() != name.lower()))
        return str(best["Id"])
    return (yield from upsert("Campaign", ref, {"Name": name[:80], "IsActive": True}, settings))


def _owner(email: str | None, found: Body, settings: "SalesforceSettings") -> Generator[Call, Reply, str | None]:
    """The user of this address. Raises Rejected for a stranger. Without an address: the contact's owner, if active."""
    if email is None:
        return found["OwnerId"] if (found.get("Owner") or {}).get("IsActive") else None
    owner = yield from contact.user(email, settings)
    if owner is None:
        raise Rejected("no active Salesforce user has the task owner's e-mail address: name another owner")
    return owner


def _find(key: str, settings: "SalesforceSettings") -> Generator[Call, Reply, Receipt | None]:
    """A comparison in a query ignores case, so the key is compared here again. `queryAll` sees archived and deleted
    tasks: what a colleague has thrown away is not made again."""
    query = soql(("Id", KEY), "Task", equals(KEY, key), limit=10)
    for task in (yield from select(query, settings, deleted_too=True)):
        if task[KEY] == key:
            return _task_receipt(task["Id"], settings)
    return None


def _task_receipt(task: str, settings: "SalesforceSettings") -> Receipt:
    return Receipt(reference=task, facts={"task": task}, url=link(task, settings))
