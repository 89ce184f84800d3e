"""The types in which a vendor is declared. One declaration per folder; queues, docs, checks and tests are read from it.

Out: a *talk* is a generator that yields `Call`s, receives `Reply`s and returns a `Receipt`. It never awaits: the runner
(`platforms/runner.py`) sends every call and alone decides sign-in, time limits, redaction and the kind of error.
In: `verify`, `unpack`, then a table from the vendor's event name to a small function that gives our events.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Literal
from urllib.parse import parse_qsl

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.base import Instant, Json, Personal
from models.event import Event
from models.token import Token as Token
from platforms.capabilities import Receipt

Body = dict[str, Any]


class PlatformSettings(BaseSettings):
    """Settings of one platform, from `OVATION_{PLATFORM}__{FIELD}`. Subclasses set the prefix and their fields.

    `required` names the fields without which nothing can be sent; `required_in` those without which no webhook can be
    verified. `verified_by` is the one of these that holds the webhooks' secret by the vendor's own name for it, where
    `webhook_secret` is not set. `rate_limit` (activities per second) replaces the vendor's own where the contract is
    another.
    """

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)
    required: ClassVar[tuple[str, ...]] = ()
    required_in: ClassVar[tuple[str, ...]] = ("webhook_secret",)
    verified_by: ClassVar[str] = ""

    base_url: str
    webhook_secret: SecretStr | None = None
    rate_limit: float | None = None

    def missing(self, names: Sequence[str] | None = None) -> list[str]:
        """The environment variables that are still to be set: to send, or those of `names`."""
        prefix = self.model_config.get("env_prefix") or ""
        wanted = self.required if names is None else names
        spared = self.verified_by if names is not None and self.webhook_secret else ""
        return [f"{prefix}{name.upper()}" for name in wanted if getattr(self, name) in (None, "") and name != spared]

    def inbound_secret(self) -> str:
        """What verifies webhooks: `webhook_secret`, else the field of the vendor's own name; empty when unset."""
        own: SecretStr | None = getattr(self, self.verified_by) if self.verified_by else None
        return reveal(self.webhook_secret) or reveal(own)

    def secrets(self) -> list[str]:
        """Every secret value, for redaction."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return [v.get_secret_value() for v in values if isinstance(v, SecretStr) and v.get_secret_value()]


def reveal(secret: SecretStr | None) -> str:
    """The secret's text; empty when unset."""
    return secret.get_secret_value() if secret is not None else ""


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request, without host and sign-in. `path` may be a whole URL, then `base_url` replaces its host.

    `writes` says whether it changes anything at the vendor: a write without an answer is a doubt. `accepts` are the
    statuses outside 2xx that the talk wants to read itself.
    """

    method: str
    path: str
    json: Any = None
    form: Mapping[str, Any] | None = None
    content: bytes | None = None
    query: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    writes: bool = True
    accepts: frozenset[int] = frozenset()
    signed_in: bool = True

    @classmethod
    def get(cls, path: str, *, query: Mapping[str, str] | None = None, accepts: Sequence[int] = ()) -> "Call":
        return cls("GET", path, query=query, writes=False, accepts=frozenset(accepts))

    @classmethod
    def post(cls, path: str, *, accepts: Sequence[int] = (), **more: Any) -> "Call":
        return cls("POST", path, accepts=frozenset(accepts), **more)

    @classmethod
    def put(cls, path: str, *, accepts: Sequence[int] = (), **more: Any) -> "Call":
        return cls("PUT", path, accepts=frozenset(accepts), **more)

    @classmethod
    def patch(cls, path: str, *, accepts: Sequence[int] = (), **more: Any) -> "Call":
        return cls("PATCH", path, accepts=frozenset(accepts), **more)


@dataclass(frozen=True, slots=True)
class Reply:
    """A vendor's answer. `json` is the parsed body, or None; header names are in lower case."""

    status: int
    json: Any = None
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


