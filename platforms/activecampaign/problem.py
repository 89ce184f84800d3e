"""What an ActiveCampaign answer means that is no success, and what it says.

The failure prevented: "already in this automation" taken for a wrong key, because both are 403; and a page of HTML from
the edge, or a 200 that says in its body that nothing was done, taken for a success.
"""

from typing import Any

from platforms.base import Call, Problem, Reply, brief, retry_after_of

_OUR_DATA = ("Could not create", "No Result found")
"""How a 403 begins that speaks of what we asked, not of who we are."""


def judge(reply: Reply, call: Call) -> Problem | None:
    """By status, and by the words where one status has two meanings."""
    status, words = reply.status, f"HTTP {reply.status}: {said(reply)}"
    if reply.ok and isinstance(reply.json, dict):
        return Problem("rejected", words) if _failed(reply.json) else None
    if reply.ok or status >= 500:
        return Problem("in doubt" if call.writes else "unavailable", words)
    if status == 429:
        return Problem("rate-limited", f"HTTP {status}", retry_after_of(reply))
    if 300 <= status < 400:
        return Problem("unauthorized", f"{words}: OVATION_ACTIVECAMPAIGN__BASE_URL is not the account's exact address")
    if status == 401 or (status == 403 and not refused(reply)):
        return Problem("unauthorized", f"{words or 'HTTP 403'}: is this the key of this account?")
    return Problem("rejected", words)


def refused(reply: Reply) -> bool:
    """A 403 that speaks of what we asked. A wrong key gives 403 with an empty body, or with HTML."""
    return reply.status == 403 and said(reply).startswith(_OUR_DATA)


def said(reply: Reply, limit: int = 300) -> str:
    """The vendor's own words, in whichever of its three forms."""
    body: Any = reply.json
    if not isinstance(body, dict):
        return brief(reply, limit)
    errors = body.get("errors")
    listed = [_one(e) for e in errors if isinstance(e, dict)] if isinstance(errors, list) else []
    return "; ".join(words for words in [str(body.get("message") or ""), *listed] if words)[:limit] or brief(reply)


def _one(error: dict[str, Any]) -> str:
    words = (error.get("title"), error.get("detail"), error.get("code"))
    return ", ".join(str(word) for word in words if word)


def _failed(body: dict[str, Any]) -> bool:
    return any(str(body.get(name, "1")) == "0" for name in ("succeeded", "success"))
