"""A referral told to other systems: a lead, a card, a row, a ticket, a request for files. All of it absolute."""

from datetime import timedelta
from typing import Any, cast

from sqlalchemy import Row

from activities.kit import CannotDo, Kit
from models.base import Json
from models.contact import Contact
from models.money import Money
from models.playbook import duration
from platforms.capabilities import OpenTicket, PutCard, PutLead, PutRow, RequestFiles, Stage, Who
from store.governance import Wait, Withhold
from store.ledger import Look

_STAGES: dict[str, Stage] = {
    "submitted": "accepted",
    "qualified": "qualified",
    "closed": "won",
    "lost": "lost",
    "refunded": "lost",
}
"""Our record's word → the stage other systems are told."""


async def update_lead(look: Look, kit: Kit) -> PutLead:
    return PutLead.model_validate(await _told(look, kit))


async def update_card(look: Look, kit: Kit) -> PutCard:
    return PutCard.model_validate(await _told(look, kit))


async def update_row(look: Look, kit: Kit) -> PutRow:
    return PutRow.model_validate(await _told(look, kit))


async def open_ticket(look: Look, kit: Kit) -> OpenTicket:
    message = kit.messages.render(look.order.params["message"], await kit.variables(look), None)
    return OpenTicket.model_validate(await _told(look, kit) | {"subject": message.subject, "text": message.text})


async def request_files(look: Look, kit: Kit) -> RequestFiles:
    params, variables = look.order.params, await kit.variables(look)
    return RequestFiles(
        referral=(await referral_of(look)).id,
        title=kit.messages.render_text(params["title"], variables),
        description=kit.messages.render_text(params.get("description") or "", variables),
        deadline=look.at + max(duration(params.get("within", "14 days")), timedelta(hours=1)),
    )


async def referral_of(look: Look) -> Row[Any]:
    """The referral's row. Raises CannotDo where the step is not about one."""
    row = await look.referral()
    if row is None:
        raise CannotDo("this step is not about a referral: it belongs in a playbook with `about: referral`")
    return row


async def friend_of(look: Look) -> Contact:
    """The referred person. Raises Withhold where nobody knows them."""
    friend = await look.contact_of((await referral_of(look)).friend_id)
    if friend is None:
        raise Withhold("nobody knows who was referred")
    return friend


async def _told(look: Look, kit: Kit) -> Json:
    row = await referral_of(look)
    if await look.another_at_work():
        raise Wait("another word about this referral is on its way there", timedelta(seconds=2))
    advocate, friend = await look.contact_of(row.advocate_id), await friend_of(look)
    if advocate is None:
        raise Withhold("the advocate was erased")
    amount = None if row.amount_minor is None else Money(minor=row.amount_minor, currency=row.currency)
    return {
        "referral": row.id,
        "advocate": Who.of(advocate),
        "person": Who.of(friend),
        "stage": "disqualified" if row.verdict == "deny" else _STAGES[row.status],
        "amount": amount,
        "owner_email": advocate.csm_email or kit.program.csm,
        "link": kit.links.referral_workflow(row.id) if kit.links.temporal_ui else None,
        "notes": cast(str, row.notes),
        "submitted_at": row.submitted_at,
        "at": look.at,
    }
