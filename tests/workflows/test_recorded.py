"""Prevents: new code that breaks a running journey, or decides otherwise for it.

`tests/histories/VERSION/` and `tests/traces/VERSION.jsonl` were recorded from released code (`python -m tests.record`)
and are never recorded anew to make a test pass: journeys that began then are still under way somewhere.
"""

import json
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from journeys.advance import Decision, advance
from journeys.happenings import Happening
from journeys.playbooks import playbook_from
from journeys.state import State
from tests.workflows.fingerprints import fingerprints
from workflows.converter import data_converter
from workflows.journey import AdvocateJourney
from workflows.referral import Referral
from workflows.upkeep import PlatformUpkeep

TESTS = Path(__file__).parents[1]
HISTORIES = sorted((TESTS / "histories").glob("*/*.json"))
TRACES = sorted((TESTS / "traces").glob("*.jsonl"))
HAPPENINGS: TypeAdapter[list[Happening]] = TypeAdapter(list[Happening])

LESSON = """The commands of workflow {name!r} changed:
{changes}
Journeys that run elsewhere replay their history through this code. If every recorded history still replays
(test_a_recorded_history_replays) and running journeys are to go on with it, keep the old way behind
`workflow.patched("what-changed")`, and write the new fingerprint with `python -m tests.record --fingerprints`.
"""


def test_there_is_something_to_replay() -> None:
    assert HISTORIES, "record the histories of this version: python -m tests.record"
    assert TRACES, "record the traces of this version: python -m tests.record"


@pytest.mark.parametrize("path", HISTORIES, ids=lambda p: f"{p.parent.name}-{p.stem}")
async def test_a_recorded_history_replays(path: Path) -> None:
    history = WorkflowHistory.from_json(path.stem, path.read_text())
    replayer = Replayer(workflows=[AdvocateJourney, Referral, PlatformUpkeep], data_converter=data_converter)
    await replayer.replay_workflow(history)


@pytest.mark.parametrize("path", TRACES, ids=lambda p: p.stem)
def test_recorded_decisions_are_decided_again(path: Path) -> None:
    """What replay does not see: the lengths of timers, the orders' contents, what an operator is shown."""
    playbook = None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        turn = json.loads(line)
        if "playbook" in turn:
            playbook = playbook_from(turn["playbook"])
            continue
        assert playbook is not None
        happened = HAPPENINGS.validate_python(turn["happened"])
        now = TypeAdapter(State.model_fields["started"].annotation).validate_python(turn["now"])
        decided = advance(playbook, State.model_validate(turn["state"]), happened, now)
        assert decided == Decision.model_validate(turn["decision"]), f"{path.name}:{number}"


@pytest.mark.parametrize("name", sorted(fingerprints()))
def test_a_workflow_asks_temporal_for_the_same_commands(name: str) -> None:
    known = json.loads((TESTS / "histories" / "fingerprints.json").read_text())
    now, before = fingerprints()[name], known.get(name, [])
    changes = [f"  - {line}" for line in before if line not in now] + [
        f"  + {line}" for line in now if line not in before
    ]
    assert now == before, LESSON.format(name=name, changes="\n".join(changes) or "  (their order)")


def test_a_swap_of_two_commands_changes_the_fingerprint() -> None:
    """The fingerprint's own proof that it can fail."""
    before = fingerprints()["journey"]
    assert before != [*before[1:], before[0]]
    assert any("activity_id=order.key" in line for line in before), "an effect's key is its activity's id"
