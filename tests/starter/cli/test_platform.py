"""Prevents: a vendor that is told the wrong address, or a webhook whose secret nobody can find."""

from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.upkeep import secret_name
from models.links import Links
from models.token import Token
from starter.cli import platform_new
from store.tokens import TokenVault
from tests.starter.cli.conftest import Ovation, aside, told

SECRETS = ["a secret for tests"]


@pytest.fixture(autouse=True)
def _settings(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVATION_DATABASE_URL", database_url)
    monkeypatch.setenv("OVATION_SECRET_KEYS", SECRETS[0])
    monkeypatch.setenv("OVATION_PUBLIC_URL", "https://ovation.example")


async def test_the_address_is_one_that_we_gave_out(ovation: Ovation) -> None:
    found = told(await aside(ovation, "platform", "webhook", "notion", "--json"))
    base, _, proof = found["address"].partition("?hook=")
    assert base == "https://ovation.example/webhooks/notion"
    assert Links("https://ovation.example", SECRETS).gave_out("notion", proof.replace("%3D", "="))
    assert found["verified_by"].startswith("nothing yet, so none is believed: set OVATION_NOTION__WEBHOOK_SECRET")
    assert "secret" not in found


async def test_a_token_that_the_vendor_sent_can_be_pasted_into_its_page(ovation: Ovation, engine: AsyncEngine) -> None:
    await TokenVault(engine, SECRETS).put(secret_name("notion"), Token("notion-sent-this"))
    hidden = await aside(ovation, "platform", "webhook", "notion", "--json")
    assert told(hidden)["verified_by"] == "the secret that the vendor gave us, kept sealed"
    assert "notion-sent-this" not in hidden.output
    assert told(await aside(ovation, "platform", "webhook", "notion", "--secret", "--json"))["secret"] == (
        "notion-sent-this"
    )


async def test_a_secret_in_the_address_is_shown_only_when_asked_for(
    ovation: Ovation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVATION_SENDSPARK__WEBHOOK_SECRET", "a-canary")
    hidden = await aside(ovation, "platform", "webhook", "sendspark", "--json")
    assert "a-canary" not in hidden.output
    assert told(hidden)["address"].endswith("&secret=SECRET")
    shown = told(await aside(ovation, "platform", "webhook", "sendspark", "--secret", "--json"))
    assert shown["address"].endswith("&secret=a-canary")


async def test_a_secret_that_is_not_known_is_said(ovation: Ovation) -> None:
    result = await aside(ovation, "platform", "webhook", "notion", "--secret")
    assert result.exit_code == 1
    assert "no secret of its own is known" in result.stderr


async def test_a_vendor_that_sends_nothing_is_wrong_use(ovation: Ovation) -> None:
    result = await aside(ovation, "platform", "webhook", "google_sheets")
    assert result.exit_code == 2
    assert "no platform 'google_sheets' sends webhooks" in result.stderr


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("slack", "slack is there already: nothing was written"),
        ("Pigeon", "'Pigeon' is no name for a platform"),
        ("crm2", "'crm2' is no name for a platform"),
        ("a_name_that_is_too_long", "at most 18 of them"),
        ("books", "'books' means something else already"),
        ("runner", "'runner' means something else already"),
        ("lambda", "'lambda' means something else already"),
    ],
)
def test_a_bad_name_writes_nothing(ovation: Ovation, name: str, words: str) -> None:
    result = ovation("platform", "new", name)
    assert result.exit_code == 2
    assert words in result.stderr


def test_a_capability_that_nobody_has_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platforms.__path__", [str(tmp_path)])
    with pytest.raises(ValueError, match="there is no capability 'pigeons'; there are: crm, "):
        platform_new.write("pigeon_post", "", ["pigeons"])
    assert list(tmp_path.iterdir()) == []
