"""The fraud rules as they are written, with their weights and words.

Prevents a rule that refuses somebody's money and stands on no page.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

from store.fraud import DENY, HINT, HOLD, RULES
from tests.docs.pages import table

WEIGHTS = {"DENY": DENY, "HOLD": HOLD, "HINT": HINT}


def rules() -> str:
    """Rule, what it says when it finds something, and what that weighs."""
    rows = [
        (f"`{rule.__name__}`" if first else "", words, f"{WEIGHTS[weight]} ({weight.lower()})")
        for rule in RULES
        for first, weight, words in _findings(rule)
    ]
    return table(("rule", "finds that", "weight"), *rows)


def verdicts() -> str:
    """What the sum of the weights means."""
    return table(
        ("sum of the weights", "verdict", "what follows"),
        (f"less than {HOLD}", "allow", "the journey goes on"),
        (f"from {HOLD}", "hold", "a person looks; until then nothing is owed"),
        (f"from {DENY}", "deny", "the journey ends, and nothing is ever paid"),
    )


def _findings(rule: Callable[..., Any]) -> Iterator[tuple[bool, str, str]]:
    """Every `yield weight, words` of a rule; whether it is the first."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(rule)))
    found = [node.value for node in ast.walk(tree) if isinstance(node, ast.Yield)]
    for number, value in enumerate(sorted(found, key=lambda node: node.lineno if node else 0)):
        assert isinstance(value, ast.Tuple), f"{rule.__name__} yields a weight and words"
        weight, words = value.elts
        yield number == 0, ast.unparse(weight), _words(words)


def _words(node: ast.expr) -> str:
    """The sentence, with … for what is only known when the rule runs."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return "said by what found it: how the form was filled in"
