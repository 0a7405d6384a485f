"""The value of an override, with its real type: by the parameter's annotation, else by the value it replaces, else as Python.

pydantic reads annotations; this is its only door here, opened when an override is applied.
"""

from __future__ import annotations

import enum
import math
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_origin

from begat.errors import OverrideError
from begat.replay.kinds import Resolve, by_kind, constant, is_constant, member
from begat.replay.literals import UNKNOWN, literal


def read(text: str, annotation: Any, current: Any, resolve: Resolve) -> Any:
    """
    The value that *text* means for a parameter with this *annotation*, in the place of the *current* value.

    *resolve* finds the class or function of an import path, or raises LookupError. Raises ValueError, saying what is
    expected, for text that means nothing there.

    >>> read("1e-3", float, UNKNOWN, lambda path: None), read("none", UNKNOWN, 3, lambda path: None)
    (0.001, None)
    """
    found = _read(text, literal(text), annotation, current, resolve)
    if isinstance(found, float) and math.isinf(found) and any(map(str.isdigit, text)):
        raise ValueError("it is beyond what a float can hold")
    return found


def _read(text: str, value: Any, annotation: Any, current: Any, resolve: Resolve) -> Any:
    for kind, form in _PLAIN:
        if annotation is kind and form.fullmatch(text):
            return kind(text)
    if _is_usable(annotation):
        try:
            return _by_annotation(text, value, annotation, resolve)
        except ValueError:
            if current is UNKNOWN or fits(current, annotation):
                raise
            # What stands there now does not fit either: it is the annotation that is wrong.
    if current is UNKNOWN or current is None:
        return text if value is UNKNOWN else value
    return by_kind(text, value, current, resolve)


# What pydantic reads as Python does, and what most overrides are: importing it takes longer than the rest of a short run.
_PLAIN: tuple[tuple[Callable[[str], Any], re.Pattern[str]], ...] = (
    (int, re.compile(r"[+-]?(?:0|[1-9]\d{0,17})", re.ASCII)),
    (float, re.compile(r"[+-]?\d{1,15}(?:\.\d{0,15})?(?:[eE][+-]?\d{1,2})?", re.ASCII)),
)


def check(value: Any, annotation: Any, current: Any = UNKNOWN) -> Any:
    """
    *value*, which is no text, as a parameter with this *annotation* takes it: ``[1, 2]`` for a tuple, a mapping for a dataclass.

    Raises ValueError if it does not fit, unless the *current* value does not either.
    """
    if not _is_usable(annotation) or fits(value, annotation):
        return value
    try:
        return _validated(annotation, value)
    except ValueError:
        if current is UNKNOWN or fits(current, annotation):
            raise
        return value


def fits(value: Any, annotation: Any) -> bool:
    """Whether *value* is what *annotation* says, without any conversion. What nobody can check fits."""
    if not _is_usable(annotation):
        return True
    try:
        _validated(annotation, value, strict=True)
    except ValueError:
        return False
    return True


def _is_usable(annotation: Any) -> bool:
    return annotation is not UNKNOWN and annotation is not Any and not isinstance(annotation, str)


# --- by annotation --------------------------------------------------------------------------------------------------------
def _by_annotation(text: str, value: Any, annotation: Any, resolve: Resolve) -> Any:
    parts = list(_parts(annotation))
    if value is None and any(part is None or part is type(None) for part in parts):
        return None
    for part in parts:
        if isinstance(part, enum.EnumMeta):
            try:
                return member(text, value, part)
            except ValueError:
                if len(parts) == 1:
                    raise
    if any(_takes_code(part) for part in parts):
        try:
            return _validated(annotation, resolve(text))
        except LookupError:
            if all(_takes_code(part) or part in (None, type(None)) for part in parts):
                raise ValueError(f"expected the import path of {_said(annotation)}") from None
    problem: ValueError | None = None
    for attempt in _attempts(text, value, parts):
        try:
            return attempt(annotation)
        except ValueError as error:
            problem = error if problem is None or isinstance(value, dict) else problem
    raise problem or ValueError(f"expected {_said(annotation)}")


