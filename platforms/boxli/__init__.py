"""boxli: a gift box with a personal video and a QR code."""

from datetime import timedelta

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from platforms.base import Action, Idempotent, Platform, PlatformSettings
from platforms.boxli import client, webhook
from platforms.capabilities import SendGift


class BoxliSettings(PlatformSettings):
    """`base_url` has no default: boxli publishes no address of an API. `webhook_secret` is `whsec_` and base64; a
    secret without that prefix is taken as it is written."""

    model_config = SettingsConfigDict(**{**PlatformSettings.model_config, "env_prefix": "OVATION_BOXLI__"})
    required = ("api_key", "base_url")

    base_url: str = ""
    api_key: SecretStr | None = None


PLATFORM = Platform(
    name="boxli",
    label="boxli",
    settings=BoxliSettings,
    limit=5.0,
    headers=client.headers,
    doctor=client.doctor,
    judge=client.judge,
    actions=[
        Action(
            SendGift,
            talk=client.send_gift,
            repeat=Idempotent(
                within=timedelta(hours=24),
                find=client.find_gift,
                how="our key is the Idempotency-Key, and the external_reference that the order is found by later",
            ),
            document="platforms/boxli/README.md, The contract",
        ),
    ],
    inbound=webhook.INBOUND,
)
