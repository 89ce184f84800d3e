"""Reading a person afresh from the CRM. A read, so a repeat harms nothing."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.exceptions import ApplicationError

from activities.perform import MEND
from models.effect import Order, Outcome
from platforms.base import Platform, PlatformSettings
from platforms.capabilities import FindContact, Receipt, Who
from platforms.errors import RateLimited, Rejected, Unauthorized, VendorError
from platforms.runner import Runner
from store import contact as contacts


async def look_up(
    engine: AsyncEngine, runner: Runner, crm: tuple[Platform, PlatformSettings], order: Order, contact: str
) -> Outcome | None:
    """Learns what the CRM tells about a contact; None when that went well, or the platform cannot tell.

    Raises ApplicationError when the CRM is to be asked again."""
    platform, settings = crm
    action, found = platform.action(FindContact), await contacts.read(engine, contact)
    if action is None or found is None:
        return None
    if settings.missing():
        reason = f"{platform.label} is not configured: set {', '.join(settings.missing())}"
        return Outcome(kind="not_before", at=order.now + MEND, reason=reason, attention=True)
    try:
        receipt: Receipt = await runner.hold(
            platform, settings, action.talk(FindContact(who=Who.of(found)), order.key, settings), key=order.key
        )
    except Unauthorized as error:
        reason = f"{platform.label}: {error}"
        return Outcome(kind="not_before", at=order.now + MEND, reason=reason, attention=True)
    except Rejected as error:
        return Outcome(kind="refused", reason=f"{platform.label}: {error}")
    except VendorError as error:
        wait = timedelta(seconds=error.retry_after) if isinstance(error, RateLimited) else None
        raise ApplicationError(f"{platform.label}: {error}", type="TryAgain", next_retry_delay=wait) from error
    kept = await contacts.learn_from(engine, contact, receipt.identities, receipt.person, opted_out=receipt.opted_out)
    return None if kept == contact else Outcome(kind="withheld", reason=f"the same person as {kept}")