def _attempts(text: str, value: Any, parts: list[Any]) -> Iterator[Callable[[Any], Any]]:
    """From the strictest reading to the loosest; what fails first tells most."""
    if value is not UNKNOWN:
        yield lambda annotation: _validated(annotation, value, strict=True)
    for part in parts if str not in parts else ():
        if is_constant(part):
            yield lambda annotation, part=part: constant(text, part)  # type: ignore[misc]  # a default is no second parameter
    yield lambda annotation: _of_text(annotation, text)
    if value is not UNKNOWN and not isinstance(value, bool):
        yield lambda annotation: _validated(annotation, value)
    if value is UNKNOWN and "," in text and isinstance(listed := literal(f"[{text}]"), list):
        yield lambda annotation: _validated(annotation, listed)


def _validated(annotation: Any, value: Any, strict: bool | None = None) -> Any:
    adapter = _adapter(annotation)
    return _clean(annotation, lambda: adapter.validate_python(value, strict=strict)) if adapter is not None else value


def _of_text(annotation: Any, text: str) -> Any:
    adapter = _adapter(annotation)
    if adapter is None:
        value = literal(text)
        return text if value is UNKNOWN else value
    return _clean(annotation, lambda: adapter.validate_strings(text))


def _clean(annotation: Any, attempt: Callable[[], Any]) -> Any:
    from pydantic import ValidationError

    try:
        return attempt()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "needs_python_object":
            raise ValueError("no text can say what is expected: give it in Python, with begat.override") from None
        # The first step of an error in a union is the member that was tried.
        chosen = [part for part in _parts(annotation) if part not in (None, type(None))]
        at = ".".join(map(str, first["loc"][len(chosen) > 1 :]))
        message = first["msg"][:1].lower() + first["msg"][1:]
        raise ValueError(f"at {at}: {message}" if at else message) from None


_adapters: dict[int, tuple[Any, Any]] = {}  # by the id of the annotation, held beside it: not all of them can be hashed
_MANY = 10_000


def _adapter(annotation: Any) -> Any:
    """What validates *annotation*; None if pydantic can make nothing of it."""
    known = _adapters.get(id(annotation))
    if known is None:
        from pydantic import ConfigDict, PydanticUserError, TypeAdapter
        from pydantic.errors import PydanticSchemaGenerationError

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of types that it cannot look into: they are the program's own affair
                try:
                    adapter = TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))
                except PydanticUserError as error:
                    if error.code != "type-adapter-config-unused":  # dataclasses and models bring their own
                        raise
                    adapter = TypeAdapter(annotation)
        except (PydanticUserError, PydanticSchemaGenerationError, NameError, TypeError, AttributeError, RecursionError):
            adapter = None
        if len(_adapters) >= _MANY:
            _adapters.clear()
        known = _adapters[id(annotation)] = (annotation, adapter)
    return known[1]


def _parts(annotation: Any) -> Iterator[Any]:
    """*annotation*, or the members of the union that it is."""
    origin = get_origin(annotation)
    if origin is not None and (str(origin) == "typing.Union" or getattr(origin, "__name__", "") == "UnionType"):
        for part in get_args(annotation):
            yield from _parts(part)
    elif hasattr(annotation, "__metadata__") and hasattr(annotation, "__origin__"):  # Annotated
        yield from _parts(annotation.__origin__)
    else:
        yield annotation


def _takes_code(annotation: Any) -> bool:
    """Whether a class or function is expected."""
    import collections.abc

    origin = get_origin(annotation) or annotation
    return origin is type or origin is collections.abc.Callable


def _said(annotation: Any) -> str:
    from begat.introspect.signatures import short

    return short(annotation)


def refusal(said: str, parameter: str, annotation: Any, current: Any, where: str, problem: object) -> OverrideError:
    """The error for an override whose value does not fit."""
    if _is_usable(annotation):
        kind = f" ({_said(annotation)})"
    elif current is not UNKNOWN and current is not None:
        kind = f" (now of type {type(current).__name__})"
    else:
        kind = ""
    return OverrideError(f"{said} does not fit {parameter}{kind} of {where}: {problem}")
