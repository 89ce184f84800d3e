"""Sendspark: one recorded video, made anew for each person with their first name."""

from datetime import timedelta

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from platforms.base import Action, Findable, Platform, PlatformSettings
from platforms.capabilities import MakeVideo
from platforms.sendspark import client, webhook


class SendsparkSettings(PlatformSettings):
    """`api_key` is the workspace's, `api_secret` one user's; calls need both. `webhook_secret` is a word of your own:
    Sendspark signs nothing, so it travels in the address that Sendspark is to call."""

    model_config = SettingsConfigDict(**{**PlatformSettings.model_config, "env_prefix": "OVATION_SENDSPARK__"})
    required = ("api_key", "api_secret", "workspace")

    base_url: str = "https://api-gw.sendspark.com"
    api_key: SecretStr | None = None
    api_secret: SecretStr | None = None
    workspace: str | None = None


PLATFORM = Platform(
    name="sendspark",
    label="Sendspark",
    settings=SendsparkSettings,
    limit=0.25,
    headers=client.headers,
    doctor=client.doctor,
    judge=client.judge,
    actions=[
        Action(
            MakeVideo,
            talk=client.make_video,
            repeat=Findable(
                find=client.find_video,
                after=timedelta(seconds=30),
                how="an address is in a campaign once, so the video is looked up by campaign and e-mail address",
            ),
            document="https://help.sendspark.com, API and Webhooks; Sendspark API 1.2.0, addProspect",
        ),
    ],
    inbound=webhook.INBOUND,
)
