"""Zoho CRM: a referral as a lead, then as the deal that it was converted to."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from platforms.base import Action, Idempotent, Platform, PlatformSettings, SignIn, Upkeep
from platforms.capabilities import PutLead, Stage
from platforms.zoho import client, problem, sign_in, upkeep, webhook

DataCenter = Literal["com", "eu", "in", "com.au", "com.cn", "jp", "sa", "ca"]
Trigger = Literal["workflow", "approval", "blueprint"]

_LEADS: dict[Stage, str] = {
    "submitted": "Not Contacted",
    "accepted": "Contacted",
    "qualified": "Pre-Qualified",
    "lost": "Lost Lead",
    "disqualified": "Not Qualified",
}
_DEALS: dict[Stage, str] = {"won": "Closed Won", "lost": "Closed Lost"}
_ALSO: dict[str, Stage] = {"Junk Lead": "disqualified", "Closed Lost to Competition": "lost"}


class ZohoSettings(PlatformSettings):
    """`data_center` is the end of the address where the company signs in: crm.zoho.eu has `eu`.

    `stages`: our word → a Lead Status, `deal_stages` → a Stage of deals, both by their actual values. `also_means`:
    further values of theirs → our word. `trigger`: which of the company's automations our writes may set off.
    `webhook_secret` comes back in each notification; Zoho takes 50 characters."""

    model_config = SettingsConfigDict(**{**PlatformSettings.model_config, "env_prefix": "OVATION_ZOHO__"})
    required = ("client_id", "client_secret", "refresh_token")

    base_url: str = "https://www.zohoapis.com"
    data_center: DataCenter = "com"
    client_id: str | None = None
    client_secret: SecretStr | None = None
    refresh_token: SecretStr | None = None
    webhook_secret: Annotated[SecretStr, Field(max_length=50)] | None = None
    lead_source: str = "External Referral"
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    multi_currency: bool = False
    trigger: list[Trigger] = Field(default=[])
    stages: dict[Stage, str] = Field(default=_LEADS)
    deal_stages: dict[Stage, str] = Field(default=_DEALS)
    also_means: dict[str, Stage] = Field(default=_ALSO)


PLATFORM = Platform(
    name="zoho",
    label="Zoho CRM",
    settings=ZohoSettings,
    limit=2.0,
    headers=sign_in.headers,
    doctor=client.doctor,
    sign_in=SignIn(call=sign_in.call, read=sign_in.read),
    judge=problem.judge,
    actions=[
        Action(
            PutLead,
            talk=client.put_lead,
            repeat=Idempotent(
                how="the field with our id of the referral is unique, so that a second lead is refused and the first "
                "one named; stages are set, and told once"
            ),
            document="https://www.zoho.com/crm/developer/docs/api/v8/insert-records.html",
        ),
    ],
    inbound=webhook.INBOUND,
    upkeep=[
        Upkeep(
            "channel",
            every=timedelta(days=1),
            talk=upkeep.keep_channel,
            what="opens the notification channel and renews it, before Zoho closes it after a week at most",
            needs=lambda settings: ("webhook_secret",),
        ),
        Upkeep(
            webhook.CHANGES,
            every=timedelta(minutes=15),
            talk=upkeep.read_changes,
            what="reads the leads, deals and contacts that changed: notifications say no more than that",
        ),
    ],
)
