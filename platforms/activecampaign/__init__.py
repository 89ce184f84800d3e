"""ActiveCampaign: lists, tags and automations that people are put into, and who wants no more of them."""

from datetime import timedelta

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from platforms.activecampaign import client, problem, upkeep, webhook
from platforms.base import Action, Findable, Platform, PlatformSettings, Upkeep
from platforms.capabilities import Enroll


class ActiveCampaignSettings(PlatformSettings):
    """`base_url` as *Settings, Developer* shows it, without a path. `webhook_secret` is of your own choice: it stands
    in the webhook's address. `opt_out_lists`: ids of lists; to leave one of them is an opt-out. Empty: any list."""

    model_config = SettingsConfigDict(**{**PlatformSettings.model_config, "env_prefix": "OVATION_ACTIVECAMPAIGN__"})
    required = ("base_url", "api_token")

    base_url: str = ""
    api_token: SecretStr | None = None
    opt_out_lists: list[str] = Field(default_factory=list)


PLATFORM = Platform(
    name="activecampaign",
    label="ActiveCampaign",
    settings=ActiveCampaignSettings,
    limit=0.5,
    headers=client.headers,
    doctor=client.doctor,
    judge=problem.judge,
    actions=[
        Action(
            Enroll,
            talk=client.enroll,
            repeat=Findable(
                find=client.find_enrolment,
                after=timedelta(minutes=1),
                how="look at the contact's lists, tags and automations for the audience",
            ),
            document="https://developers.activecampaign.com/reference/create-new-contactautomation",
        ),
    ],
    inbound=webhook.INBOUND,
    upkeep=[
        Upkeep(
            "webhook",
            every=timedelta(hours=12),
            talk=upkeep.register,
            what="registers our webhook, and deletes those of ours that have another secret",
            needs=lambda settings: ("webhook_secret",),
        ),
        Upkeep(
            "opt_outs",
            every=timedelta(minutes=15),
            talk=upkeep.opt_outs,
            what="reads who left a list, because ActiveCampaign sends a webhook once and never again",
        ),
    ],
)
