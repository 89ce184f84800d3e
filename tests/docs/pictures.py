"""The playbooks' timelines in `docs/pictures/`, drawn by what draws them for marketers.

Prevents a picture of a playbook as it was before it was changed.
"""

from pathlib import Path

from authoring.drawing import draw_svg
from authoring.shelf import load
from models.settings import Settings
from tests.docs.pages import ROOT


def pictures() -> dict[Path, str]:
    """File → what it must hold, for every playbook."""
    here = Settings(program=ROOT / "program.yaml", playbooks=ROOT / "playbooks", time_scale=1.0)
    drawn = load(here).playbooks.items()
    return {ROOT / "docs" / "pictures" / f"{name}.svg": draw_svg(playbook) for name, playbook in drawn}


def redraw() -> list[Path]:
    """Draws what is missing or stale, and says which."""
    stale = {path: text for path, text in pictures().items() if not path.exists() or path.read_text() != text}
    for path, text in stale.items():
        path.write_text(text)
    return list(stale)
