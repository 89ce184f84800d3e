"""What every effect's doer works with: the program, the messages, the addresses people see."""

from dataclasses import dataclass
from typing import Any

from authoring.messages import Messages
from models.contact import Contact
from models.effect import Order
from models.links import Links
from models.program import Program
from platforms.capabilities import Who
from store.ledger import Look


class CannotDo(Exception):
    """An effect that cannot be done with what is known; the message says what to mend."""


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

    def variables(self, look: Look) -> dict[str, Any]:
        """What a message may speak of."""
        contact = look.contact
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
            "referral_link": None,
            "unsubscribe_url": self.links.preferences(contact.id),
            "step": look.order.step,
            "journey_url": self.links.journey(look.order.playbook, contact.id),
            "alert": {"about": "", "what": "", "detail": "", **_alert_of(look.order)},
        }


def _alert_of(order: Order) -> dict[str, str]:
    return {k: str(v) for k, v in order.params.items()} if order.effect == "alert" else {}


def who(contact: Contact) -> Who:
    """The contact as a platform needs to know them."""
    return Who(
        contact=contact.id,
        email=contact.email,
        first_name=contact.first_name,
        last_name=contact.last_name,
        company=contact.company,
        csm_email=contact.csm_email,
        identities=contact.identities,
    )
