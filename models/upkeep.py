"""A platform's scheduled job, as it crosses into Temporal."""

from models.base import Instant, Model


class UpkeepRun(Model):
    """Which job of which platform."""

    platform: str
    name: str

    @property
    def schedule_id(self) -> str:
        return f"upkeep/{self.platform}/{self.name}"


class UpkeepDone(Model):
    """What a round came to: how many events were new, and when it wants to look again."""

    found: int = 0
    again_at: Instant | None = None
