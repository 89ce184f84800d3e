"""Keeps personal data out of Temporal: a payload that is a personal model is refused, with the remedy.

The failure prevented: a contact handed to an activity instead of their id, which would then stay in every history.
"""

from dataclasses import replace
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticPayloadConverter, pydantic_data_converter

from models.base import Personal


class PersonalDataRefused(TypeError):
    """Someone tried to hand a personal model to Temporal."""


class GuardedPayloadConverter(PydanticPayloadConverter):
    """The pydantic converter, but for `Personal` models."""

    def to_payloads(self, values: Any) -> list[Payload]:
        for value in values:
            _refuse_personal(value)
        return super().to_payloads(values)


def _refuse_personal(value: Any) -> None:
    """Also in lists and dictionaries: what a model holds is held by its type, which the house's tests look at."""
    if isinstance(value, Personal):
        raise PersonalDataRefused(
            f"{type(value).__name__} may hold personal data and must not enter a workflow history: "
            "pass the contact's id and read the rest inside the activity"
        )
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for inner in value:
            _refuse_personal(inner)


data_converter = replace(pydantic_data_converter, payload_converter_class=GuardedPayloadConverter)
"""The data converter of every client and worker of the product."""
