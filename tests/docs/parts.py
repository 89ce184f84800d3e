"""Every generated part by the name that stands in its marks."""

from collections.abc import Callable

from tests.docs import journeys, operators, platforms, playbooks, proofs, referrals, settings

PARTS: dict[str, Callable[[], str]] = {
    "life of an effect": journeys.diagram,
    "states": journeys.states,
    "turns": journeys.turns,
    "commands": operators.commands,
    "updates": operators.updates,
    "search attributes": operators.attributes,
    "overview of platforms": platforms.overview,
    "capabilities": platforms.capabilities,
    "platforms": platforms.sections,
    "doubts": platforms.doubts,
    "proofs": proofs.matrices,
    "verbs": playbooks.verb_table,
    "events": playbooks.event_table,
    "contact fields": playbooks.contact_fields,
    "variables": playbooks.variable_table,
    "rules of the checker": playbooks.rule_table,
    "fraud rules": referrals.rules,
    "verdicts": referrals.verdicts,
    "settings of platforms": settings.platform_table,
}
