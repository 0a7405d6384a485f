"""Documents of earlier formats, brought to the present one step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from begat.errors import InvalidRecord

FORMAT = "begat/1"

Step = Callable[[dict[str, Any]], dict[str, Any]]

# From each earlier format, the step to a later one; the step sets "format".
STEPS: dict[str, Step] = {}


def migrate(document: object, steps: Mapping[str, Step] = STEPS, to: str = FORMAT) -> dict[str, Any]:
    """*document* in the format *to*. `InvalidRecord` if it is no record, or one that no step leads from."""
    if not isinstance(document, dict):
        raise InvalidRecord(f"not a record: the top is {_kind(document)}, not an object")
    for _ in range(len(steps) + 1):
        form = document.get("format")
        if form == to:
            return document
        if not isinstance(form, str) or not form.startswith("begat/"):
            raise InvalidRecord(f'not a record: "format" is {form!r:.80}, not "{to}"')
        if form not in steps:
            raise InvalidRecord(
                f"the format is {form!r:.80}, this begat reads {to!r} and earlier: upgrade begat to read it"
            )
        document = steps[form](document)
    raise InvalidRecord(f"the steps from {form!r:.80} do not lead to {to!r}")


def _kind(document: object) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(document), "a number")
