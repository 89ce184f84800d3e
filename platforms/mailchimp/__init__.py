"""Mailchimp: people put into an audience, under tags and on customer journeys, and who wants no more."""

from datetime import timedelta
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from platforms.base import Action, Findable, Platform, PlatformSettings, Upkeep
from platforms.capabilities import Enroll
from platforms.mailchimp import client, problem, upkeep, webhook


class MailchimpSettings(PlatformSettings):
    """`api_key` ends with the data center (`…-us19`), a token of OAuth does not: then `data_center` says it. `list_id`:
    the Mailchimp audience. `journeys`: a name of ours → the event that starts the journey, or `journey/step`."""

    model_config = SettingsConfigDict(**{**PlatformSettings.model_config, "env_prefix": "OVATION_MAILCHIMP__"})
    required = ("api_key", "list_id")

    base_url: str = "https://api.mailchimp.com"
    api_key: SecretStr | None = None
    data_center: str = Field(default="", pattern=r"^([a-z]{2,4}\d{1,4})?$")
    list_id: str | None = Field(default=None, pattern=r"^\w{1,32}$")
    new_members: Literal["subscribed", "pending", "transactional"] = "subscribed"
    journeys: dict[str, str] = Field(default_factory=dict)


PLATFORM = Platform(
    name="mailchimp",
    label="Mailchimp",
    settings=MailchimpSettings,
    limit=2.0,
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
                how="look at the contact's tags and events; a journey's step that was started by id shows in neither",
            ),
            document="https://mailchimp.com/developer/marketing/api/list-members/add-or-update-list-member/",
        ),
    ],
    inbound=webhook.INBOUND,
    upkeep=[
        Upkeep(
            "webhook",
            every=timedelta(hours=12),
            talk=upkeep.register,
            what="registers our webhook and keeps the signing secret, which Mailchimp tells once",
        ),
        Upkeep(
            "opt_outs",
            every=timedelta(minutes=15),
            talk=upkeep.opt_outs,
            what="reads who unsubscribed, because Mailchimp repeats a webhook for little more than an hour",
        ),
    ],
)
