"""Where the stack of this folder is, for the other commands: written by whoever runs it, forgotten at its end.

The failure prevented: a second stack that is refused, since one runs here, and takes the running one's address with it.
"""

import json
import os
from pathlib import Path

from starter.local.stack import Stack

STATE = Path(".ovation")


def remember(stack: Stack) -> None:
    """Writes where the stack is, readable by its owner alone: the file holds its keys."""
    path = stack.state / "up.json"
    path.touch(mode=0o600)
    path.write_text(_whereabouts(stack))


def _whereabouts(stack: Stack) -> str:
    return json.dumps({**stack.addresses(), "process": os.getpid(), "environment": stack.environment}, indent=2)


def remember_processes(stack: Stack) -> None:
    """The process ids, for whoever wants to watch or to kill one."""
    pids = {name: child.pid for name, child in stack.children.items()}
    path = stack.state / "processes.json"
    if not path.exists() or json.loads(path.read_text() or "{}") != pids:
        path.write_text(json.dumps(pids))


def forget(stack: Stack) -> None:
    """Takes back what was remembered of this stack, and nothing that another process remembered since or before."""
    path = stack.state / "up.json"
    if path.exists() and path.read_text() == _whereabouts(stack):
        path.unlink()
        (stack.state / "processes.json").unlink(missing_ok=True)


def remembered() -> None:
    """Fills what the environment leaves open from the stack that runs in this folder, if one does."""
    for path in (STATE / "up.json", STATE / "demo" / "up.json"):
        if path.exists():
            for name, value in json.loads(path.read_text())["environment"].items():
                os.environ.setdefault(name, value)
            return
