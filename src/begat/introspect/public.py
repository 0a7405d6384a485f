"""The signature people see, where the code itself only takes ``*args, **kwargs``: wrappers, pydantic models."""

from __future__ import annotations

from typing import Any

from begat.introspect.describe import snapshot
from begat.introspect.signatures import short
from begat.record.values import Typed

Pair = tuple[str, object, str]


class Public:
    """A signature that named arguments are brought into, late and by name alone."""

    def __init__(self, signature: Any, skip: int, starred: tuple[str | None, str | None], names: tuple[str, ...]) -> None:
        parameters = list(signature.parameters.values())[skip:]
        self.signature = signature.replace(parameters=parameters)
        self.parameters = {p.name: p for p in parameters}
        self.star, self.double = starred
        self.names = names
        self.annotations = {p.name: short(p.annotation) for p in parameters if p.annotation is not p.empty}
        kinds = {p.kind.name: p.name for p in parameters}
        self.starred = (kinds.get("VAR_POSITIONAL"), kinds.get("VAR_KEYWORD"))

    def bind(self, pairs: list[Pair]) -> list[Pair]:
        """*pairs* as the public signature has them; as they were where it does not take them."""
        positional: list[object] = []
        keywords: dict[str, object] = {}
        for name, value, source in pairs:
            if name == self.star and type(value) is tuple:
                positional += value
            elif name == self.double and type(value) is dict:
                keywords |= value
            elif source == "given":
                positional.append(value)
        try:
            bound = self.signature.bind(*positional, **keywords)
        except TypeError:
            return pairs
        given = bound.arguments
        return [
            (name, given[name], "given") if name in given else (name, _default(parameter), "default")
            for name, parameter in self.parameters.items()
            if name in given or parameter.default is not parameter.empty
        ] + [(name, () if name == self.starred[0] else {}, "given") for name in self.starred if name and name not in given]


def public_signature(
    subject: Any, names: tuple[str, ...], starred: tuple[str | None, str | None], kind: str
) -> Public | None:
    """The public signature of *subject*, if it says more than the starred parameters of its code."""
    import inspect

    try:
        signature = inspect.signature(subject)
    except Exception:  # no signature, or user code that fails to give one: the arguments are shown as they were passed
        return None
    shown = [p.name for p in signature.parameters.values()]
    skip = 1 if kind == "factory" and shown and shown[0] == "cls" else 0
    if shown[skip:] == list(names):
        return None
    return Public(signature, skip, starred, names)


def _default(parameter: Any) -> object:
    default = snapshot(parameter.default, lambda _: None)
    return default if not isinstance(default, Typed) else default
