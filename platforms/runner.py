"""The runner: sends every call of every platform, and alone decides sign-in, time limits, redaction, the kind of error.

The failure prevented: two platforms that disagree about whether a lost answer means "it did not happen".
"""

import asyncio
import json
import logging
import re
import time
from collections import defaultdict
from collections.abc import Generator, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar
from urllib.parse import unquote, urlsplit

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from models.token import Token
from platforms.base import Call, Platform, PlatformSettings, Problem, Reply
from platforms.errors import InDoubt, RateLimited, Rejected, Unauthorized, Unavailable, VendorError

log = logging.getLogger("ovation.platforms")
logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log each call's whole address, with e-mail addresses

TALK_LIMIT = 25.0
"""Seconds for a whole talk: less than an attempt of the activity, so that we learn the end, not Temporal."""
CALL_LIMIT = 12.0
SHORT_WAIT = 2.0
"""The longest wait that is worth staying in one attempt for."""
EARLY = timedelta(seconds=60)
"""A token is renewed this long before it expires."""

_SURELY_NOT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_EMAIL = re.compile(r"[\w.+'-]+@[\w-]+(\.[\w-]+)+")
_BEFORE = r"(?:(?<![a-z0-9_])|(?<=\\[nrt])|(?<=\\u[0-9a-f]{4})|(?<=%[0-9a-f]{2}))"
_AFTER = r"(?![a-z0-9_])"
"""Where a word begins and ends. Letters of other alphabets do not count: Japanese puts no space around a name. What a
vendor said is quoted as it came, and there a line's end or a space may be letters: `\\nEve`, `\\u003cEve`, `%20Eve`."""

T = TypeVar("T")


class Vault(Protocol):
    """Where tokens are shared between processes."""

    async def get(self, platform: str) -> Token | None: ...

    async def put(self, platform: str, token: Token) -> None: ...


