"""The page a picture is drawn on: boxes, pills and lines of words, one below the other, and the one style of them all.

Prevents words that run off the page: fonts differ from screen to screen, so widths are reckoned for a wide one.
"""

from xml.sax.saxutils import escape

from authoring import wording

WIDTH = 600
EDGE = 24
LINE = 20
BOX = 28
INNER = WIDTH - 2 * EDGE

_STYLE = """
.card{fill:#ffffff;stroke:#d8dee6}.line{stroke:#9aa6b2;stroke-width:2;fill:none}.grid{stroke:#e3e8ee}
text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#1f2933}
.title{font-size:23px;font-weight:700}.head{font-size:16px;font-weight:700}
.text{font-size:14px;paint-order:stroke;stroke:#ffffff;stroke-width:4px;stroke-linejoin:round}
.soft{font-size:14px;fill:#52606d}.tick{font-size:12.5px;fill:#52606d}.clock{font-size:13.5px;font-weight:600}
.name{font-size:15px;font-weight:600;fill:#ffffff}.pill{fill:#ffffff;stroke:#9aa6b2;stroke-width:1.3}
.maybe{stroke-dasharray:4 3}.exit{stroke:#c2410c}
.gratitude{fill:#be3a5b}.ask{fill:#2563a8}.service{fill:#2f7d4f}.team{fill:#5b6470}.bar{fill-opacity:.32}
@media (prefers-color-scheme:dark){.card{fill:#161b22;stroke:#30363d}.line,.pill{stroke:#7d8896}.pill{fill:#161b22}
.grid{stroke:#2a313a}text{fill:#e6edf3}.text{stroke:#161b22}.soft,.tick{fill:#a3adb8}.name{fill:#ffffff}.exit{stroke:#f0883e}
.gratitude{fill:#d04a6c}.ask{fill:#3b7fc9}.service{fill:#3a9160}.team{fill:#6e7884}.bar{fill-opacity:.5}}
""".strip()

_MOST = 70
"""Letters in a pill, so that it fits the page."""


class Page:
    """What has been drawn, and how far down. What lies under the rest is kept apart."""

    def __init__(self) -> None:
        self.under: list[str] = []
        self.over: list[str] = []
        self.y: float = EDGE

    def text(self, x: float, words: str, kind: str = "text", *, anchor: str = "start", y: float | None = None) -> None:
        at = self.y if y is None else y
        self.over.append(f'<text class="{kind}" x="{x:.0f}" y="{at:.0f}" text-anchor="{anchor}">{escape(words)}</text>')

    def lines(self, x: float, words: str, width: float, kind: str = "text", *, anchor: str = "start") -> None:
        """Words over as many lines as they need."""
        for line in wording.wrapped(words, int(width / 7.4)):
            self.y += LINE
            self.text(x, line, kind, anchor=anchor)

    def box(self, x: float, words: str, purpose: str) -> None:
        width = box_width(words)
        self.over.append(
            f'<rect class="{purpose}" x="{x:.0f}" y="{self.y:.0f}" width="{width:.0f}" height="{BOX}" rx="6"/>'
        )
        self.text(x + width / 2, words, "name", anchor="middle", y=self.y + 19)

    def pill(self, x: float, words: str, kind: str = "") -> None:
        width = pill_width(words)
        self.over.append(
            f'<rect class="pill {kind}" x="{x:.0f}" y="{self.y + 2:.0f}" width="{width:.0f}" height="24" rx="12"/>'
        )
        shown = words if len(words) <= _MOST else words[: _MOST - 1] + "…"
        self.text(x + width / 2, shown, "tick", anchor="middle", y=self.y + 18.5)

    def heading(self, words: str) -> None:
        self.y += 32
        self.text(EDGE, words, "head")
        self.y += 12

    def document(self, title: str, told: str) -> str:
        """Everything drawn so far as one SVG; `told` is the picture for those who hear it."""
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.y:g}" width="{WIDTH}" '
                f'role="img" aria-labelledby="title desc" style="max-width:100%;height:auto">',
                f'<title id="title">{escape(title)}</title>',
                f'<desc id="desc">{escape(told)}</desc>',
                f"<style>{_STYLE}</style>",
                f'<rect class="card" x=".5" y=".5" width="{WIDTH - 1}" height="{self.y - 1:g}" rx="12"/>',
                *self.under,
                *self.over,
                "</svg>\n",
            ]
        )


def box_width(words: str) -> float:
    return len(words) * 8.8 + 22


def pill_width(words: str) -> float:
    return min(len(words), _MOST) * 7.0 + 22
