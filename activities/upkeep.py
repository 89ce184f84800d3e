"""One round of a platform's scheduled job.

The failure prevented: a webhook that ended unnoticed, and what it would have told, lost. The mark moves only after the
events that it stands for are stored; a round that dies is run again from the old mark, and the inbox knows repeats. An
event that nobody can keep is passed over, or the mark would stand before it for ever.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity
from temporalio.exceptions import ApplicationError

from models.event import Event
from models.links import Links
from models.token import Token
from models.upkeep import UpkeepDone, UpkeepRun
from platforms.base import Platform, PlatformSettings, Round, Upkept
from platforms.errors import RateLimited, Rejected, Unauthorized, VendorError
from platforms.runner import Runner
from store import inbox, marks
from store.database import now
from store.tokens import TokenVault

log = logging.getLogger("ovation.upkeep")


@dataclass(frozen=True)
class Upkeeper:
    """Carries out rounds."""

    engine: AsyncEngine
    links: Links
    runner: Runner
    vault: TokenVault
    platforms: Mapping[str, tuple[Platform, PlatformSettings]]

    @activity.defn
    async def keep_up(self, run: UpkeepRun) -> UpkeepDone:
        """Raises ApplicationError in the vendor's words; Temporal tries again unless that cannot help."""
        platform, settings = self.platforms[run.platform]
        job = next((u for u in platform.upkeep if u.name == run.name), None)
        if job is None:
            raise ApplicationError(f"{platform.label} has no upkeep {run.name!r}", non_retryable=True)
        mark = await marks.read(self.engine, run.schedule_id)
        given = Round(mark=mark, webhook_url=self.links.hook(run.platform), now=now())
        try:
            kept: Upkept = await self.runner.hold(platform, settings, job.talk(given, settings))
        except (Rejected, Unauthorized) as error:
            raise ApplicationError(f"{platform.label}: {error}", non_retryable=True) from error
        except VendorError as error:
            wait = timedelta(seconds=error.retry_after) if isinstance(error, RateLimited) else None
            raise ApplicationError(f"{platform.label}: {error}", next_retry_delay=wait) from error
        if kept.secret is not None:
            await self.vault.put(secret_name(run.platform), Token(kept.secret))
        found = [await self._take(run, event) for event in kept.events]
        await marks.keep(self.engine, run.schedule_id, kept.mark)
        return UpkeepDone(found=sum(found), again_at=kept.again_at)

    async def _take(self, run: UpkeepRun, event: Event) -> bool:
        """Whether the event was new and is stored."""
        try:
            return (await inbox.accept(self.engine, event)).new
        except inbox.Unacceptable as error:
            log.warning("%s: the event %r was passed over: %s", run.schedule_id, event.source_id, error)
            return False


def secret_name(platform: str) -> str:
    """What the vault calls the secret of a webhook that the vendor made."""
    return f"{platform}.webhook_secret"
