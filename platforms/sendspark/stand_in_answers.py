"""What Sendspark's double says: a campaign, one person's video, and the webhooks about it."""

import json
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from platforms.base import Body
from platforms.sendspark.stand_in_books import RENDERING, SHARE, Books, Prospect
from platforms.stand_in import Webhook

EMBED = "https://sendspark.com/embed"
TOLD_AFTER = RENDERING.total_seconds() + 0.1
"""Seconds until the webhook: once the link is there."""


def campaign_shown(campaign: str, books: Books) -> Body:
    return {
        "_id": campaign,
        "name": campaign,
        "combinedVideo": False,
        "dynamicBackground": False,
        "status": "completed",
        "creator": "u_1",
        "folder": "f_1",
        "workspace": "ws-sandbox",
        "createdAt": "2026-01-01T00:00:00.000Z",
        "deletedAt": None,
        "prospectList": [listed(prospect) for prospect in books.prospects if prospect.campaign == campaign],
    }


def listed(prospect: Prospect) -> Body:
    """An entry of a campaign's `prospectList`: without a link, whatever has become of it."""
    told = {k: v for k, v in prospect.given.items() if k != "webhookUrl"}
    return {
        **told,
        "_id": prospect.id,
        "campaign": prospect.campaign,
        "valid": True,
        "status": prospect.status,
        "createdAt": timestamp(prospect.created_at),
        "updatedAt": timestamp(datetime.now(UTC)),
        "deletedAt": timestamp(prospect.deleted_at),
        "resourcesStatus": {"video": {"status": "completed" if prospect.ready else "pending"}},
        "regenerationCount": max(prospect.made - 1, 0),
    }


def shown(prospect: Prospect) -> Body:
    """One person's video, as it is asked for by address."""
    link = prospect.link
    names = ("contactEmail", "contactName", "company", "jobTitle")
    return {
        **{name: prospect.given[name] for name in names if name in prospect.given},
        "id": prospect.id,
        "status": prospect.status,
        "valid": True,
        "validationDetails": [],
        "createdAt": timestamp(prospect.created_at),
        "updatedAt": timestamp(datetime.now(UTC)),
        "deletedAt": timestamp(prospect.deleted_at),
        "shareUrl": link,
        "embedUrl": link and link.replace(SHARE, EMBED),
    }


def timestamp(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def told(prospect: Prospect, name: str, after: float = 0.0) -> list[Webhook]:
    """The webhook, if the order asked to be told of this. Its body is documented as a table, and flat."""
    url = prospect.given.get("webhookUrl")
    if not url or name not in prospect.given.get("webhookEvents", []):
        return []
    body = {
        "eventType": name,
        "campaignId": prospect.video,
        "campaignName": prospect.given.get("contactName", ""),
        "dynamicCampaignId": prospect.campaign,
        "dynamicCampaignName": prospect.campaign,
        "contactInfo": {
            "contactEmail": prospect.given["contactEmail"],
            "contactFirstName": prospect.given.get("contactName", ""),
            "company": prospect.given.get("company", ""),
            "fields": {},
        },
        "creatorId": "u_1",
        "workspaceId": "ws-sandbox",
        "videoLink": f"{SHARE}/{prospect.video}",
        "embedLink": f"{EMBED}/{prospect.video}",
    }
    return [Webhook(json.dumps(body).encode(), after=after, url=_without_secret(url))]


def _without_secret(url: str) -> str:
    """The sandbox adds the secret when it signs, and shows the rest of the address to whoever asks."""
    parts = urlsplit(url)
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name != "secret"]
    return urlunsplit(parts._replace(query=urlencode(kept)))


def date() -> dict[str, str]:
    return {"Date": format_datetime(datetime.now(UTC), usegmt=True)}
