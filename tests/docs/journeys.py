"""The life of an effect, drawn and told from the one table that holds it.

Prevents a diagram in which a doubt may be skipped, because the table was changed and the picture was not.
"""

from collections.abc import Iterator

from journeys.life import LIFE, SETTLED, Life, Turn
from tests.docs.pages import listed, table

STATES = {
    Life.PLANNED: "its moment is still to come, or it waits for an instant or an event",
    Life.CALLED: "an activity is at work on it",
    Life.UNDER_WAY: "the vendor is at work on it, or its answer was lost; the next attempt finds out",
    Life.STUCK: "the vendor refused it, and will again until a person changes something",
    Life.DOUBTED: "it may have happened, and nothing but a look at the vendor can tell",
    Life.DONE: "it happened, once",
    Life.WITHHELD: "it must not happen; the reason is on record",
    Life.DROPPED: "it will not happen: left out, too late, or the journey ended first",
}

TURNS = {
    Turn.DUE: "its moment came",
    Turn.DONE: "the vendor's receipt came",
    Turn.WITHHELD: "the last look said no: consent, caps, budget, fraud, or nothing to do",
    Turn.NOT_BEFORE: "the last look said later",
    Turn.UNCLEAR: "the vendor is still at work, or the answer was lost",
    Turn.REFUSED: "the vendor said that our request is wrong",
    Turn.UNSURE: "the answer was lost, and this vendor cannot be asked",
    Turn.RESUMED: "a new run of the workflow begins it again, under the same key",
    Turn.RETRY: "an operator: try it again",
    Turn.SKIP: "an operator: leave it out; or an event of `unless` came first",
    Turn.LATE: "its hour passed: a gift goes without the video",
    Turn.END: "the journey ended",
    Turn.FOUND: "an operator, or a vendor's event, says that it did happen",
    Turn.MISSING: "an operator says that it did not happen",
}


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> planned", *_arrows()]
    lines += [f"    {life} --> [*]" for life in Life if life in SETTLED]
    return "\n".join([*lines, "```"])


def _arrows() -> Iterator[str]:
    for life, turns in LIFE.items():
        for target in dict.fromkeys(turns.values()):
            words = ", ".join(turn.value.replace("_", " ") for turn, to in turns.items() if to is target)
            yield f"    {life} --> {target}: {words}"


def states() -> str:
    """Each state: what it means, and what it can turn into."""
    rows = [
        (f"`{life}`", STATES[life], ", ".join(f"{turn.value.replace('_', ' ')} → `{to}`" for turn, to in turns.items()))
        for life, turns in LIFE.items()
    ]
    return table(
        ("state", "means", "turns"), *((a, b, c or "settled: nothing changes it any more") for a, b, c in rows)
    )


def turns() -> str:
    """Each turn: what happened, and in which states it counts."""
    rows = [(turn.value.replace("_", " "), TURNS[turn], listed(_from(turn))) for turn in Turn]
    return table(("turn", "what happened", "counts when it is"), *rows)


def _from(turn: Turn) -> list[str]:
    return [life.value for life, turns in LIFE.items() if turn in turns]
