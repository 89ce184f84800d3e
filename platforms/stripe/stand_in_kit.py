"""How Stripe's double takes any request: a form, once under its key; a list, page by page.

A write runs once under its key: the first answer, a refusal too, is given again for a day, and another request under
that key is refused. What fails validation is not remembered.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from pydantic import BaseModel

from platforms.base import Body
from platforms.stand_in import Answer, Heard, Webhook
from platforms.stripe.stand_in_books import Account, Refused, copied, numbered
from platforms.stripe.stand_in_requests import Page, Strict, read

FORM = "application/x-www-form-urlencoded"
_NOT_A_FORM = (
    "Invalid request (check that your POST content type is application/x-www-form-urlencoded). If you have any "
    "questions, we can help at https://support.stripe.com/."
)
_OTHER_PARAMETERS = (
    "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key "
    "other than '{}' if you meant to execute a different request."
)

Asked = TypeVar("Asked", bound=BaseModel)
Made = tuple[Body, list[Webhook]]


def writes(model: type[Asked], handle: Callable[[Asked, Heard, Account], Made]) -> Callable[[Heard, Account], Answer]:
    """A POST under an idempotency key, if it has one."""

    def answer(heard: Heard, books: Account) -> Answer:
        key = heard.headers.get("idempotency-key")
        try:
            if not heard.headers.get("content-type", "").startswith(FORM):
                raise Refused(400, _NOT_A_FORM)
            asked = read(model, heard.form)
            again = _again(key, heard, books)
        except Refused as refused:
            return refused.answer
        if again is not None:
            return again
        try:
            body, webhooks = handle(asked, heard, books)
            status = 200
        except Refused as refused:
            body, webhooks, status = refused.body, [], refused.status
        books.keep(key, heard.path, heard.form, status, body)
        return Answer(status, json=copied(body), headers=numbered(), webhooks=webhooks)

    return answer


def _again(key: str | None, heard: Heard, books: Account) -> Answer | None:
    kept = books.remembered(key)
    if kept is None:
        return None
    if (kept.path, kept.form) != (heard.path, dict(heard.form)):
        raise Refused(400, _OTHER_PARAMETERS.format(key), type="idempotency_error")
    return Answer(kept.status, json=kept.body, headers={**numbered(), "Idempotent-Replayed": "true"})


def reads(model: type[Asked], handle: Callable[[Asked, Heard, Account], Body]) -> Callable[[Heard, Account], Answer]:
    def answer(heard: Heard, books: Account) -> Answer:
        try:
            return Answer(json=copied(handle(read(model, heard.query), heard, books)), headers=numbered())
        except Refused as refused:
            return refused.answer

    return answer


class Nothing(Strict):
    """A GET without parameters."""


def known(kind: str, name: str, things: dict[str, Any], param: str = "id") -> Any:
    """An object by its id in a path: 404, in a parameter: 400."""
    if name not in things:
        raise Refused(404 if param == "id" else 400, f"No such {kind}: '{name}'", "resource_missing", param=param)
    return things[name]


def page(asked: Page, heard: Heard, things: Iterable[Body]) -> Body:
    """The newest first; the things come oldest first."""
    newest = list(things)[::-1]
    if asked.starting_after is not None:
        ids = [thing["id"] for thing in newest]
        if asked.starting_after not in ids:
            words = f"No such object: '{asked.starting_after}'"
            raise Refused(400, words, "resource_missing", param="starting_after")
        newest = newest[ids.index(asked.starting_after) + 1 :]
    more = len(newest) > asked.limit
    return {"object": "list", "url": heard.path, "has_more": more, "data": newest[: asked.limit]}
