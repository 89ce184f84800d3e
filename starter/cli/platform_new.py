"""`ovation platform new NAME`: a vendor's folder that is complete and does nothing yet.

The failure prevented: a vendor copied from another, with the other's docstrings, quirks and exceptions. What is to be
written says so itself: the contract tests fail one by one, each with the file and the function that comes next.
"""

import keyword
import re
from collections.abc import Sequence
from pathlib import Path
from string import Template

import platforms
from models.base import Personal
from platforms.capabilities import CAPABILITIES
from sandbox.vendors import RESERVED

TEMPLATES = Path(__file__).parent / "templates" / "platform"
LONGEST = 18
"""Letters: people type it, and it begins the kind of a subject (`{name}_send`), which has at most 32."""


def write(name: str, label: str, capabilities: Sequence[str]) -> Path:
    """Writes the folder of a new platform, all of it or nothing.

    Raises ValueError for a name that is bad or taken, and for a capability that does not exist."""
    folder = Path(platforms.__path__[-1]) / _good(name)
    texts = _texts(name, label or _label(name), _actions(capabilities))
    folder.mkdir()
    for path, text in texts.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    return folder


def _good(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z_]*[a-z]", name) or "__" in name or len(name) > LONGEST:
        raise ValueError(
            f"{name!r} is no name for a platform: it is written in small letters, with _ between words, "
            f"at most {LONGEST} of them, like google_sheets"
        )
    homes = [Path(home) for home in platforms.__path__]
    if keyword.iskeyword(name) or name in RESERVED or any((home / f"{name}.py").exists() for home in homes):
        raise ValueError(f"{name!r} means something else already: add the vendor's product, like {name}_crm")
    there = next((home / name for home in homes if (home / name).exists()), None)
    if there is not None:
        raise ValueError(f"{there} is there already: nothing was written")
    return name


def _label(name: str) -> str:
    return " ".join(word.capitalize() for word in name.split("_"))


def _actions(capabilities: Sequence[str]) -> list[type[Personal]]:
    """What a platform of these capabilities must be able to do, each once."""
    unknown = [name for name in capabilities if name not in CAPABILITIES]
    if unknown:
        raise ValueError(f"there is no capability {unknown[0]!r}; there are: {', '.join(CAPABILITIES)}")
    return sorted({action for name in capabilities for action in CAPABILITIES[name]}, key=lambda a: a.__name__)


def _texts(name: str, label: str, actions: Sequence[type[Personal]]) -> dict[str, str]:
    """Path in the new folder → what is written there."""
    kind = "".join(word.capitalize() for word in name.split("_"))
    words = {"name": name, "upper": name.upper(), "label": label, "kind": kind, **_in_code(name, kind, actions)}
    texts = {}
    for template in sorted(path for path in TEMPLATES.iterdir() if path.is_file()):
        target = template.name.removesuffix(".txt")
        text = _in_order(Template(template.read_text()).substitute(words).rstrip() + "\n")
        texts[f"fixtures/{target}" if target == "SOURCES.md" else target] = text
    return texts


def _in_code(name: str, kind: str, actions: Sequence[type[Personal]]) -> dict[str, str]:
    """The parts of the code that depend on what the platform does."""
    names = [action.__name__ for action in actions]
    declared = "".join(f"        {_DECLARED.substitute(action=a, talk=_snake(a))},\n" for a in names)
    return {
        "declaring": "Action, Platform, PlatformSettings, Unsafe" if names else "Platform, PlatformSettings",
        "capabilities": f"from platforms.capabilities import {', '.join(names)}" if names else "",
        "asked": ", ".join(sorted([*names, "Receipt"])),
        "actions": f"    actions=[\n{declared}    ],\n" if names else "",
        "talks": "".join(_TALK.substitute(name=name, kind=kind, action=a, talk=_snake(a)) for a in names),
    }


def _in_order(text: str) -> str:
    """The imports of our own sorted, wherever the new name comes among them; no gap where there are none."""
    block = re.compile(r"(?:^from platforms\..*\n)+", re.MULTILINE)
    in_order = block.sub(lambda found: "".join(sorted(found[0].splitlines(keepends=True))), text)
    return re.sub(r"\n{4,}", "\n\n\n", in_order)


def _snake(action: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", action).lower()


_DECLARED = Template('Action($action, talk=client.$talk, repeat=Unsafe(), document="")')

_TALK = Template(
    """

def $talk(action: $action, key: str, settings: "${kind}Settings") -> Talk:
    raise NotImplementedError(
        "platforms/$name/client.py, $talk: "
        "the calls of one $action, with our key in a field that it can be found by"
    )
    yield Call.post("/v1/…")
    return Receipt()
"""
)
