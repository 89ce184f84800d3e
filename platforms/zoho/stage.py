"""How far a referral has come, as a lead's status or a deal's stage shows it: in both directions, by the same words.

The failure prevented: a salesperson's work undone by a message that we repeat. What we told once is not told again, a
record moves forward only, and what people closed stays closed.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, get_args

from platforms.base import Body
from platforms.capabilities import Referral, Stage
from platforms.zoho.records import STAGE

if TYPE_CHECKING:
    from platforms.zoho import ZohoSettings

FIELDS: Final = {"Leads": "Lead_Status", "Deals": "Stage"}
"""Module → the field that says how far it is."""

_ORDER: Final[tuple[Stage, ...]] = get_args(Stage)
_ENDS: Final = frozenset[Stage]({"won", "lost", "disqualified"})


def words(module: str, settings: "ZohoSettings") -> Mapping[Stage, str]:
    """Our word → theirs."""
    return settings.stages if module == "Leads" else settings.deal_stages


def meant(module: str, word: object, settings: "ZohoSettings") -> Stage | None:
    """The stage that their word stands for; of several the furthest."""
    theirs = words(module, settings)
    own = [stage for stage in _ORDER if stage in theirs and theirs[stage] == word]
    return own[-1] if own else settings.also_means.get(str(word))


def step(module: str, there: Body, action: Referral, settings: "ZohoSettings") -> Body:
    """What is to be written of the stage: nothing that was told before, and no move that would take one back.

    A value that we have no word for was put there by people; only the end of the story goes over it."""
    if there.get(STAGE) == action.stage:
        return {}
    told = {STAGE: action.stage}
    word, now = words(module, settings).get(action.stage), there.get(FIELDS[module])
    here = meant(module, now, settings)
    if word is None or word == now or here in _ENDS:
        return told
    earlier = here is not None and _ORDER.index(here) < _ORDER.index(action.stage)
    return {**told, FIELDS[module]: word} if action.stage in _ENDS or not now or earlier else told
