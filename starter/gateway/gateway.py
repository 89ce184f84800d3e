"""What every door of the gateway works with."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import HTTPException, Request
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from authoring.shelf import Shelf
from models.event import Event
from models.links import Links
from models.settings import Settings
from platforms.base import Platform, PlatformSettings
from starter.gateway.measures import ACCEPTED
from starter.gateway.relay import Relay
from store import inbox
from store.inbox import Accepted

MAX_BODY = 1_000_000
"""Bytes. The largest webhook a vendor documents is a tenth of this."""

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

    async def accept(self, event: Event) -> Accepted:
        """Stores an event, and has it handed on. Raises ValueError when its data does not fit its type."""
        accepted = await inbox.accept(self.engine, event)
        ACCEPTED.labels(event.type, "new" if accepted.new else "known already").inc()
        if accepted.new:
            self.relay.nudge()
        return accepted

    def now(self) -> datetime:
        return datetime.now(UTC)


def gateway(request: Request) -> Gateway:
    """The gateway of a request."""
    found: Gateway = request.app.state.gateway
    return found


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
