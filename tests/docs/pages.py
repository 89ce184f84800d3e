"""Pages with generated parts: a function writes what stands between `<!-- generated: NAME -->` and `<!-- end -->`.

Prevents a generator that eats a person's words: outside of the marks nothing is ever touched.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
PART = re.compile(r"<!-- generated: (?P<name>[^>]+?) -->\n(?P<text>.*?)<!-- end -->", re.DOTALL)

Parts = Mapping[str, Callable[[], str]]


def all_pages() -> list[Path]:
    """Every page that may have generated parts."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def parts_of(page: Path) -> dict[str, str]:
    """The generated parts of a page as they stand: name → text."""
    return {found["name"]: found["text"] for found in PART.finditer(page.read_text())}


def renew(page: Path, parts: Parts) -> bool:
    """Writes the page's generated parts anew; whether anything changed. Raises KeyError for a name nobody generates."""
    before = page.read_text()
    after = PART.sub(lambda found: marked(found["name"], written(found["name"], parts)), before)
    if after != before:
        page.write_text(after)
    return after != before


def marked(name: str, text: str) -> str:
    """A part between its marks."""
    return f"<!-- generated: {name} -->\n{text}<!-- end -->"


def written(name: str, parts: Parts) -> str:
    """A part as it is written into a page."""
    return f"\n{parts[name]().strip()}\n\n"


def table(*rows: tuple[str, ...]) -> str:
    """A Markdown table; the first row is its head."""
    head, *body = [tuple(" ".join(cell.replace("|", "\\|").split()) for cell in row) for row in rows]
    lines = [head, ("---",) * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def listed(names: object, last: str = "and") -> str:
    """`a`, `b` and `c`; a dash for nothing."""
    words = [f"`{name}`" for name in names]  # type: ignore[attr-defined]
    if len(words) < 2:
        return words[0] if words else "–"
    return f"{', '.join(words[:-1])} {last} {words[-1]}"
