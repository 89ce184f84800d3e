"""Agreements: an envelope for the advocate to sign."""

from activities.kit import CannotDo, Kit
from platforms.capabilities import RequestSignature, Who
from store.ledger import Look


async def request_signature(look: Look, kit: Kit) -> RequestSignature:
    if not look.contact.email:
        raise CannotDo("there is no e-mail address to sign at: add it in the CRM, then retry; or skip the step")
    params = look.order.params
    return RequestSignature(
        who=Who.of(look.contact),
        template=params["template"],
        title=kit.messages.render_text(params["title"], await kit.variables(look)),
    )
