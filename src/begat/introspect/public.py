"""The signature people see, where the code itself only takes ``*args, **kwargs``: wrappers, pydantic models."""

from __future__ import annotations

from typing import Any

from begat.introspect.describe import snapshot
from begat.introspect.factories import default_of, literal_of
from begat.introspect.signatures import short

Pair = tuple[str, object, str]


class Public:
    """A signature that named arguments are brought into, late and by name alone."""

    def __init__(self, subject: Any, signature: Any, skip: int, starred: tuple[str | None, str | None]) -> None:
        parameters = list(signature.parameters.values())[skip:]
        self.signature = signature.replace(parameters=parameters)
        self.parameters = {p.name: p for p in parameters}
        self.star, self.double = starred
        self.annotations = {p.name: short(p.annotation) for p in parameters if p.annotation is not p.empty}
        defaults = {
            p.name: default_of(subject, p.name, p.default, lambda value: snapshot(value, lambda _: None))
            for p in parameters
            if p.default is not p.empty
        }
        self.defaults = {name: literal_of(subject, name, default) for name, default in defaults.items()}
        kinds = {p.kind.name: p.name for p in parameters}
        self.positional = sum(p.kind is p.POSITIONAL_ONLY for p in parameters)
        self.starred = (kinds.get("VAR_POSITIONAL"), kinds.get("VAR_KEYWORD"))
        self.shown = (self.starred[0], self.starred[1] or self.double)

    def bind(self, pairs: list[Pair], positional: int) -> list[Pair]:
        """*pairs*, the first *positional* of which may be given by position, as the public signature has them."""
        values: list[object] = []
        keywords: dict[str, object] = {}
        for number, (name, value, source) in enumerate(pairs):
            if name == self.star and type(value) is tuple:
                values += value
            elif name == self.double and type(value) is dict:
                keywords |= value
            elif source == "given" and number < positional and len(values) == number:
                values.append(value)
            elif source == "given":
                keywords[name] = value
        # A wrapper may take more than the signature it shows: that stays under the wrapper's own name.
        extra = {} if self.starred[1] else {k: keywords.pop(k) for k in list(keywords) if k not in self.parameters}
        try:
            given = self.signature.bind(*values, **keywords).arguments
        except TypeError:
            return pairs
        bound: list[Pair] = []
        for name, parameter in self.parameters.items():
            if name in given:
                bound.append((name, given[name], "given"))
            elif name in self.starred:
                bound.append((name, () if name == self.starred[0] else {}, "given"))
            elif parameter.default is not parameter.empty:
                bound.append((name, self.defaults[name], "default"))
        return bound + ([(self.double, extra, "given")] if extra and self.double else [])


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
    if set(shown[skip:]) == set(names):
        return None
    return Public(subject, signature, skip, starred)
