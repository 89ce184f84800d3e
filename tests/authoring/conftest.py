"""Platforms that can do what they are named for: what a checker says must not change with each vendor that is added."""

from collections.abc import Mapping
from typing import Any

import pytest

from platforms.base import Action, Platform, PlatformSettings, Talk, Unsafe
from platforms.capabilities import CAPABILITIES, Receipt


def _silent(*_: Any) -> Talk:
    yield from ()
    return Receipt()


def _platform(name: str, capability: str) -> Platform:
    actions = [Action(takes, _silent, Unsafe()) for takes in CAPABILITIES[capability]]
    return Platform(
        name=name,
        label=name,
        settings=PlatformSettings,
        limit=1,
        headers=lambda settings, token: {},
        doctor=_silent,
        actions=actions,
    )


@pytest.fixture
def few_platforms() -> Mapping[str, Platform]:
    """One platform for each capability."""
    return {f"my-{capability}": _platform(f"my-{capability}", capability) for capability in CAPABILITIES}
