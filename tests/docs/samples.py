"""What the sample webhooks in the platforms' folders become: read once, by the same functions as the gateway's.

Prevents a page that names events by hand, and so leaves out those of the newest platform.
"""

from functools import cache

from platforms.base import IGNORED, Poke
from tests.docs.pages import listed
from tests.platforms import test_contract as contract


@cache
def events_of(platform: str) -> dict[str, str]:
    """The vendor's event → what it becomes, in words; what is ignored is left out."""
    inbound = contract.INBOUND.get(platform)
    if inbound is None:
        return {}
    ours = _ours(platform)
    wanted = {name: read for name, read in inbound.events.items() if read is not IGNORED}
    return {
        name: f"looks at once: `{read.upkeep}`" if isinstance(read, Poke) else listed(ours[name])
        for name, read in wanted.items()
    }


@cache
def _ours(platform: str) -> dict[str, list[str]]:
    """The vendor's event → the types of our events that its samples give."""
    inbound, settings = contract.INBOUND[platform], contract.dummy_settings(platform)
    found: dict[str, set[str]] = {name: set() for name in inbound.events}
    for path in contract.fixtures(platform):
        incoming = contract.plain(platform, path.read_bytes(), contract.CONTENT_TYPES[path.suffix])
        for name, item in inbound.unpack(incoming):
            read = inbound.read(name, item, settings)
            found[name] |= {event.type for event in read} if isinstance(read, list) else set()
    return {name: sorted(types) for name, types in found.items()}


@cache
def tellers(event: str) -> list[str]:
    """The platforms whose samples become this event."""
    return [p for p in contract.INBOUND if any(event in types for types in _ours(p).values())]