Talk = Generator[Call, Reply, Receipt]
"""A conversation about one action: yields calls, is sent replies, returns the receipt."""

Kind = Literal["rejected", "unauthorized", "rate-limited", "unavailable", "in doubt"]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a reply, in the vendor's words. `retry_after` in seconds, for rate limits."""

    kind: Kind
    message: str
    retry_after: float = 10.0


@dataclass(frozen=True, slots=True)
class Idempotent:
    """The vendor makes a repeat harmless by itself. `within`: how long it keeps the key; None is for ever.

    After `within`, `find` decides if there is one, else an operator."""

    within: timedelta | None = None
    find: Callable[..., Generator[Call, Reply, Receipt | None]] | None = None
    how: str = ""


@dataclass(frozen=True, slots=True)
class Findable:
    """A repeat would double it, but `find(action, key, settings)` can look it up by our reference.

    `after`: how long the vendor's look-up may lag. The talk gives None when it is surely not there."""

    find: Callable[..., Generator[Call, Reply, Receipt | None]]
    after: timedelta = timedelta()
    how: str = ""


@dataclass(frozen=True, slots=True)
class Unsafe:
    """A repeat would double it and nothing can be looked up: an operator decides. `how` says what to look at."""

    how: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a platform can do: `talk(action, key, settings)` for an action of type `takes`."""

    takes: type[Personal]
    talk: Callable[..., Talk]
    repeat: Idempotent | Findable | Unsafe
    document: str = ""


@dataclass(frozen=True, slots=True)
class SignIn:
    """How an access token is fetched: a call, and how its reply is read (`read(reply, now)`)."""

    call: Callable[[Any, datetime], Call]
    read: Callable[[Reply, datetime], Token]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request at `/webhooks/{platform}`. `url` is the public URL as the vendor called it, header names lower case."""

    method: str
    url: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def form(self) -> dict[str, str]:
        """A form-encoded body, the last value of each name."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Response:
    """What we answer a vendor. `secret`: the vendor just told us the webhook's secret (Asana's handshake); it is kept,
    sealed, if the address it was sent to is one that an upkeep gave out."""

    status: int = 200
    text: str = ""
    media_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict)
    secret: str | None = field(default=None, repr=False)


class _Ignored:
    def __repr__(self) -> str:
        return "IGNORED"


IGNORED: Final = _Ignored()
"""A vendor's event that we know and do not want."""

ToEvents = Callable[[Body], list[Event]]


@dataclass(frozen=True, slots=True)
class WithSettings:
    """A function from a vendor's item to our events that needs the settings, such as the words for stages."""

    read: Callable[[Body, Any], list[Event]]


@dataclass(frozen=True, slots=True)
class Poke:
    """A vendor's event that says only that something changed: the upkeep of this name looks for what, at once."""

    upkeep: str


@dataclass(frozen=True, slots=True)
class Inbound:
    """A vendor's webhooks.

    `verify(incoming, settings, now)` raises BadSignature. `sign(body, settings, url, now)` gives the headers the vendor
    would send: for `ovation webhook send`, fixtures and the stand-in. `unpack(incoming)` gives (vendor's event name,
    item) pairs or raises Malformed. `events` maps names to functions. `handshake` answers a vendor's check, or None.
    """

    verify: Callable[[Incoming, Any, datetime], None]
    sign: Callable[[bytes, Any, str, datetime], dict[str, str]]
    unpack: Callable[[Incoming], list[tuple[str, Body]]]
    events: Mapping[str, ToEvents | WithSettings | Poke | _Ignored]
    handshake: Callable[[Incoming, Any], Response | None] | None = None
    accepted: Response = Response()
    sign_query: Callable[[Any], dict[str, str]] | None = None
    """Query parameters that carry the secret, where the vendor signs nothing."""

    def read(self, name: str, item: Body, settings: Any) -> list[Event] | Poke | None:
        """Our events of one item of a delivery; None for a name that nobody listed.

        Raises Malformed or ValueError for an item that makes no sense."""
        reader = self.events.get(name)
        match reader:
            case None:
                return None
            case _Ignored():
                return []
            case Poke():
                return reader
            case WithSettings(read=with_settings):
                return with_settings(item, settings)
            case _:
                return reader(item)


