"""Who is this, and is the playbook for them? The first effect of every journey; a read, so a repeat harms nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.exceptions import ApplicationError

from activities.contact import unmet_rule
from activities.kit import who
from activities.perform import MEND
from models.contact import Contact
from models.effect import Order, Outcome
from platforms.base import Platform, PlatformSettings
from platforms.capabilities import FindContact, Receipt
from platforms.errors import RateLimited, Rejected, Unauthorized, VendorError
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
        contact = await contacts.read(self.engine, order.contact)
        if contact is None:
            return Outcome(kind="withheld", reason="the contact was erased")
        await saw_running(self.engine, order.journey)
        if order.platform is not None:
            trouble = await self._look_up(order, contact)
            if trouble is not None:
                return trouble
            contact = await contacts.read(self.engine, order.contact) or contact
        if contact.opted_out_at is not None:
            return Outcome(kind="withheld", reason="they opted out")
        unmet = unmet_rule(contact, list(order.params.get("rules", [])))
        return Outcome(kind="withheld", reason=unmet) if unmet else Outcome(kind="done")

    async def _look_up(self, order: Order, contact: Contact) -> Outcome | None:
        platform, settings = self.platforms[order.platform or ""]
        action = platform.action(FindContact)
        if action is None:
            return None
        try:
            asked = FindContact(who=who(contact))
            receipt: Receipt = await self.runner.hold(
                platform, settings, action.talk(asked, order.key, settings), key=order.key
            )
        except Unauthorized as error:
            reason = f"{platform.label}: {error}"
            return Outcome(kind="not_before", at=order.now + MEND, reason=reason, attention=True)
        except Rejected as error:
            return Outcome(kind="refused", reason=f"{platform.label}: {error}")
        except VendorError as error:
            wait = timedelta(seconds=error.retry_after) if isinstance(error, RateLimited) else None
            raise ApplicationError(f"{platform.label}: {error}", type="TryAgain", next_retry_delay=wait) from error
        await contacts.learn_from(
            self.engine, order.contact, receipt.identities, receipt.person, opted_out=receipt.opted_out
        )
        return None
