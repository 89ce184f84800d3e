"""The types in which a vendor's stand-in is written. Only `sandbox/` and tests import a `stand_in`.

A stand-in is the vendor as far as we use it: routes, strict request models, books. Handlers are plain functions:
`handler(heard, books) -> Answer`. The sandbox adds the network, the outbox, faults and the sending of webhooks.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from platforms.base import PlatformSettings


@dataclass(frozen=True)
class Heard:
    """A request at a stand-in. `json` is the parsed JSON body or None; `form` the form-encoded one."""

    method: str
    path: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    json: Any
    form: Mapping[str, str]
    settings: Any


@dataclass(frozen=True)
class Webhook:
    """What the vendor sends us afterwards: body, signed by the platform's own `Inbound.sign`. `after` in seconds.

    `url` is None for the gateway's `/webhooks/{platform}`."""

    body: bytes
    content_type: str = "application/json"
    after: float = 0.0
    url: str | None = None


@dataclass(frozen=True)
class Answer:
    """A stand-in's answer; `json` None and `text` empty is an empty body."""

    status: int = 200
    json: Any = None
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"
    webhooks: Sequence[Webhook] = ()


@dataclass(frozen=True)
class Route:
    """`path` may hold `{names}`; they match one segment each."""

    method: str
    path: str
    handler: Callable[[Heard, Any], Answer]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile("^" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path) + "$")


@dataclass(frozen=True)
class StandIn:
    """A vendor's double.

    `books()` makes its empty record, a pydantic model that `GET /books/{platform}` shows. `guard(heard)` refuses wrong
    credentials in the vendor's words, or gives None. `rate_limited()` and `broken()` are the vendor's 429 and 500.
    `moves` are things an outsider may make happen (`deliver`, `view` …): `POST /{platform}/_move/{name}` with JSON.
    """

    name: str
    books: Callable[[], Any]
    routes: Sequence[Route]
    guard: Callable[[Heard], Answer | None]
    rate_limited: Callable[[], Answer]
    broken: Callable[[], Answer]
    settings: Callable[[], PlatformSettings]
    moves: Mapping[str, Callable[[Any, Any], Answer]] = field(default_factory=dict)
