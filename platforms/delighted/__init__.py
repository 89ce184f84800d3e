"""Delighted: NPS answers in. The service has ended; its webhook format is still read."""

from typing import ClassVar

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from platforms.base import Platform, PlatformSettings
from platforms.delighted.client import doctor, headers, judge
from platforms.delighted.webhook import INBOUND


class DelightedSettings(PlatformSettings):
    """Webhooks are verified with `webhook_secret` or, where that is unset, with `api_key`: so neither is required."""

    model_config = SettingsConfigDict(**{**PlatformSettings.model_config, "env_prefix": "OVATION_DELIGHTED__"})
    required: ClassVar[tuple[str, ...]] = ("api_key",)
    required_in: ClassVar[tuple[str, ...]] = ()

    base_url: str = "https://api.delighted.com"
    api_key: SecretStr | None = None


PLATFORM = Platform(
    name="delighted",
    label="Delighted",
    settings=DelightedSettings,
    limit=1.5,  # about 100 requests a minute
    headers=headers,
    doctor=doctor,
    inbound=INBOUND,
    judge=judge,
    discontinued="30 June 2026, by Qualtrics; stored webhooks and services that copy its format are still read",
)
