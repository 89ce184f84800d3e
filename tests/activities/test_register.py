"""Prevents: an effect that nobody does, or that two functions do; a capability nobody declared actions for."""

from unittest.mock import Mock

from activities.perform import DOERS
from activities.register import doers
from models.effect import EFFECTS
from platforms.capabilities import CAPABILITIES


def test_every_effect_has_exactly_one_doer() -> None:
    assert doers(None, Mock(), None, {}).keys() == EFFECTS.keys()  # type: ignore[arg-type]


def test_every_effect_of_a_platform_asks_for_an_action_of_its_capability() -> None:
    for effect, (_, takes) in DOERS.items():
        capability = EFFECTS[effect].capability
        assert capability is not None, f"{effect} is done by a platform, and names no capability"
        assert takes in CAPABILITIES[capability], effect


def test_every_capability_is_asked_for() -> None:
    assert {kind.capability for kind in EFFECTS.values()} - {None} == CAPABILITIES.keys()
