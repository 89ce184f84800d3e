"""Stages of a deal: our words for them, HubSpot's ids, and which of two is further on.

The failure prevented: a deal that a colleague moved on or closed, thrown back by a message of ours that was late. A
pipeline has an order; an open deal is moved forward in it, or closed, and a closed one is not opened again.
"""

from collections.abc import Generator
from typing import TYPE_CHECKING

from platforms.base import Body, Call, Reply
from platforms.capabilities import Stage

if TYPE_CHECKING:
    from platforms.hubspot import HubSpotSettings

ORDER: dict[Stage, int] = {"submitted": 0, "accepted": 1, "qualified": 2, "won": 3, "lost": 3, "disqualified": 3}
CLOSING = frozenset({"won", "lost", "disqualified"})

_WORDS: tuple[Stage, ...] = ("submitted", "accepted", "qualified", "won", "lost", "disqualified")


def words(found: Body, settings: "HubSpotSettings") -> list[Stage]:
    """Our words for the stage this deal is in; for one that is not mapped, whether it is won or lost."""
    properties = found["properties"]
    named = [word for word in _WORDS if settings.stages.get(word) == properties.get("dealstage")]
    if named:
        return named
    if _yes(properties.get("hs_is_closed_won")):
        return ["won"]
    return ["lost"] if _yes(properties.get("hs_is_closed")) else []


def behind(told: str | None, stage: Stage) -> bool:
    """Whether `told`, the stage that we told HubSpot last, is further on than `stage`: then that is old news."""
    return any(word == told and ORDER[word] > ORDER[stage] for word in _WORDS)


def first(stage: Stage, settings: "HubSpotSettings") -> str | None:
    """The id where a new deal of this stage begins: its own, or that of the nearest stage before it."""
    before = [word for word in reversed(_WORDS) if ORDER[word] < ORDER[stage]]
    return next((settings.stages[word] for word in (stage, *before) if word in settings.stages), None)


def pipelines(settings: "HubSpotSettings") -> Generator[Call, Reply, dict[str, dict[str, Body]]]:
    """GET /crm/pipelines/…/deals: pipeline → its stages by id."""
    reply = yield Call.get(f"/crm/pipelines/{settings.api_version}/deals")
    return {str(p["id"]): {str(s["id"]): s for s in p["stages"]} for p in reply.json["results"]}


def may_move(found: Body, to: str, settings: "HubSpotSettings") -> Generator[Call, Reply, bool]:
    """Whether the deal may go to this stage: within its own pipeline, and forward."""
    here = (yield from pipelines(settings)).get(str(found["properties"].get("pipeline")), {})
    now, then = here.get(str(found["properties"].get("dealstage"))), here.get(to)
    if now is None or then is None:
        return False
    if closed(then):
        return True
    return not closed(now) and int(then["displayOrder"]) > int(now["displayOrder"])


def closed(stage: Body) -> bool:
    """By the stage's own metadata, where flags are text; never by its label."""
    return _yes((stage.get("metadata") or {}).get("isClosed"))


def _yes(value: object) -> bool:
    return str(value).lower() == "true"
