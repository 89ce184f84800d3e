"""Stripe: rewards paid in cash, as credit or as a code, taken back, and sales refunded."""

from datetime import timedelta

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from platforms.base import Action, Idempotent, Platform, PlatformSettings
from platforms.capabilities import InvitePayee, PayReward, TakeBack
from platforms.stripe import client, payee, problem, upkeep, webhook

_DOCS = "https://docs.stripe.com/api"
_REMEMBERED = timedelta(hours=23)
"""Stripe keeps a key for 24 hours at least; the hour is for clocks that differ and for a talk that is slow."""


class StripeSettings(PlatformSettings):
    """`webhook_secret` is the endpoint's that hears of our own account, `connect_webhook_secret` that of the connected
    accounts'. `coupon_name` is what customers read on an invoice beside the discount of a code."""

    model_config = SettingsConfigDict(**{**PlatformSettings.model_config, "env_prefix": "OVATION_STRIPE__"})
    required = ("api_key",)

    base_url: str = "https://api.stripe.com"
    api_key: SecretStr | None = None
    connect_webhook_secret: SecretStr | None = None
    coupon_name: str = Field(default="Referral reward", max_length=40)


PLATFORM = Platform(
    name="stripe",
    label="Stripe",
    settings=StripeSettings,
    limit=4.0,
    headers=client.headers,
    doctor=client.doctor,
    judge=problem.judge,
    actions=[
        Action(
            InvitePayee,
            talk=payee.invite,
            repeat=Idempotent(
                within=_REMEMBERED,
                find=payee.find,
                how="a key for each contact; later the accounts are read, and compared by the contact's id on them",
            ),
            document=f"{_DOCS}/accounts/create",
        ),
        Action(
            PayReward,
            talk=client.pay_reward,
            repeat=Idempotent(
                within=_REMEMBERED,
                find=client.find_reward,
                how="a key for each reward; later it is looked up by the reward's id: transfer group, metadata, code",
            ),
            document=f"{_DOCS}/transfers/create",
        ),
        Action(
            TakeBack,
            talk=client.take_back,
            repeat=Idempotent(
                within=_REMEMBERED,
                find=client.find_taken_back,
                how="a key for each effect; later it is looked up by our key in its metadata",
            ),
            document=f"{_DOCS}/transfer_reversals/create",
        ),
    ],
    inbound=webhook.INBOUND,
    upkeep=upkeep.UPKEEP,
)
