"""A fingerprint of each workflow's commands: what it asks of Temporal, in the order it stands in the code.

Replay compares the kinds of commands; so two edits that replay well here can still break a journey that runs
elsewhere. The fingerprint changes with every command that is added, removed, moved or called otherwise.
"""

import ast
import inspect
from types import ModuleType

from workflows import journey, referral, upkeep

MODULES: dict[str, ModuleType] = {"journey": journey, "referral": referral, "upkeep": upkeep}

COMMANDS = frozenset(
    {"execute_activity", "execute_local_activity", "start_activity", "execute_child_workflow", "start_child_workflow"}
    | {"sleep", "wait_condition", "continue_as_new", "upsert_search_attributes", "patched", "deprecate_patch"}
    | {"signal", "query", "update", "run", "init", "defn"}
)
SHAPING = frozenset({"activity_id", "task_queue", "name", "dynamic", "retry_policy"})
"""Arguments that decide which command it is, besides the first."""


def fingerprint(module: ModuleType) -> list[str]:
    """One line for each command or handler, in order."""
    tree = ast.parse(inspect.getsource(module))
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_workflow(node.func):
            assert isinstance(node.func, ast.Attribute)
            first = [ast.unparse(node.args[0])] if node.args else []
            named = [f"{k.arg}={ast.unparse(k.value)}" for k in node.keywords if k.arg in SHAPING]
            found.append((node.lineno, f"{node.func.attr}({', '.join([*first, *named])})"))
        elif isinstance(node, ast.Attribute) and _is_workflow(node) and node.attr in ("run", "init", "defn"):
            found.append((node.lineno, node.attr))
    return [text for _, text in sorted(found)]


def _is_workflow(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "workflow"
        and node.attr in COMMANDS
    )


def fingerprints() -> dict[str, list[str]]:
    return {name: fingerprint(module) for name, module in MODULES.items()}
