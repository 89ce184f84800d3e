"""Who is this, and is the playbook for them? The first effect of every advocate's journey."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.contact import unmet_rule
from activities.look_up import look_up
from models.effect import Order, Outcome
from platforms.base import Platform, PlatformSettings
from platforms.runner import Runner
from store import contact as contacts
from store.journey import saw_running


@dataclass(frozen=True)
class Qualifier:
    """Reads the contact from the CRM, learns what it tells, and looks at the playbook's rules."""

    engine: AsyncEngine
    runner: Runner
    platforms: Mapping[str, tuple[Platform, PlatformSettings]]

    async def qualify(self, order: Order) -> Outcome:
        """Raises ApplicationError when the CRM is to be asked again."""
        if await contacts.read(self.engine, order.contact) is None:
            return Outcome(kind="withheld", reason="the contact was erased")
        await saw_running(self.engine, order.journey)
        if order.platform is not None:
            trouble = await look_up(self.engine, self.runner, self.platforms[order.platform], order, order.contact)
            if trouble is not None:
                return trouble
        contact = await contacts.read(self.engine, order.contact)
        if contact is None:
            return Outcome(kind="withheld", reason="the contact was erased")
        if contact.opted_out_at is not None:
            return Outcome(kind="withheld", reason="they opted out")
        unmet = unmet_rule(contact, list(order.params.get("rules", [])))
        return Outcome(kind="withheld", reason=unmet) if unmet else Outcome(kind="done", facts={"tier": contact.tier})
