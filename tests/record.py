"""`python -m tests.record`: keeps today's histories and decisions for all later versions to replay.

Run once before a release. It refuses to write over what was recorded: a journey that began then is still under way.
`--fingerprints` writes the workflows' fingerprints alone, after a change that was thought through.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pydantic import TypeAdapter
from temporalio.testing import WorkflowEnvironment

from authoring import rehearsal
from authoring.shelf import load
from authoring.stories import run_stories
from journeys.advance import Decision, advance
from journeys.happenings import Happening
from journeys.state import State
from models.playbook import Playbook
from models.settings import Settings
from starter.local.postgres import EmbeddedPostgres
from store.database import connect
from store.migrate import migrate
from tests.workflows import scenarios
from tests.workflows.conftest import time_skipping
from tests.workflows.fingerprints import fingerprints
from tests.world import World, world

HERE = Path(__file__).parent
_HAPPENINGS: TypeAdapter[list[Happening]] = TypeAdapter(list[Happening])


def main() -> int:
    (HERE / "histories").mkdir(exist_ok=True)
    (HERE / "histories" / "fingerprints.json").write_text(json.dumps(fingerprints(), indent=1) + "\n")
    if "--fingerprints" in sys.argv:
        return 0
    release = version("ovation")
    histories, traces = HERE / "histories" / release, HERE / "traces" / f"{release}.jsonl"
    for kept in (histories, traces):
        if kept.exists():
            print(f"{kept} was recorded already and stays as it is; raise the version first", file=sys.stderr)
            return 1
    _record_traces(traces)
    histories.mkdir(parents=True)
    asyncio.run(_record_histories(histories))
    print(f"recorded {len(list(histories.iterdir()))} histories and the decisions of every story")
    return 0


def _record_traces(path: Path) -> None:
    """Every turn of the core in every story."""
    path.parent.mkdir(exist_ok=True)
    shelf = load(Settings())
    with path.open("w") as file:

        def kept(playbook: Playbook, state: State, happened: Sequence[Happening], now: datetime) -> Decision:
            decision = advance(playbook, state, happened, now)
            turn = {
                "state": state.model_dump(mode="json", exclude_defaults=True),
                "happened": _HAPPENINGS.dump_python(list(happened), mode="json"),
                "now": now.isoformat(),
                "decision": decision.model_dump(mode="json", exclude_defaults=True),
            }
            file.write(json.dumps(turn, separators=(",", ":")) + "\n")
            return decision

        with patch.object(rehearsal, "advance", kept):
            for name, playbook in shelf.playbooks.items():
                file.write(json.dumps({"playbook": shelf.content(name)}, separators=(",", ":")) + "\n")
                run_stories(Settings().playbooks, {name: playbook}, only=name)


async def _record_histories(folder: Path) -> None:
    for name, scenario in scenarios.ALL.items():
        async with _stage() as (env, here):
            for stem, handle in (await scenario(here, env)).items():
                history = await handle.fetch_history()
                (folder / f"{name}-{stem}.json").write_text(history.to_json())


@asynccontextmanager
async def _stage() -> AsyncIterator[tuple[WorkflowEnvironment, World]]:
    state = Path(tempfile.mkdtemp(prefix="ovation-"))
    state.chmod(0o755)
    postgres: Any = EmbeddedPostgres(state, durable=False)
    postgres.start()
    try:
        url = postgres.ensure_database("recording")
        engine = connect(url)
        await migrate(engine)
        await engine.dispose()
        async with time_skipping() as env, world(env.client, url, now=env.get_current_time, skip=env.sleep) as here:
            yield env, here
    finally:
        postgres.destroy()


if __name__ == "__main__":
    sys.exit(main())
