"""Secrets among the values of a sweep: its trials are told them, and none of its files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from begat.errors import SweepError
from begat.introspect.secrets import MASK, redacted
from begat.sweep.axes import Axis, Points, parse
from begat.sweep.plan import Plan
from begat.sweep.trial import Ending

_SHORT = 3  # characters that say nothing where they stand alone
_MARK = re.compile(re.escape(MASK) + r"\d+")
_NUMBER = re.compile(r"[-+.\d][\d_.eE+-]*|True|False|None|true|false|null|nan|inf")


def conceal(plan: Plan) -> Plan:
    """*plan* with a mark in the place of each value that is a secret by its name or its shape: ``api_key=***1,***2``."""
    words: list[str] = []
    hidden: dict[str, dict[str, str]] = {}
    for axis in plan.axes:
        texts = axis.values.texts if isinstance(axis.values, Points) else ()
        if any(_is_secret(axis.path, text) for text in texts):
            hidden[axis.path] = {f"{MASK}{number}": text for number, text in enumerate(texts, 1)}
            words.append(axis.word(",".join(hidden[axis.path])))
        else:
            words.append(axis.said)
    return replace(plan, words=tuple(words), hidden=hidden)


def marked(plan: Plan) -> dict[str, int]:
    """How many values stand behind the marks of each path that has such."""
    return {axis.path: len(axis.values.texts) for axis in plan.axes if _is_marked(axis)}  # type: ignore[union-attr]  # points


def reveal(plan: Plan, words: Sequence[str], arguments: Sequence[str]) -> Plan:
    """
    *plan*, read from its file, with what that does not hold: secret values in *words*, and the script's *arguments* if there is
    a secret among them. SweepError says what is missing.
    """
    given = {axis.path: axis.values.texts for axis in map(parse, words) if isinstance(axis.values, Points)}
    wanted = marked(plan)
    masked = any(MASK in word for word in plan.arguments)
    places = [MASK in (place or "") for place in (plan.storage, plan.address)]
    if (
        any(len(given.get(path, ())) != count for path, count in wanted.items())
        or (masked and len(arguments) != len(plan.arguments))
        or any(places)
    ):
        again = [f"{path}={','.join(['VALUE'] * count)}" for path, count in wanted.items()]
        again += ["--storage URL"] * places[0] + ["--address ADDRESS"] * places[1]
        again += ["--", *plan.arguments] * masked
        raise SweepError(
            "the plan of a sweep does not keep secrets: give them again, in the same order: "
            f"begat sweep --resume {plan.id} {' '.join(again)}"
        )
    hidden = {path: {f"{MASK}{n}": text for n, text in enumerate(given[path], 1)} for path in wanted}
    return replace(plan, hidden=hidden, arguments=tuple(arguments) if masked else plan.arguments)


def forgotten(plan: Plan, ending: Ending) -> Ending:
    """*ending* without what *plan* hides: a trial may have said it in an error or a result."""
    texts = sorted({text for marks in plan.hidden.values() for text in marks.values() if len(text) > _SHORT}, key=len)

    def of(value: Any) -> Any:
        match value:
            case str():
                for text in reversed(texts):
                    value = value.replace(text, MASK)
                return value
            case list():
                return [of(item) for item in value]
            case dict():
                return {of(key): of(item) for key, item in value.items()}
            case _:
                return value

    return replace(ending, error=of(ending.error), result=of(ending.result)) if texts else ending


def _is_secret(path: str, text: str) -> bool:
    bare = text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
    return _NUMBER.fullmatch(bare) is None and redacted(path, bare) != bare


def _is_marked(axis: Axis) -> bool:
    return isinstance(axis.values, Points) and all(map(_MARK.fullmatch, axis.values.texts))
