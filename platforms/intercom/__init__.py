"""Intercom: a message inside the product from a colleague, what was answered to it, and who wants no more."""

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from platforms.base import Action, Platform, PlatformSettings, Unsafe
from platforms.capabilities import SendInApp
from platforms.intercom import client, problem, webhook


class IntercomSettings(PlatformSettings):
    """`admin_id`: the colleague in whose name messages are sent, who needs a seat. `client_secret` is the app's and
    verifies its webhooks, unless `webhook_secret` is set. `base_url` is the workspace's region: another region knows
    nothing of the token."""

    model_config = SettingsConfigDict(**{**PlatformSettings.model_config, "env_prefix": "OVATION_INTERCOM__"})
    required = ("access_token", "admin_id")
    required_in = ("client_secret",)
    verified_by = "client_secret"

    base_url: str = "https://api.intercom.io"
    access_token: SecretStr | None = None
    admin_id: int | None = None
    client_secret: SecretStr | None = None


PLATFORM = Platform(
    name="intercom",
    label="Intercom",
    settings=IntercomSettings,
    limit=20.0,
    headers=client.headers,
    doctor=client.doctor,
    judge=problem.judge,
    actions=[
        Action(
            SendInApp,
            talk=client.send_in_app,
            repeat=Unsafe(
                how="open the person in Intercom and look for a conversation that this colleague began with these words"
            ),
            document="https://developers.intercom.com/docs/references/2.16/rest-api/api.intercom.io/messages/createmessage",
        ),
    ],
    inbound=webhook.INBOUND,
)
