"""SendGrid: e-mail to one person at a time, and what became of it."""

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from platforms.base import Action, Platform, PlatformSettings, Unsafe
from platforms.capabilities import SendEmail
from platforms.sendgrid import client, webhook


class SendGridSettings(PlatformSettings):
    """`webhook_public_key` as SendGrid shows it: base64, no PEM lines. `webhook_private_key` is SendGrid's own secret
    in real life; the sandbox and tests make a pair and set it, to sign like SendGrid."""

    model_config = SettingsConfigDict(**{**PlatformSettings.model_config, "env_prefix": "OVATION_SENDGRID__"})
    required = ("api_key", "from_email")
    required_in = ("webhook_public_key",)

    base_url: str = "https://api.sendgrid.com"
    api_key: SecretStr | None = None
    from_email: str | None = None
    from_name: str | None = None
    webhook_public_key: str | None = None
    webhook_private_key: SecretStr | None = None


PLATFORM = Platform(
    name="sendgrid",
    label="SendGrid",
    settings=SendGridSettings,
    limit=50.0,
    headers=client.headers,
    doctor=client.doctor,
    judge=client.judge,
    actions=[
        Action(
            SendEmail,
            talk=client.send_email,
            repeat=Unsafe(
                how="look in SendGrid's Email Activity for custom argument ovation_effect = our key, or for the address"
            ),
            document="https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send",
        ),
    ],
    inbound=webhook.INBOUND,
)
