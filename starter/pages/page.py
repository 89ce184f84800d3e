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
_POLICY = "Content-Security-Policy"
_HEADERS = {
    _POLICY: "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "private, no-store",
}
"""A person's page is nobody else's: not kept, not indexed, not framed; and its address is not told to others."""


def page(template: str, *, status: int = 200, leads_away: bool = False, **values: object) -> HTMLResponse:
    """A page from a template in `templates/`. `leads_away`: its form may end at another company's page."""
    policy = _HEADERS["Content-Security-Policy"]
    headers = {
        **_HEADERS,
        "Content-Security-Policy": policy.replace("form-action 'self'", "form-action 'self' https: http:"),
    }
    return HTMLResponse(_TEMPLATES.get_template(template).render(**values), status, headers if leads_away else _HEADERS)


def not_ours(company: str) -> HTMLResponse:
    """For an address we did not make, or whose person we were asked to forget."""
    return page("not_ours.html", status=404, company=company)