class Runner:
    """Holds talks with vendors. `client` stands in for the network in tests; `vault` shares tokens.

    Each platform has connections of its own: one that hangs holds up no other, and a small pool is quickly looked
    through."""

    def __init__(self, client: httpx.AsyncClient | None = None, vault: Vault | None = None) -> None:
        self._stand_in = client
        self._clients: dict[str, httpx.AsyncClient] = {}
        self._tls = httpx.create_ssl_context()
        self._vault = vault
        self._tokens: dict[str, Token] = {}
        self._signing_in: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()

    async def hold(
        self,
        platform: Platform,
        settings: PlatformSettings,
        talk: Generator[Call, Reply, T],
        *,
        key: str = "",
        personal: Iterable[str] = (),
    ) -> T:
        """Sends the talk's calls in turn and gives what it returns.

        `key` names the effect, `personal` lists words that no error message may repeat. Raises one of
        `platforms.errors`; its `partly` says that a write of this talk had been answered before."""
        until = time.monotonic() + TALK_LIMIT
        wrote = False
        try:
            call = next(talk)
            while True:
                reply = await self._patiently(platform, settings, call, key, until)
                wrote = wrote or call.writes
                call = talk.send(reply)
        except StopIteration as end:
            value: T = end.value
            return value
        except VendorError as error:
            error.partly = wrote
            error.args = (_redacted(str(error), self._secrets(platform, settings), personal),)
            raise error from None
        finally:
            talk.close()

    async def _patiently(
        self, platform: Platform, settings: PlatformSettings, call: Call, key: str, until: float
    ) -> Reply:
        """One call, with the short waits that are not worth giving the attempt up for."""

        def worth_waiting(error: BaseException) -> bool:
            return _short_wait(error) is not None and time.monotonic() + SHORT_WAIT < until

        async for attempt in AsyncRetrying(
            stop=stop_after_attempt(3), retry=retry_if_exception(worth_waiting), wait=_wait, reraise=True
        ):
            with attempt:
                return await self._send_signed_in(platform, settings, call, key, until)
        raise AssertionError("tenacity ends by a result or an error")

    async def _send_signed_in(
        self, platform: Platform, settings: PlatformSettings, call: Call, key: str, until: float
    ) -> Reply:
        """A 401 may only mean that the token has ended before its time: it is renewed once."""
        if platform.sign_in is None or not call.signed_in:
            return _judged(platform, call, await self._send(platform, settings, call, None, key, until))
        token = await self._token(platform, settings, until)
        reply = await self._send(platform, settings, call, token, key, until)
        if reply.status == 401 and 401 not in call.accepts:
            token = await self._token(platform, settings, until, spent=token)
            reply = await self._send(platform, settings, call, token, key, until)
        return _judged(platform, call, reply)

    async def _send(
        self,
        platform: Platform,
        settings: PlatformSettings,
        call: Call,
        token: Token | None,
        key: str,
        until: float,
    ) -> Reply:
        signed = platform.headers(settings, token) if call.signed_in else {}
        marks = {"X-Ovation-Effect": key} if key else {}
        left = until - time.monotonic()
        if left <= 0:
            raise Unavailable(f"{call.method} {_path(call)} was not sent: the earlier calls took too long")
        try:
            answer = await self._client(platform).request(
                call.method,
                _address(settings, call, token),
                json=call.json,
                data=call.form,
                content=call.content,
                params=call.query,
                headers={**signed, **marks, **call.headers},
                timeout=min(CALL_LIMIT, left),
            )
        except _SURELY_NOT as error:
            raise Unavailable(f"{call.method} {_path(call)}: no connection ({type(error).__name__})") from error
        except httpx.TransportError as error:
            words = f"{call.method} {_path(call)}: no answer ({type(error).__name__})"
            raise (InDoubt if call.writes else Unavailable)(words) from error
        except httpx.InvalidURL as error:
            raise Unauthorized(f"the base URL of {platform.label} cannot be used: {error}") from error
        log.debug("%s %s %s: %d", platform.name, call.method, _path(call), answer.status_code)
        return _reply(answer)

    def _client(self, platform: Platform) -> httpx.AsyncClient:
        if self._stand_in is not None:
            return self._stand_in
        if platform.name not in self._clients:
            self._clients[platform.name] = httpx.AsyncClient(
                verify=self._tls, timeout=CALL_LIMIT, follow_redirects=False, headers={"User-Agent": "ovation"}
            )
        return self._clients[platform.name]

    async def _token(
        self, platform: Platform, settings: PlatformSettings, until: float, *, spent: Token | None = None
    ) -> Token:
        """A token that is good for a while: ours, another worker's, or a new one. One at a time signs in."""
        async with self._signing_in[platform.name]:
            ours = self._tokens.get(platform.name)
            if ours is not None and _good(ours, spent):
                return ours
            shared = await self._vault.get(platform.name) if self._vault is not None else None
            if shared is not None and _good(shared, spent):
                self._tokens[platform.name] = shared
                return shared
            fresh = await self._sign_in(platform, settings, until)
            self._tokens[platform.name] = fresh
            if self._vault is not None:
                await self._vault.put(platform.name, fresh)
            return fresh

    async def _sign_in(self, platform: Platform, settings: PlatformSettings, until: float) -> Token:
        assert platform.sign_in is not None
        moment = datetime.now(UTC)
        call = platform.sign_in.call(settings, moment)
        try:
            reply = await self._send(platform, settings, call, None, "", until)
            return platform.sign_in.read(_judged(platform, call, reply), moment)
        except InDoubt as error:  # signing in twice harms nothing
            raise Unavailable(str(error)) from error
        except Rejected as error:  # a refused sign-in is a matter of configuration, whatever its status
            raise Unauthorized(f"signing in: {error}", status=error.status) from error

    def _secrets(self, platform: Platform, settings: PlatformSettings) -> list[str]:
        token = self._tokens.get(platform.name)
        return [*settings.secrets(), *([token.value] if token is not None else [])]


