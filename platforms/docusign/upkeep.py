"""What Connect may have lost: envelopes that were completed, declined or voided are also read from DocuSign's list.

The failure prevented: an agreement, signed or refused, that nobody hears of. A Connect configuration that keeps
failing is switched off by DocuSign after some days, and without acknowledgement nothing is sent again.
"""

import logging
from collections.abc import Generator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from models.event import Event
from platforms.base import Body, Call, Reply, Round, Upkept
from platforms.docusign import webhook
from platforms.docusign.client import envelopes_of, list_envelopes
from platforms.errors import Malformed

if TYPE_CHECKING:
    from platforms.docusign import DocuSignSettings

log = logging.getLogger("ovation.platforms")

PAGE = 100
PAGES = 5
"""Pages that a round reads at most; the next goes on behind them."""
OVERLAP = timedelta(hours=1)
"""Read twice, as the list may lag. What was heard before is known by its source id."""
FIRST_LOOK = timedelta(days=1)


def look_for_ended(round: Round, settings: "DocuSignSettings") -> Generator[Call, Reply, Upkept]:
    """GET /envelopes that changed since the last round and have ended. The window stays until it is read whole."""
    since = str(round.mark.get("since") or _instant(round.now - FIRST_LOOK))
    until = str(round.mark.get("until") or _instant(round.now))
    start = int(str(round.mark.get("start") or 0))
    found: list[Event] = []
    for _ in range(PAGES):
        reply = yield list_envelopes(settings, _window(since, until, start))
        page = envelopes_of(reply)
        found += [event for envelope in page for event in _read(envelope)]
        start += len(page)
        if not page or start >= _total(reply):
            next_since = _instant(datetime.fromisoformat(until) - OVERLAP)
            return Upkept(mark={"since": next_since}, events=found)
    mark = {"since": since, "until": until, "start": start}
    return Upkept(mark=mark, events=found, again_at=round.now + timedelta(minutes=1))


def _read(envelope: Body) -> list[Event]:
    """One envelope that cannot be read must not hold up those behind it."""
    status = str(envelope.get("status"))
    if status not in webhook.ENDS:
        return []  # the filter was not kept to
    try:
        return webhook.ended(envelope, status)
    except Malformed as error:
        log.warning("an envelope of DocuSign's list was passed over: %s", error)
        return []


def _window(since: str, until: str, start: int) -> dict[str, str]:
    return {
        "from_date": since,
        "to_date": until,
        "from_to_status": "changed",
        "status": ",".join(webhook.ENDS),
        "count": str(PAGE),
        "start_position": str(start),
    }


def _total(reply: Reply) -> int:
    """A number, as a text."""
    total = str(reply.json.get("totalSetSize"))
    return int(total) if total.isascii() and total.isdigit() else 0


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