class Round(Personal):
    """What an upkeep is given. `mark` is what it left the last time, empty at first.

    `webhook_url` is the address to register at the vendor; its query proves that we gave it out."""

    mark: Json = Field(default_factory=dict)
    webhook_url: str
    now: Instant


class Upkept(Personal):
    """What an upkeep found and leaves. `events` were perhaps heard already: the same event has the same source id.

    `mark` is for the next round: a cursor, a subscription's id; never a secret. `secret` is the webhook's secret where
    the vendor makes it: it is kept sealed, and used where the setting `WEBHOOK_SECRET` is not set. `again_at` asks for
    an earlier round than the next by the clock."""

    mark: Json
    events: list[Event] = Field(default_factory=list)
    secret: str | None = Field(default=None, repr=False)
    again_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Upkeep:
    """A scheduled job of a platform: a webhook is registered and renewed, or what webhooks lost is looked for.

    `talk(round, settings)` may run at any time and twice; each run begins with the mark of the last that ended well."""

    name: str
    every: timedelta
    talk: Callable[[Round, Any], Generator[Call, Reply, Upkept]]
    what: str
    """What it does, for people: the docs page and the schedule's note."""
    needs: Callable[[Any], Sequence[str]] = lambda settings: ()
    """Names of settings, besides the required ones, without which it rests."""


def by_status(reply: Reply, call: Call) -> Problem | None:
    """The kind of error that a plain HTTP vendor means by its status."""
    status = reply.status
    if reply.ok:
        return None
    if status in (401, 403):
        return Problem("unauthorized", f"HTTP {status}: {brief(reply)}")
    if status in (423, 429):
        return Problem("rate-limited", f"HTTP {status}", retry_after_of(reply))
    if status >= 500:
        return Problem("in doubt" if call.writes else "unavailable", f"HTTP {status}: {brief(reply)}")
    return Problem("rejected", f"HTTP {status}: {brief(reply)}")


def brief(reply: Reply, limit: int = 300) -> str:
    """The beginning of an answer, for an error message."""
    return " ".join(reply.text.split())[:limit]


def retry_after_of(reply: Reply, otherwise: float = 10.0) -> float:
    """Seconds from the Retry-After header, bounded to a day."""
    try:
        return min(max(float(reply.headers.get("retry-after", otherwise)), 0.0), 86400.0)
    except ValueError:
        return otherwise


@dataclass(frozen=True, slots=True)
class Platform:
    """A vendor's product as we connect it: the only registry entry.

    `limit`: activities per second that the vendor stands. `headers(settings, token)` signs a call in.
    `judge(reply, call)` says what is wrong with a reply, None if nothing. `doctor(settings)` is a talk of harmless
    calls that proves the credentials; its receipt's `facts` are shown.
    """

    name: str
    label: str
    settings: type[PlatformSettings]
    limit: float
    headers: Callable[[Any, Token | None], dict[str, str]]
    doctor: Callable[[Any], Talk]
    actions: Sequence[Action] = ()
    inbound: Inbound | None = None
    sign_in: SignIn | None = None
    judge: Callable[[Reply, Call], Problem | None] = by_status
    upkeep: Sequence[Upkeep] = ()
    discontinued: str | None = None

    def action(self, takes: type[Personal]) -> Action | None:
        """The declared action of this type, or None."""
        return next((a for a in self.actions if a.takes is takes), None)

    def can(self, wanted: Sequence[type[Personal]]) -> bool:
        return all(self.action(w) is not None for w in wanted)
