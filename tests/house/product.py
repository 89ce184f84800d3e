"""The product's own code, as the house's rules look at it: parsed, never run."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = (
    *("activities", "authoring", "journeys", "models", "platforms", "reports", "sandbox", "starter", "store"),
    "workflows",
)


@cache
def modules() -> tuple[Path, ...]:
    """Every module of the product, relative to its root."""
    found = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    assert len(found) > 150, "this looks at nothing"
    return (Path("worker.py"), *(path.relative_to(ROOT) for path in found))


@cache
def text(module: Path) -> str:
    return (ROOT / module).read_text()


@cache
def tree(module: Path) -> ast.Module:
    return ast.parse(text(module))


def name(module: Path) -> str:
    """As it is imported."""
    return ".".join(module.with_suffix("").parts).removesuffix(".__init__")


def imports(module: Path) -> Iterator[tuple[str, int]]:
    """What a module imports, wherever in it, with the line. `from a import b` is both a and a.b: b may be a module."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module, node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def is_double(module: Path) -> bool:
    """A vendor's stand-in: only the sandbox and tests import it."""
    return module.parts[0] == "platforms" and module.name.startswith("stand_in")


def allowed(found: list[str], exceptions: dict[str, str]) -> list[str]:
    """What is left of `found` (`path:line …`) without the exceptions, by path; and exceptions that nobody needs."""
    left = [one for one in found if one.partition(":")[0] not in exceptions]
    stale = exceptions.keys() - {one.partition(":")[0] for one in found}
    return left + [f"{path}: strike it off the exceptions, it keeps the rule now" for path in sorted(stale)]
