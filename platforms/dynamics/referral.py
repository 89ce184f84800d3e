"""A referral at Dynamics: a lead that is qualified to an opportunity, and one row of a table of our own.

The failure prevented: a salesperson's work undone by a message that we repeat. `…_ovationstage` holds the stage that we
told last: where we have nothing newer to tell, people's status stays; and what they closed we do not open again.
"""

from collections.abc import Generator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from platforms.base import Body, Call, Reply, Talk
from platforms.capabilities import PutLead, PutRow, Receipt, Referral, Stage
from platforms.dynamics import contact
from platforms.dynamics.rows import change, link, made_once, number, one, own, own_id, path, query

if TYPE_CHECKING:
    from platforms.dynamics import DynamicsSettings

ENDS = frozenset[Stage]({"won", "lost", "disqualified"})
OPEN, QUALIFIED_OR_WON = 0, 1
_WON, _LOST = 3, 4
"""Status reasons of closed opportunities, unless somebody has made others."""

ROW_COLUMNS = (
    *("name", "ovationref", "ovationstage", "ovationnotes", "status", "amount", "currency", "link", "submittedon"),
)


def put_lead(action: PutLead, key: str, settings: "DynamicsSettings") -> Talk:
    """PATCH /leads({id made from the referral's}), made or brought up to date. A qualified lead is read-only: from then
    on its opportunity is kept in step, and closed where the settings say so."""
    row = own_id("lead", action.referral)
    columns = ("statecode", "statuscode", own("ovationstage", settings), own("ovationnotes", settings))
    lead = yield from one("leads", row, columns, settings)
    facts = {"lead": row}
    if lead is None:
        yield from _lead_made(row, action, settings)
    elif lead["statecode"] == QUALIFIED_OR_WON:
        deal = yield from _deal_kept(action, settings)
        facts |= {"opportunity": deal} if deal is not None else {}
    else:
        wanted = {own("ovationnotes", settings): notes(action)} | _lead_stage(lead, action, settings)
        yield from change("leads", row, lead, wanted, settings)
    return Receipt(reference=row, facts=facts, url=link("lead", row, settings))


def put_row(action: PutRow, key: str, settings: "DynamicsSettings") -> Talk:
    """PATCH /…_ovationreferrals({id made from the referral's}): made, or brought up to date."""
    rows, row = own("ovationreferrals", settings), own_id("row", action.referral)
    there = yield from one(rows, row, (own(name, settings) for name in ROW_COLUMNS), settings)
    wanted: Body = {"ovationnotes": action.notes.strip()[:2000], **_worth(action)}
    wanted |= {"link": action.link} if action.link else {}
    stage = _stage(there or {}, own("status", settings), settings.record_stages, action, settings)
    values = {own(name, settings): value for name, value in wanted.items()} | stage
    if there is not None:
        yield from change(rows, row, there, values, settings)
    else:
        once = {"name": title(action), "ovationref": action.referral, "submittedon": instant(action.submitted_at)}
        values |= {own(name, settings): value for name, value in once.items()}
        yield from made_once(rows, row, values, settings)
    return Receipt(reference=row, facts={"row": row}, url=link(own("ovationreferral", settings), row, settings))


def opportunity(referral: str, settings: "DynamicsSettings") -> Generator[Call, Reply, Body | None]:
    """The oldest opportunity that the referral's lead was qualified to."""
    columns = ("opportunityid", "statecode", own("ovationstage", settings))
    where = f"_originatingleadid_value eq {own_id('lead', referral)}"
    found = yield from query("opportunities", columns, where, settings, order="createdon")
    return found[0] if found else None


def notes(action: Referral) -> str:
    """Our words on a lead: the notes, then where to read more."""
    return "\n\n".join(part for part in (action.notes.strip(), action.link or "") if part)[:2000]


def title(action: Referral) -> str:
    """A row's or lead's name, as a list of them shows it."""
    friend, advocate = (
        " ".join(part for part in (who.first_name, who.last_name) if part) or "somebody"
        for who in (action.person, action.advocate)
    )
    return f"{friend}, referred by {advocate}"[:100]


def instant(at: datetime) -> str:
    """A time in UTC as Dataverse reads it, to the second."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _lead_made(row: str, action: PutLead, settings: "DynamicsSettings") -> Generator[Call, Reply, None]:
    owner = yield from contact.user(action.owner_email, settings)
    person = action.person
    values = {
        "subject": f"Referral: {title(action)}",
        **contact.names(person),
        **({"companyname": person.company[:100]} if person.company else {}),
        **({"emailaddress1": person.email[:100]} if person.email else {}),
        "leadsourcecode": settings.lead_source,
        own("ovationref", settings): action.referral,
        own("ovationnotes", settings): notes(action),
        **_lead_stage({}, action, settings),
        **({"ownerid@odata.bind": f"/systemusers({owner})"} if owner else {}),
    }
    yield from made_once("leads", row, values, settings)


def _lead_stage(lead: Body, action: Referral, settings: "DynamicsSettings") -> Body:
    """A status reason stands with its state: 2 is disqualified, 0 open. People's reason for an end stays."""
    closed = lead.get("statecode", OPEN) != OPEN
    words = {} if closed and action.stage in ENDS else settings.stages
    new = _stage(lead, "statuscode", words, action, settings, closed=closed)
    if "statuscode" in new:
        new["statecode"] = 2 if action.stage in ENDS else OPEN
    return new


def _deal_kept(action: PutLead, settings: "DynamicsSettings") -> Generator[Call, Reply, str | None]:
    """The stage told last, and with `close_opportunities` the end of an opportunity that is still open."""
    deal = yield from opportunity(action.referral, settings)
    if deal is None:
        return None
    row = str(deal["opportunityid"])
    if settings.close_opportunities and deal["statecode"] == OPEN and action.stage in ENDS:
        yield from _closed(row, action, settings)
    new = _stage(deal, "", {}, action, settings, closed=deal["statecode"] != OPEN)
    yield from change("opportunities", row, deal, new, settings)
    return row


def _closed(row: str, action: PutLead, settings: "DynamicsSettings") -> Generator[Call, Reply, None]:
    """POST /WinOpportunity or /LoseOpportunity; a closed one refuses, so its state was read before."""
    won = action.stage == "won"
    close: Body = {
        "subject": f"{'Won' if won else 'Lost'}: {title(action)}"[:200],
        "opportunityid@odata.bind": f"/opportunities({row})",
        "actualend": instant(action.at),
    }
    if won and action.amount is not None and action.amount.currency == settings.currency:
        close["actualrevenue"] = number(action.amount)
    body = {"Status": _WON if won else _LOST, "OpportunityClose": close}
    yield Call.post(path("/WinOpportunity" if won else "/LoseOpportunity", settings), json=body)


def _stage(
    there: Body,
    column: str,
    words: Mapping[Stage, Any],
    action: Referral,
    settings: "DynamicsSettings",
    *,
    closed: bool | None = None,
) -> Body:
    """What is to be written of the stage: nothing if we told it before, or if people have closed what it would open."""
    told = own("ovationstage", settings)
    if there.get(told) == action.stage:
        return {}
    if closed is None:
        closed = there.get(column) in {words[stage] for stage in ENDS if stage in words}
    if closed and action.stage not in ENDS:
        return {}
    word = words.get(action.stage)
    return {told: action.stage, **({column: word} if word is not None and there.get(column) != word else {})}


def _worth(action: Referral) -> Body:
    money = action.amount
    return {} if money is None else {"amount": number(money), "currency": money.currency}
