"""What every effect's doer works with: the program, the messages, the addresses people see."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from authoring.messages import Messages
from models.contact import Contact
from models.effect import Order
from models.links import Links
from models.money import Money
from models.program import Program
from store.ledger import CannotDo as CannotDo
from store.ledger import Look
from store.referral import closed_count


@dataclass(frozen=True)
class Kit:
    """`links` signs the addresses of a person's own pages."""

    program: Program
    messages: Messages
    links: Links

    def csm_of(self, contact: Contact) -> str:
        """The contact's success manager by e-mail.

        Raises CannotDo naming the setting when nobody is known."""
        csm = contact.csm_email or self.program.csm
        if csm is None:
            raise CannotDo(
                "nobody looks after this contact: give them an owner in the CRM, or set `csm` in program.yaml"
            )
        return csm

    async def variables(self, look: Look) -> dict[str, Any]:
        """What a message may speak of."""
        contact = look.contact
        row = await look.referral()
        friend = None if row is None else await look.contact_of(row.friend_id)
        return {
            "contact": {
                "first_name": contact.first_name,
                "last_name": contact.last_name,
                "name": contact.name,
                "company": contact.company,
            },
            "csm": {"email": contact.csm_email or self.program.csm},
            "company": self.program.company,
            "event": look.order.facts,
            "hub_url": self.links.hub(contact.id),
            "referral_link": None if self.program.referrals is None else self.links.referral(await look.own_code()),
            "payout_url": self.links.payout(contact.id),
            "friend": {
                "first_name": None if friend is None else friend.first_name,
                "name": None if friend is None else friend.name,
                "company": None if friend is None else friend.company,
            },
            "referral": await _impact(look, row),
            "amount": _amount_of(look.order),
            "unsubscribe_url": self.links.preferences(contact.id),
            "step": look.order.step,
            "journey_url": self._journey_url(look),
            "alert": {"about": "", "what": "", "detail": "", **_alert_of(look.order)},
        }

    def _journey_url(self, look: Look) -> str:
        order = look.order
        if order.journey.startswith("r_"):
            return self.links.referral_workflow(order.journey)
        return self.links.journey(order.playbook, order.contact)


async def _impact(look: Look, row: Row[Any] | None) -> dict[str, Any]:
    """What the advocate may read of their own referral: when they sent somebody, by what, and how many of those whom
    they sent are customers now. It says nothing of the friend, as their hub does not. Nobody else's is told."""
    advocate = None if row is None else await look.contact_of(row.advocate_id)
    if row is None or advocate is None or advocate.id != look.contact.id:
        return {}
    at = row.submitted_at
    customers = await closed_count(look.conn, look.contact.id)
    return {"day": f"{at.day} {at:%B %Y}", "how": row.how, "customers": customers}


def _amount_of(order: Order) -> str | None:
    """The money its event speaks of, as people write it."""
    amount = order.facts.get("amount")
    return None if amount is None else str(Money.model_validate(amount))


def _alert_of(order: Order) -> dict[str, str]:
    return {k: str(v) for k, v in order.params.items()} if order.effect == "alert" else {}
