"""How a playbook is said: moments, durations and actions in the words of its pictures and stories."""

import re
import textwrap
from collections.abc import Iterator
from datetime import timedelta

from models.effect import EFFECTS
from models.playbook import START, Action, Doing, Ends, Playbook, Reaction, Step, Trigger, When

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
_YEAR = 365 * 86400
_SAID = {">=": "≥", "<=": "≤", "==": "is", "event.": ""}
_SPEAKS_FOR_ITSELF = frozenset({"attribute_revenue", "invite_payee", "take_back_reward"})
"""Actions whose parameter would tell a reader nothing more."""
_LIQUID = re.compile(r"\{\{\s*(?:\w+\.)?(\w+)[^}]*\}\}")


SCREENED = "Nothing is done before the fraud rules, or a person, let it pass."
"""What precedes every step of a playbook about referrals, and stands in none."""


def length(duration: timedelta) -> str:
    """`2 days and 3 hours`: the two largest units that are not zero; years only where they are whole."""
    left = round(duration.total_seconds())
    if left and left % _YEAR == 0:
        return f"{left // _YEAR} year{'' if left == _YEAR else 's'}"
    parts = []
    for unit, seconds in _UNITS:
        count, left = divmod(left, seconds)
        if count:
            parts.append(f"{count} {unit}{'' if count == 1 else 's'}")
    return " and ".join(parts[:2]) or "0 seconds"


def after_start(passed: timedelta) -> str:
    """`at start`, `after 3 days`."""
    return f"after {length(passed)}" if passed else "at start"


def moment(when: When) -> str:
    """`at start`, `3 days after gift.delivered`."""
    anchor = "the start" if when.anchor == START else when.anchor
    if when.delay:
        return f"{length(when.delay)} after {anchor}"
    return "at start" if when.anchor == START else f"on {when.anchor}"


def trigger(event: str, condition: str | None) -> str:
    """`nps.answered when score ≥ 9`."""
    if condition is None:
        return event
    for written, said in _SAID.items():
        condition = condition.replace(written, said)
    return f"{event} when {condition}"


def triggers(given: list[Trigger]) -> list[str]:
    return [trigger(one.on, one.when) for one in given]


def any_of(words: list[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    return " or ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def again(playbook: Playbook) -> str:
    """How often it may be begun: `again after 90 days`, `once for each person`."""
    if playbook.again is not None:
        return f"again after {length(playbook.again)}"
    return "once for each referral" if playbook.about == "referral" else "once for each person"


def conditions(doing: Step | Reaction) -> list[str]:
    """What else decides whether and when it happens, in a few words each."""
    if isinstance(doing, Step):
        early = [] if doing.or_ is None else [f"or {moment(doing.or_)}"]
        return [*early, *([f"not after {any_of(doing.unless)}"] if doing.unless else [])]
    return [] if doing.each is None else [f"once for each {doing.each.removeprefix('event.')}"]


def deadline(doing: Doing) -> str:
    """`within 2 days, the team is warned 12 hours before`; empty without a deadline."""
    if doing.within is None:
        return ""
    return f"within {length(doing.within)}, a warning {length(doing.warn_before)} before"


def exits(ends: Ends) -> list[str]:
    """Everything that ends a journey."""
    return [
        f"{length(ends.after)} of quiet",
        *(trigger(one.on, one.when) for one in ends.on),
        f"at the latest after {length(ends.at_most)}",
    ]


def deeds(doing: Doing) -> Iterator[str]:
    """Each action in a few words: `send the gift “advocate”, with a personal video`."""
    for action in doing.do:
        yield _action(action)


def _action(action: Action) -> str:
    kind = EFFECTS[action.verb]
    words = kind.label
    value = action.params.get(kind.shorthand or next(iter(kind.takes.model_fields), ""))
    if action.verb == "notify":
        return f"tell {action.params['team']}" if action.params.get("team") else "tell the success manager"
    if action.verb == "task":
        value = action.params["title"]
    if action.verb in _SPEAKS_FOR_ITSELF or not isinstance(value, str):
        return words
    named = f"{words} “{_LIQUID.sub(_blank, value)}”"
    return f"{named} with a personal video" if action.params.get("video") else named


def _blank(match: re.Match[str]) -> str:
    return f"‹{match[1].replace('_', ' ')}›"


def wrapped(words: str, width: int) -> list[str]:
    """The words in lines of at most so many characters; leading spaces are kept on every line."""
    indent = words[: len(words) - len(words.lstrip())]
    return textwrap.wrap(words, width, subsequent_indent=indent, break_on_hyphens=False) or [""]
