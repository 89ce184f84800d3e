"""What a Mailchimp answer means that is no success, and what it says without saying whom.

The failure prevented: an opt-out taken for a bad request, and a crowded connection taken for a wrong key: under load
Mailchimp answers 403 without a body. `detail` may name a person, so addresses are left out of every message.
"""

import re
from typing import Any

from platforms.base import Call, Problem, Reply, brief, retry_after_of

OPTED_OUT = ("Member In Compliance State", "Forgotten Email Not Subscribed")
"""Titles of a 400 for somebody who unsubscribed, complained, or had themselves erased."""

_ADDRESS = re.compile(r"\S+@\S+")


def judge(reply: Reply, call: Call) -> Problem | None:
    """By status, and by whether there is a body. A 204 is empty; every other success is an object."""
    status, words = reply.status, f"HTTP {reply.status}: {said(reply)}"
    if status == 204 or (reply.ok and isinstance(reply.json, dict)):
        return None
    if reply.ok or status >= 500:
        return Problem("in doubt" if call.writes else "unavailable", words)
    if status == 429 or (status == 403 and not isinstance(reply.json, dict)):
        return Problem("rate-limited", f"HTTP {status}: ten connections at once are all", retry_after_of(reply))
    return Problem("unauthorized" if status in (401, 403) else "rejected", words)


def opted_out(reply: Reply) -> bool:
    """A 400 that is their own will."""
    return reply.status == 400 and isinstance(reply.json, dict) and reply.json.get("title") in OPTED_OUT


def said(reply: Reply, limit: int = 300) -> str:
    """Title, detail and the fields that are wrong, in Mailchimp's own words."""
    body: Any = reply.json
    if not isinstance(body, dict):
        return _ADDRESS.sub("(address)", brief(reply, limit))
    errors = body.get("errors")
    listed = [_one(e) for e in errors if isinstance(e, dict)] if isinstance(errors, list) else []
    words = "; ".join(str(w) for w in (body.get("title"), body.get("detail"), *listed) if w)
    return _ADDRESS.sub("(address)", words)[:limit]


def _one(error: dict[str, Any]) -> str:
    return ": ".join(str(word) for word in (error.get("field"), error.get("message")) if word)
