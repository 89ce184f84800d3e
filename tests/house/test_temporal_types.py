"""Prevents: a name or an address in a workflow's history, which nobody can erase from there.

To do it right: pass the contact's id and read the rest inside the activity. A model that may hold personal data derives
from `Personal`; what crosses into Temporal consists of models that do not, however deep.
"""

import dataclasses
import importlib
import inspect
import typing
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import BaseModel
from temporalio import activity, workflow

import worker
from activities.register import Doer
from activities.upkeep import Upkeeper
from models.base import Personal
from models.contact import Address, Person
from models.effect import EFFECTS, Order, Outcome
from models.event import Notice
from models.journey import JourneyStart
from tests.house import product

TELLING = (Person.model_fields.keys() | Address.model_fields.keys()) - {"region"}
"""Names of fields that tell who somebody is, whatever the model is called."""


def carried() -> dict[str, set[Any]]:
    """What is declared to cross: each workflow's and activity's function → the types in its signature."""
    found: dict[str, set[Any]] = {"activities.register.Doer": {Order, Outcome}}
    for module in product.modules():
        if module.parts[0] in ("workflows", "activities"):
            for where, function in _functions(importlib.import_module(product.name(module))):
                hints = typing.get_type_hints(function)
                found[where] = {kind for name, kind in hints.items() if name != "self"}
    return found


def _functions(module: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    for owner_name, owner in inspect.getmembers(module, inspect.isclass):
        if owner.__module__ == module.__name__:
            for name, function in inspect.getmembers(owner, callable):
                if _crosses(function):
                    yield f"{module.__name__}.{owner_name}.{name}", function
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if _crosses(function):
            yield f"{module.__name__}.{name}", function


def _crosses(function: Any) -> bool:
    marks = ("__temporal_activity_definition", "__temporal_workflow_run", "__temporal_signal_definition")
    more = ("__temporal_query_definition", "__temporal_update_definition", "_defn")
    return any(hasattr(function, mark) for mark in (*marks, *more))


def within(kind: Any) -> Iterator[Any]:
    """A type and every type inside of it."""
    seen: set[Any] = set()
    left = [kind]
    while left:
        one = left.pop()
        if isinstance(one, typing.TypeAliasType if hasattr(typing, "TypeAliasType") else ()):
            one = one.__value__
        left += typing.get_args(one)
        if not inspect.isclass(one) or one in seen:
            continue
        seen.add(one)
        yield one
        left += _fields(one).values()


def _fields(kind: Any) -> dict[str, Any]:
    if isinstance(kind, type) and (issubclass(kind, BaseModel) or dataclasses.is_dataclass(kind)):
        return {name: hint for name, hint in typing.get_type_hints(kind).items() if not name.startswith("_")}
    return {}


def test_nothing_personal_is_declared_to_cross() -> None:
    for where, kinds in carried().items():
        for kind in (inner for outer in kinds for inner in within(outer)):
            assert not (inspect.isclass(kind) and issubclass(kind, Personal)), (
                f"{where} carries {kind.__name__}, which may be personal: pass the contact's id instead"
            )
            telling = TELLING & _fields(kind).keys() if inspect.isclass(kind) and issubclass(kind, BaseModel) else set()
            assert not telling, f"{where} carries {kind.__name__}, whose {sorted(telling)} tell who somebody is"


def test_no_effects_parameters_are_personal() -> None:
    """They cross inside an order, in a dictionary that no annotation tells of."""
    for effect, kind in EFFECTS.items():
        for inner in within(kind.takes):
            assert not issubclass(inner, Personal), f"{effect} takes {inner.__name__}, which may be personal"


def test_this_looks_at_all_that_crosses() -> None:
    found = carried()
    names = {where.rpartition(".")[2] for where in found}
    assert {"run", "happened", "whole_state", "pause", "end", "keep_up"} <= names, names
    kinds = {inner for outer in found.values() for kind in outer for inner in within(kind)}
    assert {JourneyStart, Order, Outcome} <= kinds
    assert typing.get_args(Doer)[0] == [Order], "an activity of an effect takes an order"
    assert activity._Definition.from_callable(Upkeeper.keep_up) is not None
    assert all(workflow._Definition.from_class(one) for one in (worker.AdvocateJourney, worker.Referral))


@pytest.mark.parametrize(
    ("kind", "personal"),
    [(list[Person], True), (dict[str, Address | None], True), (Notice, False), (Order, False)],
)
def test_the_rule_sees_inside(kind: Any, personal: bool) -> None:
    assert any(issubclass(inner, Personal) for inner in within(kind)) is personal
