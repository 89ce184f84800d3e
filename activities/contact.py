"""The contact: read afresh from the CRM, put on a list, given a tier."""

from activities.kit import Kit
from journeys.conditions import holds
from models.base import Json
from models.contact import Contact
from platforms.capabilities import AddToList, Who
from store.ledger import Look


async def add_to_list(look: Look, kit: Kit) -> AddToList:
    return AddToList(who=Who.of(look.contact), list=look.order.params["list"])


def unmet_rule(contact: Contact, rules: list[Json]) -> str | None:
    """The words of the first rule the contact does not meet; None when they meet all."""
    facts = contact.model_dump(mode="json", exclude={"address", "identities"})
    for rule in rules:
        if not holds(str(rule["rule"]), contact=facts):
            return str(rule["otherwise"])
    return None
