"""Slack: messages to a channel or to a colleague."""

from datetime import timedelta

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from platforms.base import Action, Findable, Platform, PlatformSettings
from platforms.capabilities import PostMessage
from platforms.slack import client, webhook


class SlackSettings(PlatformSettings):
    """`webhook_secret` is the app's signing secret. `fallback_channel`: where a message for a person unknown to Slack
    goes; a channel id, not a name."""

    model_config = SettingsConfigDict(**{**PlatformSettings.model_config, "env_prefix": "OVATION_SLACK__"})
    required = ("bot_token",)

    base_url: str = "https://slack.com"
    bot_token: SecretStr | None = None
    fallback_channel: str | None = None


PLATFORM = Platform(
    name="slack",
    label="Slack",
    settings=SlackSettings,
    limit=1.0,
    headers=client.headers,
    doctor=client.doctor,
    judge=client.judge,
    actions=[
        Action(
            PostMessage,
            talk=client.post_message,
            repeat=Findable(
                find=client.find_message,
                after=timedelta(seconds=10),
                how="the conversation is read back for a message whose metadata carries our key",
            ),
            document="https://docs.slack.dev/reference/methods/chat.postMessage",
        ),
    ],
    inbound=webhook.INBOUND,
)
