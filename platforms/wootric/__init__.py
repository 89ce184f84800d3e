"""Wootric (InMoment): NPS answers in. Surveys are not sent through it."""

from typing import ClassVar

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from platforms.base import Platform, PlatformSettings
from platforms.wootric.client import SIGN_IN, doctor, headers
from platforms.wootric.webhook import INBOUND


class WootricSettings(PlatformSettings):
    """`base_url` ends in `.eu` or `.au` for accounts of those regions."""

    model_config = SettingsConfigDict(**{**PlatformSettings.model_config, "env_prefix": "OVATION_WOOTRIC__"})
    required: ClassVar[tuple[str, ...]] = ("client_id", "client_secret")

    base_url: str = "https://api.wootric.com"
    client_id: str | None = None
    client_secret: SecretStr | None = None


PLATFORM = Platform(
    name="wootric",
    label="Wootric",
    settings=WootricSettings,
    limit=1.5,  # 100 requests a minute and account
    headers=headers,
    doctor=doctor,
    inbound=INBOUND,
    sign_in=SIGN_IN,
)
