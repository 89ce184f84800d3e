"""What a Pipedrive answer means that is no success, and how long to wait.

The failure prevented: a spent day's budget asked again every two seconds, which Pipedrive punishes with a page of
Cloudflare's instead of JSON; and that page taken for missing rights.
"""

from datetime import UTC, datetime, time, timedelta
from email.utils import parsedate_to_datetime

from platforms.base import Call, Problem, Reply, brief

BURST = 2.0
"""Seconds of the window in which bursts are counted."""
PUNISHED = 300.0
"""After the page of Cloudflare's; nothing says how long it lasts."""
UNKNOWN_DAY = 3600.0


def judge(reply: Reply, call: Call) -> Problem | None:
    """By status; every success is an object, so anything else is no answer of Pipedrive's."""
    status, words = reply.status, f"HTTP {reply.status}: {said(reply)}"
    if reply.ok and isinstance(reply.json, dict):
        return None
    if status == 429:
        return Problem("rate-limited", words, _wait(reply))
    if status == 403 and not isinstance(reply.json, dict):
        return Problem("rate-limited", "HTTP 403 without Pipedrive's own words: too many requests", PUNISHED)
    if status == 403 and str(reply.json.get("code", "")).startswith("feature_capping"):
        return Problem("rejected", words)
    if status in (401, 402, 403):
        return Problem("unauthorized", words)
    if reply.ok or (status >= 500 and status != 501):
        return Problem("in doubt" if call.writes else "unavailable", words)
    return Problem("rejected", words)


def said(reply: Reply, limit: int = 300) -> str:
    """Pipedrive's own words: `error`, or `errors` by field, or `message`; then which custom field is meant."""
    body = reply.json if isinstance(reply.json, dict) else {}
    errors = body.get("errors")
    by_field = "; ".join(f"{name}: {what}" for name, what in errors.items()) if isinstance(errors, dict) else ""
    words = body.get("error") or by_field or body.get("message")
    if not isinstance(words, str) or not words:
        return brief(reply, limit)
    field = body.get("field_code")
    return f"{words} ({field})"[:limit] if isinstance(field, str) else words[:limit]


def _wait(reply: Reply) -> float:
    """Without tokens for the day the next one begins at midnight, which we take to be that of UTC."""
    if reply.headers.get("x-daily-ratelimit-token-remaining", "").strip() == "0":
        return _until_midnight(reply.headers.get("date", ""))
    try:
        return min(max(float(reply.headers["x-ratelimit-reset"]), BURST), 60.0)
    except (KeyError, ValueError):
        return BURST


def _until_midnight(date: str) -> float:
    try:
        answered = parsedate_to_datetime(date).astimezone(UTC)
    except ValueError:
        return UNKNOWN_DAY
    midnight = datetime.combine(answered.date() + timedelta(days=1), time(), UTC)
    return (midnight - answered).total_seconds() + 60.0
