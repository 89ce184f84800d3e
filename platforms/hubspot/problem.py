"""What a HubSpot answer means that is no success, and how long to wait.

The failure prevented: a move of the portal (477) taken for a refusal, or a spent day asked again every ten seconds.
"""

from platforms.base import Call, Problem, Reply, brief, retry_after_of

RATE_LIMITED = frozenset({423, 429, 477})
"""Locked after a burst of writes; too many requests; the portal moves to another data center."""

DAY_SPENT = 3600.0
"""Seconds between two tries once the day's calls are used up: it lasts till a midnight of HubSpot's."""
MOVING = 300.0
LOCKED = 3.0
_INTERVAL = "x-hubspot-ratelimit-interval-milliseconds"


def judge(reply: Reply, call: Call) -> Problem | None:
    """By status; every success that we ask for is an object, so anything else is no answer of HubSpot's."""
    status = reply.status
    if reply.ok and isinstance(reply.json, dict):
        return None
    if reply.ok or status >= 500:
        return Problem("in doubt" if call.writes else "unavailable", f"HTTP {status}: {said(reply)}")
    if status in RATE_LIMITED:
        return Problem("rate-limited", f"HTTP {status}: {said(reply)}", _wait(reply))
    return Problem("unauthorized" if status in (401, 403) else "rejected", f"HTTP {status}: {said(reply)}")


def said(reply: Reply, limit: int = 300) -> str:
    """HubSpot's own words: its message, and what each of its errors adds (scopes, properties). Any may be missing."""
    body = reply.json if isinstance(reply.json, dict) else {}
    message = body.get("message")
    if not isinstance(message, str) or not message:
        return brief(reply, limit)
    errors = body.get("errors")
    added = [_added(error) for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    return "; ".join([message, *dict.fromkeys(words for words in added if words and words != message)])[:limit]


def _added(error: dict[str, object]) -> str:
    context = error.get("context")
    listed = [v for v in context.values() if isinstance(v, list)] if isinstance(context, dict) else []
    names = ", ".join(str(name) for values in listed for name in values)
    message = str(error.get("message") or "")
    return f"{message} ({names})" if names and message else message or names


def _wait(reply: Reply) -> float:
    """Seconds: HubSpot's own word, else the window it counts in, else what the status usually takes."""
    if "retry-after" in reply.headers:
        return retry_after_of(reply)
    if reply.status == 423:
        return LOCKED
    if reply.status == 477:
        return MOVING
    if isinstance(reply.json, dict) and reply.json.get("policyName") == "DAILY":
        return DAY_SPENT
    window = reply.headers.get(_INTERVAL, "")
    return min(int(window) / 1000, 60.0) if window.isascii() and window.isdigit() else 10.0
