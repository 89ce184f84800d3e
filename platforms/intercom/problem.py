"""What an Intercom answer means that is no success, and how long to wait.

The failure prevented: a rate limit asked again every ten seconds, because Intercom sends no Retry-After; and an
address that an explanation quotes, repeated in our logs.
"""

import re
from email.utils import parsedate_to_datetime

from platforms.base import Body, Call, Problem, Reply, brief, by_status

WINDOW = 10.0
"""Seconds in which calls are counted: what to wait where the headers do not say."""

_ADDRESS = re.compile(r"\S+@\S+")
_CONFIGURATION = frozenset({"intercom_version_invalid"})
"""Codes that come with a 400 and that only a person can mend."""


def judge(reply: Reply, call: Call) -> Problem | None:
    """By status, and by code where a 400 speaks of configuration. A success that is no object is no answer."""
    if reply.ok and isinstance(reply.json, dict):
        return None
    if reply.ok:
        return Problem("in doubt" if call.writes else "unavailable", f"HTTP {reply.status} without JSON")
    words = f"HTTP {reply.status}: {said(reply)}"
    if reply.status == 400 and _CONFIGURATION & {str(error.get("code")) for error in _errors(reply)}:
        return Problem("unauthorized", words)
    if reply.status == 429:
        return Problem("rate-limited", words, _until_reset(reply))
    found = by_status(reply, call)
    return found and Problem(found.kind, words, found.retry_after)


def seconds(reply: Reply) -> float | None:
    """The answer's own time, in unix seconds: our clock may be another. None where it does not tell."""
    try:
        return parsedate_to_datetime(reply.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return None


def said(reply: Reply) -> str:
    """Intercom's codes and words, without addresses, and the request's id, by which its support finds it."""
    errors = _errors(reply)
    if not errors:
        return _ADDRESS.sub("(address)", brief(reply))
    words = "; ".join(": ".join(str(e[name]) for name in ("code", "message") if e.get(name)) for e in errors)
    request = reply.json.get("request_id")
    return _ADDRESS.sub("(address)", words)[:300] + (f" (request {request})" if request else "")


def _errors(reply: Reply) -> list[Body]:
    """The list of errors; some operations answer with a single one, laid flat."""
    body = reply.json if isinstance(reply.json, dict) else {}
    listed = body.get("errors")
    if isinstance(listed, list):
        return [error for error in listed if isinstance(error, dict)]
    return [body] if body.get("type") == "error" else []


def _until_reset(reply: Reply) -> float:
    reset, answered = reply.headers.get("x-ratelimit-reset", ""), seconds(reply)
    if not (reset.isascii() and reset.isdigit()) or answered is None:
        return WINDOW
    return min(max(int(reset) - answered, 1.0), 600.0)
