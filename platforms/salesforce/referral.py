"""A referral at Salesforce: a lead that becomes a deal, and one row of `Referral__c` that shows the whole of it.

The failure prevented: a salesperson's work undone by a message that we repeat. `Ovation_Stage__c` holds the stage that
we told last: where we have nothing newer to tell, people's status stays; and what they closed we do not open again.
"""

from collections.abc import Generator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from platforms.base import Body, Call, Reply, Talk
from platforms.capabilities import PutLead, PutRow, Receipt, Referral, Stage
from platforms.errors import Rejected
from platforms.salesforce import contact
from platforms.salesforce.records import NO_ASSIGNMENT, REF, Twins, change, equals, first, link, number, upsert

if TYPE_CHECKING:
    from platforms.salesforce import SalesforceSettings

STAGE = "Ovation_Stage__c"
NOTES = "Ovation_Notes__c"
ADVOCATE = "Referred_By__c"
"""Fields of ours on leads and deals; nobody but us writes the first two."""

ENDS = frozenset[Stage]({"won", "lost", "disqualified"})

_LINKS = ("Advocate__c", "Referred_Contact__c", "Referred_Lead__c", "Opportunity__c")
ROW_FIELDS = (*_LINKS, "Status__c", "Submitted_At__c", "Revenue__c", "Link__c")


def put_lead(action: PutLead, key: str, settings: "SalesforceSettings") -> Talk:
    """PATCH …/Lead/Ovation_Ref__c/{referral}, then of what differs. A converted lead cannot be written: from then on
    its deal carries our reference, and moves where `opportunity_stages` says so."""
    lead = yield from _lead(action.referral, settings)
    if lead is None:
        made = yield from _lead_made(action, settings)
        return Receipt(reference=made, facts={"lead": made}, url=link(made, settings))
    if lead["IsConverted"]:
        return (yield from _deal_kept(action, lead, settings))
    yield from change("Lead", lead, {**_stage(lead, "Status", settings.stages, action), NOTES: notes(action)}, settings)
    return Receipt(reference=lead["Id"], facts={"lead": lead["Id"]}, url=link(lead["Id"], settings))


def put_row(action: PutRow, key: str, settings: "SalesforceSettings") -> Talk:
    """PATCH …/Referral__c/Ovation_Ref__c/{referral}: the row, linked to whom and what Salesforce knows of it."""
    fields = ("Id", STAGE, NOTES, *ROW_FIELDS, *(["CurrencyIsoCode"] if settings.multi_currency else []))
    row = yield from first(fields, "Referral__c", equals(REF, action.referral), settings)
    wanted = {NOTES: notes(action), **_worth(action, settings), **(yield from _links(action, settings))}
    wanted |= {"Link__c": action.link} if action.link else {}
    wanted |= _stage(row or {}, "Status__c", settings.record_stages, action)
    if row is not None:
        yield from change("Referral__c", row, wanted, settings)
        made = str(row["Id"])
    else:
        once = {"Name": _title(action), "Submitted_At__c": instant(action.submitted_at)}
        made = yield from upsert("Referral__c", action.referral, {**once, **wanted}, settings)
    return Receipt(reference=made, facts={"row": made}, url=link(made, settings))


def deal(referral: str, settings: "SalesforceSettings") -> Generator[Call, Reply, str | None]:
    """The deal that carries our reference, else the one that the referral's lead was converted to."""
    found = yield from first(("Id",), "Opportunity", equals(REF, referral), settings)
    if found is not None:
        return str(found["Id"])
    lead = yield from _lead(referral, settings)
    return lead["ConvertedOpportunityId"] if lead is not None else None


