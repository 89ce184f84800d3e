"""How every page is made: a template, and headers that let nothing foreign in."""

from pathlib import Path

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

_HERE = Path(__file__).parent
_TEMPLATES = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "private, no-store",
}
"""A person's page is nobody else's: not kept, not indexed, not framed; and its address is not told to others."""


def page(template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """A page from a template in `templates/`."""
    return HTMLResponse(_TEMPLATES.get_template(template).render(**values), status, _HEADERS)


def not_ours(company: str) -> HTMLResponse:
    """For an address we did not make, or whose person we were asked to forget."""
    return page("not_ours.html", status=404, company=company)
