"""The whole life of an effect inside a journey, as one table. `docs/journeys.md` draws it; property tests search it.

What the table does not allow changes nothing: a late or repeated word about an effect can never make it happen twice.
"""

from enum import StrEnum


class Life(StrEnum):
    PLANNED = "planned"
    CALLED = "called"
    UNDER_WAY = "under way"
    STUCK = "stuck"
    DOUBTED = "doubted"
    DONE = "done"
    WITHHELD = "withheld"
    DROPPED = "dropped"


class Turn(StrEnum):
    """What can happen to an effect."""

    DUE = "due"
    DONE = "done"
    WITHHELD = "withheld"
    NOT_BEFORE = "not_before"
    UNCLEAR = "unclear"
    REFUSED = "refused"
    UNSURE = "unsure"
    RESUMED = "resumed"
    RETRY = "retry"
    SKIP = "skip"
    LATE = "late"
    END = "end"
    FOUND = "found"
    MISSING = "missing"


LIFE: dict[Life, dict[Turn, Life]] = {
    Life.PLANNED: {
        Turn.DUE: Life.CALLED,
        Turn.SKIP: Life.DROPPED,
        Turn.LATE: Life.DROPPED,
        Turn.END: Life.DROPPED,
    },
    Life.CALLED: {
        Turn.DONE: Life.DONE,
        Turn.WITHHELD: Life.WITHHELD,
        Turn.NOT_BEFORE: Life.PLANNED,
        Turn.REFUSED: Life.STUCK,
        Turn.UNCLEAR: Life.UNDER_WAY,
        Turn.UNSURE: Life.DOUBTED,
        Turn.RESUMED: Life.UNDER_WAY,
    },
    Life.UNDER_WAY: {  # it may have happened: nothing drops it before that is found out and in the books
        Turn.DUE: Life.CALLED,
        Turn.FOUND: Life.UNDER_WAY,
        Turn.LATE: Life.DROPPED,
    },
    Life.STUCK: {
        Turn.RETRY: Life.PLANNED,
        Turn.SKIP: Life.DROPPED,
        Turn.LATE: Life.DROPPED,
        Turn.END: Life.DROPPED,
    },
    Life.DOUBTED: {  # an ended journey still waits for the answer: a doubt is shown, never guessed
        Turn.FOUND: Life.UNDER_WAY,
        Turn.MISSING: Life.UNDER_WAY,
    },
    Life.DONE: {},
    Life.WITHHELD: {},
    Life.DROPPED: {},
}

SETTLED = frozenset({Life.DONE, Life.WITHHELD, Life.DROPPED})
WAITING = frozenset({Life.PLANNED, Life.UNDER_WAY})
"""Begun when they are due."""
IN_FLIGHT = frozenset({Life.CALLED, Life.UNDER_WAY, Life.DOUBTED})
"""A journey does not end before these."""


def turned(life: Life, turn: Turn) -> Life | None:
    """The next state, or None where the table has no such turn."""
    return LIFE[life].get(turn)