def instant(at: datetime) -> str:
    """A time in UTC as Salesforce reads it in bodies and in queries."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def notes(action: Referral) -> str:
    """Our words on a lead or row: the notes, then where to read more."""
    return "\n\n".join(part for part in (action.notes.strip(), action.link or "") if part)[:32_000]


def _lead(referral: str, settings: "SalesforceSettings") -> Generator[Call, Reply, Body | None]:
    turned = ("IsConverted", "ConvertedContactId", "ConvertedOpportunityId")
    fields = ("Id", "Status", *turned, REF, STAGE, NOTES, ADVOCATE)
    return (yield from first(fields, "Lead", equals(REF, referral), settings))


def _lead_made(action: PutLead, settings: "SalesforceSettings") -> Generator[Call, Reply, str]:
    """With an owner of ours the org's assignment rules are kept out; without one they choose."""
    advocate = yield from contact.known(action.advocate, settings)
    owner = yield from contact.user(action.owner_email, settings)
    ours = {STAGE: action.stage, NOTES: notes(action), **({ADVOCATE: advocate["Id"]} if advocate else {})}
    values = {
        **contact.names(action.person),
        "Company": (action.person.company or contact.NOT_PROVIDED)[:255],
        **({"Email": action.person.email} if action.person.email else {}),
        "LeadSource": settings.lead_source,
        **({"Status": word} if (word := settings.stages.get(action.stage)) else {}),
        **({"OwnerId": owner} if owner else {}),
        **ours,
    }
    try:
        return (yield from upsert("Lead", action.referral, values, settings, NO_ASSIGNMENT if owner else None))
    except Twins as twins:
        return (yield from _lead_taken(twins.only("Lead"), {REF: action.referral, **ours}, settings))


def _lead_taken(found: str, ours: Body, settings: "SalesforceSettings") -> Generator[Call, Reply, str]:
    """A lead that marketing had before becomes the referral's; what people wrote on it stays."""
    there = yield from first(("Id", REF, STAGE, NOTES, ADVOCATE), "Lead", equals("Id", found), settings)
    if there is None or there[REF] not in (None, "", ours[REF]):
        raise Rejected(f"Salesforce has a lead of this person already, of another referral: {found}")
    yield from change("Lead", there, ours, settings)
    return found


def _deal_kept(action: PutLead, lead: Body, settings: "SalesforceSettings") -> Talk:
    """A lead that was converted without a deal is left as it is."""
    opportunity = lead["ConvertedOpportunityId"]
    if opportunity is None:
        return Receipt(reference=lead["Id"], facts={"lead": lead["Id"]}, url=link(lead["Id"], settings))
    fields = ("Id", "StageName", "IsClosed", "IsWon", REF, STAGE, ADVOCATE)
    there = yield from first(fields, "Opportunity", equals("Id", opportunity), settings)
    if there is not None:
        marks = {REF: action.referral, ADVOCATE: lead[ADVOCATE]}
        lacking = {name: value for name, value in marks.items() if value and not there[name]}
        says_it = there["IsClosed"] and action.stage in ENDS and there["IsWon"] == (action.stage == "won")
        words = {} if says_it else settings.opportunity_stages
        moved = _stage(there, "StageName", words, action, closed=there["IsClosed"])
        yield from change("Opportunity", there, {**lacking, **moved}, settings)
    facts = {"lead": lead["Id"], "opportunity": opportunity}
    return Receipt(reference=lead["Id"], facts=facts, url=link(opportunity, settings))


def _stage(
    there: Body, field: str, words: Mapping[Stage, str], action: Referral, *, closed: bool | None = None
) -> Body:
    """What is to be written of the stage: nothing if we told it before, or if people have closed what it would open."""
    if there.get(STAGE) == action.stage:
        return {}
    if closed is None:
        closed = there.get(field) in {words[stage] for stage in ENDS if stage in words}
    if closed and action.stage not in ENDS:
        return {}
    word = words.get(action.stage)
    return {STAGE: action.stage, **({field: word} if word else {})}


def _links(action: PutRow, settings: "SalesforceSettings") -> Generator[Call, Reply, Body]:
    """Whom and what the row is about, as far as Salesforce has it; an unknown link is left alone."""
    advocate = yield from contact.known(action.advocate, settings)
    lead = (yield from _lead(action.referral, settings)) or {}
    friend = lead.get("ConvertedContactId")
    if friend is None and (known := (yield from contact.known(action.person, settings))):
        friend = known["Id"]
    numbers = (advocate and advocate["Id"], friend, lead.get("Id"), lead.get("ConvertedOpportunityId"))
    return {name: number for name, number in zip(_LINKS, numbers, strict=True) if number}


def _worth(action: Referral, settings: "SalesforceSettings") -> Body:
    """A sum of another currency is left out, unless the org keeps several."""
    money = action.amount
    if money is None or not (settings.multi_currency or money.currency == settings.currency):
        return {}
    return {"Revenue__c": number(money), **({"CurrencyIsoCode": money.currency} if settings.multi_currency else {})}


def _title(action: Referral) -> str:
    """The row's name, as a list of them shows it."""
    friend, advocate = (
        " ".join(part for part in (who.first_name, who.last_name) if part) or "somebody"
        for who in (action.person, action.advocate)
    )
    return f"{friend}, referred by {advocate}"[:80]