def _good(token: Token, spent: Token | None) -> bool:
    if spent is not None and token.value == spent.value:
        return False
    return token.expires_at is None or token.expires_at - EARLY > datetime.now(UTC)


def _address(settings: PlatformSettings, call: Call, token: Token | None) -> str:
    """Where the call goes. A base URL that was set replaces every host of the vendor: so a test stands in for all."""
    base = settings.base_url.rstrip("/")
    replaced = settings.base_url != type(settings).model_fields["base_url"].default
    if not call.path.startswith(("http://", "https://")):
        host = token.base_url if token is not None and token.base_url and not replaced else base
        return f"{host.rstrip('/')}{call.path}"
    if not replaced:
        return call.path
    whole = urlsplit(call.path)
    return f"{base}{whole.path}" + (f"?{whole.query}" if whole.query else "")


def _path(call: Call) -> str:
    """The path for logs and messages: some vendors want an address in it."""
    return _EMAIL.sub("***", unquote(urlsplit(call.path).path))


def _reply(answer: httpx.Response) -> Reply:
    text = answer.text
    try:
        parsed = json.loads(text) if text.strip()[:1] in ("{", "[", '"') else None
    except ValueError:
        parsed = None
    return Reply(answer.status_code, parsed, text, {k.lower(): v for k, v in answer.headers.items()})


def _judged(platform: Platform, call: Call, reply: Reply) -> Reply:
    """The reply, if the talk can go on with it. Raises the kind of error it means."""
    if reply.status in call.accepts:
        return reply
    problem = platform.judge(reply, call)
    if problem is None:
        return reply
    raise _error(problem, reply.status)


def _error(problem: Problem, status: int) -> VendorError:
    match problem.kind:
        case "rejected":
            return Rejected(problem.message, status=status)
        case "unauthorized":
            return Unauthorized(problem.message, status=status)
        case "rate-limited":
            return RateLimited(problem.message, retry_after=problem.retry_after, status=status)
        case "unavailable":
            return Unavailable(problem.message, status=status)
        case "in doubt":
            return InDoubt(problem.message, status=status)


def _short_wait(error: BaseException) -> float | None:
    """Seconds to wait before this call may be sent again within the attempt; None when it may not."""
    if isinstance(error, RateLimited):
        return error.retry_after if error.retry_after <= SHORT_WAIT else None
    return 0.2 if isinstance(error, Unavailable) else None


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    return (_short_wait(error) if error is not None else None) or 0.0


def _redacted(text: str, secrets: Iterable[str], personal: Iterable[str]) -> str:
    """The text without secrets and without anybody's e-mail address, wherever they stand in it; without the person's
    own words where they are words: for somebody called Eve, `revenue` is still one."""
    own = {word for word in personal if len(word) > 1}
    addresses = {word for word in own if "@" in word}
    for word in _longest_first({*addresses, *(secret for secret in secrets if len(secret) > 2)}):
        text = re.sub(re.escape(word), "***", text, flags=re.IGNORECASE)
    text = _EMAIL.sub("***", text)
    for word in _longest_first(own - addresses):
        text = re.sub(f"{_BEFORE}{re.escape(word)}{_AFTER}", "***", text, flags=re.IGNORECASE)
    return text


def _longest_first(words: Iterable[str]) -> list[str]:
    return sorted(words, key=len, reverse=True)


def personal_words(request: Any) -> list[str]:
    """Every word of an action that may name a person: what an error message must not repeat."""
    if isinstance(request, dict):
        own = [v for k, v in request.items() if k in _NAMES_A_PERSON and isinstance(v, str)]
        return own + [w for v in request.values() if isinstance(v, dict | list) for w in personal_words(v)]
    return [w for item in request for w in personal_words(item)] if isinstance(request, list) else []


_NAMES_A_PERSON = frozenset(
    {
        *("email", "first_name", "last_name", "name", "phone", "to", "to_name", "company", "value"),
        *("line1", "line2", "city", "postal_code", "person_email", "owner_email", "csm_email"),
    }
)
