"""What every door of the gateway works with."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import HTTPException, Request
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.service import RPCError

from activities.upkeep import secret_name
from authoring.shelf import Shelf
from models.event import Event
from models.links import Links
from models.settings import Settings
from models.token import Token
from models.upkeep import UpkeepRun
from platforms.base import Platform, PlatformSettings
from platforms.runner import Runner
from starter.gateway.measures import ACCEPTED
from starter.gateway.relay import Relay
from store import inbox
from store.inbox import Accepted
from store.tokens import TokenVault

MAX_BODY = 1_000_000
"""Bytes. The largest webhook a vendor documents is a tenth of this."""

PATIENCE = 3.0
"""Seconds that the database or Temporal has to answer, where somebody waits who can do without."""

log = logging.getLogger("ovation.gateway")


@dataclass
class Gateway:
    """The database, the program, the addresses, and the relay to Temporal."""

    settings: Settings
    engine: AsyncEngine
    client: Client
    shelf: Shelf
    links: Links
    platforms: Mapping[str, tuple[Platform, PlatformSettings]]
    relay: Relay
    vault: TokenVault
    runner: Runner

    async def accept(self, event: Event) -> Accepted:
        """Stores an event, and has it handed on. Raises Unacceptable when it makes no sense or cannot be kept."""
        accepted = await inbox.accept(self.engine, event)
        ACCEPTED.labels(event.type, "new" if accepted.new else "known already").inc()
        if accepted.new:
            self.relay.nudge()
        return accepted

    async def settings_of(self, name: str) -> PlatformSettings:
        """A platform's settings; with the webhook's secret that the vendor made, where none is set."""
        settings = self.platforms[name][1]
        if settings.webhook_secret is None:
            kept = await self.vault.get(secret_name(name))
            if kept is not None:
                return settings.model_copy(update={"webhook_secret": SecretStr(kept.value)})
        return settings

    async def referral_of(self, event: str) -> tuple[str | None, str | None]:
        """The referral and the friend an accepted event is about."""
        data = (await inbox.event_by_id(self.engine, event)).data
        return (str(data["referral"]) if "referral" in data else None), (
            str(data["friend"]) if "friend" in data else None
        )

    async def keep_secret(self, name: str, secret: str) -> None:
        """The vendor just told us the webhook's secret."""
        await self.vault.put(secret_name(name), Token(secret))

    async def poke(self, platform: str, upkeep: str) -> None:
        """Runs a platform's upkeep at once. A poke that is lost costs time only: the schedule comes round."""
        schedule = UpkeepRun(platform=platform, name=upkeep).schedule_id
        try:
            await asyncio.wait_for(self.client.get_schedule_handle(schedule).trigger(), PATIENCE)
        except (RPCError, TimeoutError, RuntimeError, OSError) as error:  # a RuntimeError: it never was connected
            log.warning("%s was not run at once: %s", schedule, str(error)[:200] or type(error).__name__)

    def now(self) -> datetime:
        return datetime.now(UTC)


def gateway(request: Request) -> Gateway:
    """The gateway of a request."""
    found: Gateway = request.app.state.gateway
    return found


def clean(text: str) -> str:
    """A text that can be answered, whatever of a stranger's it quotes: half a character is a question mark."""
    return text.encode("utf-8", "replace").decode()


async def body_of(request: Request) -> bytes:
    """The whole body. Raises 413 as soon as it is too large, whatever its header said."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY:
            raise HTTPException(413, f"the body is larger than {MAX_BODY} bytes")
        parts.append(part)
    return b"".join(parts)
