"""What the vendors tell us: each webhook signed as the vendor signs it, and sent again while we are down.

The failure prevented: a gateway that is only ever tried with webhooks that arrive once and while it is up. Vendors try
again when we are away or answer 5xx or 429, and sign each attempt anew; so does this.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import httpx
from tenacity import (
    AsyncRetrying,
    RetryError,
    retry_if_exception_type,
    retry_if_result,
    stop_after_delay,
    wait_exponential,
)

from platforms.stand_in import Webhook
from sandbox.faults import Faults
from sandbox.outbox import moment, readable
from sandbox.vendors import Vendor

log = logging.getLogger("ovation.sandbox")

KEPT = 50_000
PATIENCE = 120.0
"""Seconds in which a webhook is tried."""
ANSWER_LIMIT = 10.0


@dataclass(slots=True)
class Delivery:
    """A webhook on its way. `at` in unix seconds, when it was first sent; `status` None until there is an answer.

    `url` lacks the query that carries a secret. `error` says why the last attempt failed; `over` that there will be no
    other."""

    platform: str
    url: str
    body: bytes
    content_type: str
    at: float
    status: int | None = None
    attempts: int = 0
    error: str | None = None
    over: bool = False

    @property
    def moment(self) -> str:
        return moment(self.at)

    def shown(self) -> dict[str, Any]:
        """As `GET /webhooks` gives it."""
        return {
            "platform": self.platform,
            "at": self.moment,
            "url": self.url,
            "status": self.status,
            "attempts": self.attempts,
            "error": self.error,
            "over": self.over,
            "body": readable(self.body, self.content_type),
        }


class Webhooks:
    """Sends webhooks to `gateway`, signed as for `public_url`, by which vendors know it, and keeps a record of each."""

    def __init__(self, gateway: str, public_url: str, faults: Faults) -> None:
        self._gateway = gateway.rstrip("/")
        self._public_url = public_url.rstrip("/")
        self._faults = faults
        self._tasks: set[asyncio.Task[None]] = set()
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(ANSWER_LIMIT, pool=None),
            limits=httpx.Limits(max_connections=32),
            headers={"User-Agent": "ovation-sandbox"},
            trust_env=False,  # the gateway is near; a proxy is not asked for it
        )
        self.deliveries: deque[Delivery] = deque(maxlen=KEPT)

    def send(self, vendor: Vendor, webhooks: Iterable[Webhook]) -> None:
        """Sends them from now on, each when it is due, and does not wait."""
        for webhook in webhooks:
            for _ in range(2 if self._faults.doubles_webhook(vendor.name) else 1):
                task = asyncio.create_task(self._deliver(vendor, webhook))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Gives up what is not delivered yet."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    async def _deliver(self, vendor: Vendor, webhook: Webhook) -> None:
        await asyncio.sleep(webhook.after)
        delivery = Delivery(
            platform=vendor.name,
            url=webhook.url or f"{self._public_url}/webhooks/{vendor.name}",
            body=webhook.body,
            content_type=webhook.content_type,
            at=time.time(),
        )
        self.deliveries.append(delivery)
        tries = AsyncRetrying(
            retry=retry_if_exception_type(httpx.TransportError) | retry_if_result(_try_again),
            wait=wait_exponential(multiplier=0.1, min=0.2, max=5.0),
            stop=stop_after_delay(PATIENCE),
        )
        try:
            await tries(self._attempt, vendor, delivery)
        except RetryError:
            delivery.error = f"given up after {PATIENCE:.0f} s; at last: {delivery.error or delivery.status}"
        except Exception as error:  # a webhook that cannot be signed or addressed: shown, where somebody looks for it
            delivery.error = f"not sent: {error}"
            log.warning("a webhook of %s was not sent: %s", vendor.name, error)
        delivery.over = True

    async def _attempt(self, vendor: Vendor, delivery: Delivery) -> int:
        if vendor.inbound is None:
            raise ValueError(f"platform {vendor.name} declares no webhooks (Platform.inbound), so nothing can sign it")
        query = vendor.inbound.sign_query(vendor.settings) if vendor.inbound.sign_query else {}
        url = _with(delivery.url, query)
        signature = vendor.inbound.sign(delivery.body, vendor.settings, url, datetime.now(UTC))
        delivery.attempts += 1
        try:
            answer = await self._client.post(
                self._reached(url),
                content=delivery.body,
                headers={"Content-Type": delivery.content_type, **signature},
            )
        except httpx.TransportError as error:
            delivery.status, delivery.error = None, f"no answer ({type(error).__name__})"
            raise
        delivery.status = answer.status_code
        delivery.error = None if answer.is_success else " ".join(answer.text.split())[:300]
        return answer.status_code

    def _reached(self, url: str) -> str:
        """Where the gateway is reached that vendors know by its public URL."""
        ours = url.startswith(f"{self._public_url}/")
        return self._gateway + url.removeprefix(self._public_url) if ours else url


def _try_again(status: int) -> bool:
    return status == 429 or status >= 500


def _with(url: str, query: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}" if query else url
