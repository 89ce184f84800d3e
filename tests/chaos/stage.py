"""Where it is played: the embedded stack in a folder of its own, with a program whose month lasts seconds.

The failure prevented: a run that proves something about another program than the one that is shipped. The playbook is
the shipped one, without its messages, which are three fourths of the work and no money; without its deadlines, which on
days this short would only raise alarms; and with a longer end.
"""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml

from authoring.source import read_file
from models.settings import Settings
from platforms import all_platforms
from starter.local.stack import Stack

ROOT = Path(__file__).parents[2]
WINDOW_DAYS = 30
MESSAGES = {"notify", "send", "attribute_revenue"}
"""The last is one, too: to the CRM, whose double keeps no revenue but in dollars."""
UNLIMITED = {f"OVATION_{name.upper()}__RATE_LIMIT": "100000" for name in all_platforms()}
"""Vendors' limits would only make it longer."""


@asynccontextmanager
async def stage(window: float, say: Callable[[str], None]) -> AsyncIterator[Stack]:
    """Everything at work; the return window takes `window` seconds. Nothing of the environment's own settings."""
    state = Path(tempfile.mkdtemp(prefix="ovation-chaos-"))
    state.chmod(0o755)  # as root PostgreSQL runs as somebody else, who has to get there
    write_program(state)
    write_playbook(state)
    own = {
        "OVATION_PROGRAM": str(state / "program.yaml"),
        "OVATION_PLAYBOOKS": str(state / "playbooks"),
        "OVATION_TIME_SCALE": str(WINDOW_DAYS * 86_400 / window),
    }
    outside = {k: v for k, v in os.environ.items() if not k.startswith(("OVATION_", "TEMPORAL_"))}
    with patch.dict(os.environ, outside, clear=True):
        ports = Settings(port=0, sandbox_port=0, temporal_port=0, temporal_ui_port=0)
        stack = Stack(state, ports, sandbox=True, durable=False, overrides={**UNLIMITED, **own})
        try:
            await stack.start(say)
            yield stack
        finally:
            stack.stop()
            if stack.postgres is not None:
                stack.postgres.destroy()
            shutil.rmtree(state, ignore_errors=True)


def write_program(state: Path, rewards: dict[str, Any] | None = None, payouts: dict[str, Any] | None = None) -> None:
    """The shipped program with rewards that nobody has to approve, in any currency."""
    program = _read(ROOT / "program.yaml")
    program["rewards"] = {"advocate": {"worth": "10% of the sale", **(rewards or {})}}
    program["payouts"] = {"country": "US", **(payouts or {})}
    program["fraud"] = {"a_day": 100_000}
    _write(state / "program.yaml", program)


def write_playbook(state: Path) -> None:
    """The shipped playbook, of which only the effects that move money, and the lead, are left."""
    shutil.copytree(ROOT / "playbooks" / "messages", state / "playbooks" / "messages")
    playbook = _read(ROOT / "playbooks" / "referral.yaml")
    for kind in ("steps", "reactions"):
        for step in playbook[kind].values():
            step["do"] = [action for action in step["do"] if _verb(action) not in MESSAGES]
            step.pop("within", None)
        playbook[kind] = {name: step for name, step in playbook[kind].items() if step["do"]}
    playbook["ends"] = {"after": "8000 days of quiet", "at_most": "16000 days"}
    _write(state / "playbooks" / "referral.yaml", playbook)


def _verb(action: str | dict[str, Any]) -> str:
    return action if isinstance(action, str) else next(iter(action))


def _read(path: Path) -> dict[str, Any]:
    """As the product reads it: `on` is a word there, and yes to YAML."""
    content: dict[str, Any] = read_file(path).content
    return content


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False))
