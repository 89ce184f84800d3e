"""Prevents: a double with other secrets than the product, and a platform without a stand-in that stops them all."""

from dataclasses import replace

import pytest

from platforms import all_platforms
from platforms.slack import SlackSettings
from platforms.slack.stand_in import STAND_IN as SLACK
from sandbox.vendors import STANDS, Vendor, found, named, shared


def test_every_stand_in_is_found_by_being_there() -> None:
    vendors = named(found())
    assert {"slack", "wootric"} <= vendors.keys() <= all_platforms().keys()
    assert all(name == vendor.stand_in.name for name, vendor in vendors.items())
    assert vendors["slack"].inbound is all_platforms()["slack"].inbound


def test_what_the_environment_sets_holds_and_the_rest_is_the_stand_in_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVATION_SLACK__BOT_TOKEN", "xoxb-real")
    monkeypatch.setenv("OVATION_SLACK__WEBHOOK_SECRET", "")
    settings = shared(SlackSettings(), SLACK.settings())
    assert isinstance(settings, SlackSettings)
    assert settings.secrets() == ["slack-sandbox-signing-secret", "xoxb-real"]
    assert settings.fallback_channel == "C0SANDBOX1"


def test_the_environment_never_repeats_what_is_set_already(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVATION_SLACK__BOT_TOKEN", "xoxb-real")
    monkeypatch.setenv("OVATION_SLACK__BASE_URL", "https://slack.example")
    variables = named(found())["slack"].environment("http://here")
    assert variables == {
        "OVATION_SLACK__WEBHOOK_SECRET": "slack-sandbox-signing-secret",
        "OVATION_SLACK__FALLBACK_CHANNEL": "C0SANDBOX1",
    }


def test_the_environment_is_read_back_as_it_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    for vendor in found():
        for name, value in vendor.environment("http://here").items():
            monkeypatch.setenv(name, value)
    for vendor in found():
        own = vendor.stand_in.settings()
        stands = {"base_url": f"http://here/{vendor.name}", "rate_limit": own.rate_limit or STANDS}
        expected = own.model_copy(update=stands)
        assert type(expected)().model_dump() == expected.model_dump()


@pytest.mark.parametrize("name", ["outbox", "a/b", "", "_moves/"])
def test_a_name_that_is_no_address_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="first part of its address"):
        named([Vendor(replace(SLACK, name=name), SLACK.settings())])
