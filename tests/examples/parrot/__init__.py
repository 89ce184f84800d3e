"""Parrot: a vendor that nobody has heard of. It has cards, and is what a twenty-fifth folder has to be and no more."""

from collections.abc import Generator

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from platforms.base import Action, Call, Idempotent, Platform, PlatformSettings, Reply, Talk, Token, reveal
from platforms.capabilities import PutCard, Receipt


class ParrotSettings(PlatformSettings):
    model_config = SettingsConfigDict(**{**PlatformSettings.model_config, "env_prefix": "OVATION_PARROT__"})
    required = ("api_key",)

    base_url: str = "https://api.parrot.example"
    api_key: SecretStr | None = None


def headers(settings: ParrotSettings, token: Token | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {reveal(settings.api_key)}"}


def put_card(action: PutCard, key: str, settings: ParrotSettings) -> Generator[Call, Reply, Receipt]:
    """PUT /cards/{referral}: the whole card, so that a repeat changes nothing."""
    reply = yield Call.put(f"/cards/{action.referral}", json={"title": action.person.company, "stage": action.stage})
    return Receipt(reference=reply.json["id"])


def doctor(settings: ParrotSettings) -> Talk:
    reply = yield Call.get("/me")
    return Receipt(facts=reply.json)


PLATFORM = Platform(
    name="parrot",
    label="Parrot",
    settings=ParrotSettings,
    limit=5.0,
    headers=headers,
    doctor=doctor,
    actions=[Action(PutCard, talk=put_card, repeat=Idempotent(how="a PUT of the whole card"))],
)
