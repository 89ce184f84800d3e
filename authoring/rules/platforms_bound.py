"""Capabilities and the platforms that provide them."""

from collections.abc import Iterator

from authoring.desk import Desk, actions
from authoring.mistakes import Mistake, one_of
from models.effect import EFFECTS
from platforms.capabilities import CAPABILITIES


def platforms_bound(desk: Desk) -> Iterator[Mistake]:
    """What a playbook asks of platforms is bound to platforms that can do it.

    A playbook says `send_gift`; program.yaml says which platform sends gifts: `gifts: boxli`. Every playbook needs
    `crm`, to see who a person is, and `chat`, to tell the team when something is stuck."""
    bound = desk.program.model.platforms
    for capability, names in bound.items():
        if capability not in CAPABILITIES:
            unknown = one_of(capability, "a capability", CAPABILITIES, "capabilities are")
            yield desk.program.mistake(["platforms", capability], unknown, key=True)
            continue
        for number, name in enumerate(names):
            words = _wrong(desk, capability, name)
            if words:
                yield desk.program.mistake(["platforms", capability, number], words)
    for capability in sorted(_needed(desk) - {c for c, names in bound.items() if names}):
        able = ", ".join(_able(desk, capability)) or "a platform that can do it"
        yield desk.program.mistake(["platforms"], f"{capability!r} is needed and bound to nothing; bind it to: {able}")


def _wrong(desk: Desk, capability: str, name: str) -> str | None:
    able = _able(desk, capability)
    if name not in desk.platforms:
        return one_of(name, "a platform", able, f"for {capability} there is")
    if name not in able:
        return f"{name} cannot do everything {capability} asks for; these can: {', '.join(able) or 'none'}"
    return None


def _able(desk: Desk, capability: str) -> list[str]:
    return [name for name, platform in desk.platforms.items() if platform.can(CAPABILITIES[capability])]


def _needed(desk: Desk) -> set[str]:
    verbs = {"qualify", "alert"} if desk.playbooks else set()
    for written in desk.playbooks:
        for _, _, action in actions(written.model):
            verbs |= {action.verb, "make_video"} if action.params.get("video") else {action.verb}
    return {capability for verb in verbs if (capability := EFFECTS[verb].capability)}
