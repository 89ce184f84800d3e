"""Twilio: a text by SMS or WhatsApp, what became of it, what was answered, and STOP."""

from datetime import timedelta

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from platforms.base import Action, Findable, Platform, PlatformSettings
from platforms.capabilities import SendText
from platforms.twilio import client, problem, upkeep, webhook


class TwilioSettings(PlatformSettings):
    """`auth_token` signs calls in: the account's, or the secret of `api_key` if one is named. `webhook_secret` is the
    account's primary Auth Token, by which Twilio signs, or the secret of a SharedKey.

    A text goes out by the messaging service if there is one, else from `from_number`; by WhatsApp from `whatsapp_from`.
    `status_url` is our own webhook address: with it Twilio reports on each text by our key."""

    model_config = SettingsConfigDict(**{**PlatformSettings.model_config, "env_prefix": "OVATION_TWILIO__"})
    required = ("account_sid", "auth_token")

    base_url: str = "https://api.twilio.com"
    account_sid: str | None = None
    auth_token: SecretStr | None = None
    api_key: str | None = None
    messaging_service_sid: str | None = None
    from_number: str | None = None
    whatsapp_from: str | None = None
    whatsapp_content_sid: str | None = None
    status_url: str | None = None
    validity_seconds: int = Field(default=3600, ge=6, le=36_000)


PLATFORM = Platform(
    name="twilio",
    label="Twilio",
    settings=TwilioSettings,
    limit=20.0,
    headers=client.headers,
    doctor=client.doctor,
    judge=problem.judge,
    actions=[
        Action(
            SendText,
            talk=client.send_text,
            repeat=Findable(
                find=client.find_text,
                after=timedelta(minutes=2),
                how="the texts to this number are read back, and compared by what they say",
            ),
            document="https://www.twilio.com/docs/messaging/api/message-resource",
        ),
    ],
    inbound=webhook.INBOUND,
    upkeep=upkeep.UPKEEP,
)
