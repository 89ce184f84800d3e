"""What Prometheus sees of the gateway."""

from prometheus_client import Counter, Gauge

ACCEPTED = Counter("ovation_events_accepted", "Events stored in the inbox", ["type", "became"])
WEBHOOKS = Counter("ovation_webhooks", "Webhooks by platform and what we answered", ["platform", "status"])
WAITING = Gauge("ovation_events_waiting", "Accepted events that no journey has heard yet")
