"""The rules of the checker: one file each, found by being there.

A rule is a function named like its file. It looks at the desk and yields a mistake for each place that breaks it; its
docstring says what it forbids, why, and shows an example. Whether words are good is not a rule: rules find what would
not work.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

from authoring.desk import Desk
from authoring.mistakes import Mistake

Rule = Callable[[Desk], Iterator[Mistake]]


@cache
def all_rules() -> dict[str, Rule]:
    """Name, as a mistake shows it → rule."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {name.replace("_", "-"): _rule(name) for name in names}


def _rule(name: str) -> Rule:
    rule: Rule = getattr(importlib.import_module(f"{__name__}.{name}"), name)
    return rule


def broken_rules(desk: Desk) -> Iterator[Mistake]:
    """Every mistake every rule finds."""
    for name, rule in all_rules().items():
        for mistake in rule(desk):
            yield replace(mistake, rule=name)
