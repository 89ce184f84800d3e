"""The outbox: what vendors were sent, in order, as they received it.

Raw bytes are kept and read only when somebody asks: taking a request down costs next to nothing, and what a stand-in
later does with the parsed body cannot change what the outbox says was sent.
"""

import json
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

ENTRIES = 200_000
BYTES = 256 * 2**20
"""What the bodies together may weigh. The oldest leave first, whichever bound is met."""
MASK = "***"


@dataclass(frozen=True, slots=True)
class Entry:
    """A request at a vendor. `at` in unix seconds; `status` None where it got no answer and nothing was done."""

    platform: str
    at: float
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    status: int | None
    fault: str | None = None

    @property
    def effect(self) -> str | None:
        return self.headers.get("x-ovation-effect")

    @property
    def moment(self) -> str:
        return moment(self.at)


class Outbox:
    """`secrets` maps a platform to the values that are shown as `***` wherever they appear."""

    def __init__(self, secrets: Mapping[str, Iterable[str]], entries: int = ENTRIES) -> None:
        self._secrets = {platform: [s for s in values if len(s) > 3] for platform, values in secrets.items()}
        self._entries: deque[Entry] = deque()
        self._bound = entries
        self._bytes = 0
        self.counts: Counter[str] = Counter()
        """How many requests each platform got since the outbox was emptied, also those no longer listed."""

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._bytes += len(entry.body)
        self.counts[entry.platform] += 1
        while len(self._entries) > self._bound or (self._bytes > BYTES and len(self._entries) > 1):
            self._bytes -= len(self._entries.popleft().body)

    def empty(self) -> None:
        self._entries.clear()
        self.counts.clear()
        self._bytes = 0

    def entries(self, platform: str | None = None, effect: str | None = None) -> list[Entry]:
        """Those of a platform or an effect, oldest first."""
        return [
            entry
            for entry in self._entries
            if (platform is None or entry.platform == platform) and (effect is None or entry.effect == effect)
        ]

    def newest(self, each: int, among: int = 20_000) -> dict[str, list[Entry]]:
        """Platform → its newest entries, newest first, as far as they are among the newest of all."""
        found: dict[str, list[Entry]] = {}
        for entry in islice(reversed(self._entries), among):
            kept = found.setdefault(entry.platform, [])
            if len(kept) < each:
                kept.append(entry)
        return found

    def shown(self, entry: Entry) -> dict[str, Any]:
        """An entry as `GET /outbox` gives it: body parsed where it can be, secrets masked."""
        secrets = self._secrets.get(entry.platform, [])
        return {
            "platform": entry.platform,
            "at": entry.moment,
            "method": entry.method,
            "path": entry.path,
            "query": _fields(entry.query, secrets),
            "headers": {name: _header(name, value, secrets) for name, value in entry.headers.items()},
            "body": _fields(readable(entry.body, entry.headers.get("content-type", "")), secrets),
            "status": entry.status,
            "effect": entry.effect,
            "fault": entry.fault,
        }

    def as_json(self, entries: Iterable[Entry], at_once: int = 200) -> Iterator[str]:
        """A JSON array in parts, so that a long list holds up no vendor."""
        entries, before = iter(entries), "["
        while part := list(islice(entries, at_once)):
            yield before + ",".join(json.dumps(self.shown(e), ensure_ascii=False, separators=(",", ":")) for e in part)
            before = ","
        yield "[]" if before == "[" else "]"


def moment(at: float) -> str:
    """Unix seconds as ISO 8601 in UTC, with milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def readable(body: bytes, content_type: str) -> Any:
    """JSON and forms parsed (a repeated name has a list of values), else text; None for an empty body."""
    if not body:
        return None
    text, kind = body.decode("utf-8", "replace"), content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return _form(text)
    try:
        return json.loads(text) if kind.endswith("json") else text
    except ValueError:
        return text


def _form(text: str) -> dict[str, Any]:
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    return {name: given[0] if len(given) == 1 else given for name, given in values.items()}


def _header(name: str, value: str, secrets: list[str]) -> str:
    """Of a sign-in only the scheme stays."""
    if name in ("authorization", "proxy-authorization"):
        scheme, _, given = value.partition(" ")
        return f"{scheme} {MASK}" if given else MASK
    return MASK if any(secret in value for secret in secrets) else value


def _fields(body: Any, secrets: list[str]) -> Any:
    """A sign-in's body names the secret in a field of its own."""
    if not isinstance(body, Mapping):
        return body
    return {name: MASK if isinstance(value, str) and value in secrets else value for name, value in body.items()}
