"""The stand-ins that are there, each with the settings it shares with the product, its books and its routes.

The failure prevented: a double with other secrets than the product has, where every call is refused and every webhook
unsigned. What the environment sets for a platform holds here too; only what it leaves open is the stand-in's own.
"""

import importlib
import importlib.util
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from pydantic import SecretStr

from platforms import configured
from platforms.base import Inbound, PlatformSettings
from platforms.stand_in import Answer, Heard, Route, StandIn

Found = tuple[Callable[[Heard, Any], Answer], Mapping[str, str]]


@dataclass
class Vendor:
    """A stand-in at work. `inbound` signs its webhooks; None where the platform takes none.

    `outside` names the settings that the environment has, which the product therefore knows already."""

    stand_in: StandIn
    settings: PlatformSettings
    inbound: Inbound | None = None
    outside: frozenset[str] = frozenset()
    books: Any = field(init=False)
    _plain: dict[tuple[str, str], Route] = field(init=False, repr=False)
    _with_names: list[Route] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.start_afresh()
        self._plain = {(r.method, r.path): r for r in self.stand_in.routes if "{" not in r.path}
        self._with_names = [r for r in self.stand_in.routes if "{" in r.path]

    @property
    def name(self) -> str:
        return self.stand_in.name

    def start_afresh(self) -> None:
        """Empties the books."""
        self.books = self.stand_in.books()

    def environment(self, address: str) -> dict[str, str]:
        """The variables that point the product at this stand-in, at `address`; none that its environment has."""
        prefix = self.settings.model_config.get("env_prefix") or ""
        own = {name: getattr(self.settings, name) for name in sorted(self.stand_in.settings().model_fields_set)}
        values = {**own, "base_url": f"{address}/{self.name}"}
        if "base_url" not in self.outside:
            values = {"rate_limit": STANDS, **values}
        return {
            f"{prefix}{name}".upper(): _text(value)
            for name, value in values.items()
            if name not in self.outside and value is not None
        }

    def find(self, method: str, path: str) -> Found | None:
        """The handler and its path's parameters. `path` is still percent-encoded: a `%2F` divides nothing."""
        route = self._plain.get((method, path)) or self._plain.get((method, unquote(path)))
        if route is not None:
            return route.handler, {}
        for route in self._with_names:
            if route.method == method and (match := route.pattern.match(path)):
                return route.handler, {name: unquote(value) for name, value in match.groupdict().items()}
        return None


def found() -> list[Vendor]:
    """A vendor for each registered platform that has a stand-in.

    Raises pydantic's ValidationError for a platform whose settings in the environment cannot be read."""
    vendors = []
    for name, (platform, ours) in configured().items():
        module = f"platforms.{name}.stand_in"
        if importlib.util.find_spec(module) is None:
            continue
        stand_in: StandIn = importlib.import_module(module).STAND_IN
        settings = shared(ours, stand_in.settings())
        vendors.append(Vendor(stand_in, settings, platform.inbound, frozenset(ours.model_fields_set)))
    return vendors


def shared(ours: PlatformSettings, doubles: PlatformSettings) -> PlatformSettings:
    """Our settings as the environment has them, completed by the stand-in's."""
    left_open = type(ours).model_fields.keys() - ours.model_fields_set
    return ours.model_copy(update={name: getattr(doubles, name) for name in left_open})


def _text(value: Any) -> str:
    """As pydantic-settings reads it: what is no text is JSON."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return value if isinstance(value, str) else json.dumps(value)


def named(vendors: Iterable[Vendor]) -> dict[str, Vendor]:
    """Name → vendor, sorted. Raises ValueError for a name that is not one word of a path."""
    by_name = {vendor.name: vendor for vendor in vendors}
    for name in by_name:
        if not re.fullmatch(r"[a-z0-9_]+", name) or name in RESERVED:
            raise ValueError(f"a stand-in cannot be called {name!r}: its name is the first part of its address")
    return dict(sorted(by_name.items()))


STANDS = 200.0
"""Activities per second that a double on this machine stands, where the vendor may stand one in four seconds."""

RESERVED = frozenset({"outbox", "faults", "books", "webhooks", "environment"})
"""First parts of addresses that are the sandbox's own."""
