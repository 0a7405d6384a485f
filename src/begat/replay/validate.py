"""The value of an override, with its real type: by the parameter's annotation, else by the value it replaces, else as Python.

pydantic reads annotations; this is its only door here, opened when an override is applied.
"""

from __future__ import annotations

import ast
import enum
import math
import pathlib
import sys
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_origin

from begat.errors import OverrideError

_NOTHING = ("none", "null")
_TRUE = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
UNKNOWN = object()
"""In the place of an annotation or a present value: there is none, or nobody knows it."""

Resolve = Callable[[str], Any]


def read(text: str, annotation: Any, current: Any, resolve: Resolve) -> Any:
    """
    The value that *text* means for a parameter with this *annotation*, in the place of the *current* value.

    *resolve* finds the class or function of an import path, or raises LookupError. Raises ValueError, saying what is
    expected, for text that means nothing there.

    >>> read("1e-3", float, UNKNOWN, lambda path: None), read("none", UNKNOWN, 3, lambda path: None)
    (0.001, None)
    """
    value = literal(text)
    if isinstance(value, float) and value in (math.inf, -math.inf) and any(map(str.isdigit, text)):
        raise ValueError("it is beyond what a float can hold")
    if _is_usable(annotation):
        return _by_annotation(text, value, annotation, resolve)
    if current is UNKNOWN or current is None:
        return text if value is UNKNOWN else value
    return _by_kind(text, value, current, resolve)


def check(value: Any, annotation: Any) -> Any:
    """
    *value*, which is no text, as a parameter with this *annotation* takes it: ``[1, 2]`` for a tuple, a mapping for a dataclass.

    Raises ValueError if it does not fit.
    """
    return _validated(annotation, value) if _is_usable(annotation) else value


def fits(value: Any, annotation: Any) -> bool:
    """Whether *value* is what *annotation* says, without any conversion. What nobody can check fits."""
    if not _is_usable(annotation):
        return True
    try:
        _validated(annotation, value, strict=True)
    except ValueError:
        return False
    return True


def literal(text: str) -> Any:
    """*text* as Python, JSON's words included; `UNKNOWN` if it is neither."""
    stripped = text.strip()
    if stripped.lower() in _NOTHING:
        return None
    if stripped.lower() in ("true", "false"):
        return _TRUE[stripped.lower()]
    if not stripped or stripped[0] == "_" or len(stripped) > 1_000_000:
        return UNKNOWN
    for form in (stripped, _as_python(stripped)):
        try:
            return ast.literal_eval(form)
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            continue
    try:
        return float(stripped)  # inf, nan
    except ValueError:
        return UNKNOWN


def _as_python(text: str) -> str:
    """JSON's three words inside of containers, as Python's; strings are left alone."""
    if text[0] not in "[{(":
        return text
    import json

    try:
        return repr(json.loads(text))
    except ValueError:
        return text


def _is_usable(annotation: Any) -> bool:
    return annotation is not UNKNOWN and annotation is not Any and not isinstance(annotation, str)


# --- by annotation --------------------------------------------------------------------------------------------------------
def _by_annotation(text: str, value: Any, annotation: Any, resolve: Resolve) -> Any:
    parts = list(_parts(annotation))
    if value is None and any(part is None or part is type(None) for part in parts):
        return None
    for part in parts:
        if isinstance(part, enum.EnumMeta) and text in part.__members__:
            return part[text]
    if any(_takes_code(part) for part in parts):
        try:
            return _validated(annotation, resolve(text))
        except LookupError:
            if all(_takes_code(part) or part in (None, type(None)) for part in parts):
                raise ValueError(f"expected the import path of {_said(annotation)}") from None
    problem: ValueError | None = None
    for attempt in _attempts(text, value):
        try:
            return attempt(annotation)
        except ValueError as error:
            problem = problem or error
    raise problem or ValueError(f"expected {_said(annotation)}")


def _attempts(text: str, value: Any) -> Iterator[Callable[[Any], Any]]:
    """From the strictest reading to the loosest; what fails first tells most."""
    if value is not UNKNOWN and not isinstance(value, bool):
        yield lambda annotation: _validated(annotation, value, strict=True)
    yield lambda annotation: _of_text(annotation, text)
    if value is not UNKNOWN and not isinstance(value, bool):
        yield lambda annotation: _validated(annotation, value)


def _validated(annotation: Any, value: Any, strict: bool | None = None) -> Any:
    adapter = _adapter(annotation)
    return _clean(lambda: adapter.validate_python(value, strict=strict)) if adapter is not None else value


def _of_text(annotation: Any, text: str) -> Any:
    adapter = _adapter(annotation)
    if adapter is None:
        value = literal(text)
        return text if value is UNKNOWN else value
    return _clean(lambda: adapter.validate_strings(text))


def _clean(attempt: Callable[[], Any]) -> Any:
    from pydantic import ValidationError

    try:
        return attempt()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        at = ".".join(str(step) for step in first["loc"] if isinstance(step, int))
        message = first["msg"][:1].lower() + first["msg"][1:]
        raise ValueError(f"at {at}: {message}" if at else message) from None


_adapters: dict[int, tuple[Any, Any]] = {}  # by the id of the annotation, held beside it: not all of them can be hashed


def _adapter(annotation: Any) -> Any:
    """What validates *annotation*; None if pydantic can make nothing of it."""
    known = _adapters.get(id(annotation))
    if known is None:
        from pydantic import ConfigDict, PydanticUserError, TypeAdapter
        from pydantic.errors import PydanticSchemaGenerationError

        try:
            try:
                adapter = TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))
            except PydanticUserError as error:
                if error.code != "type-adapter-config-unused":  # dataclasses and models bring their own
                    raise
                adapter = TypeAdapter(annotation)
        except (PydanticUserError, PydanticSchemaGenerationError, NameError, TypeError, AttributeError, RecursionError):
            adapter = None
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


# --- by the value that is replaced ------------------------------------------------------------------------------------------
def _by_kind(text: str, value: Any, current: Any, resolve: Resolve) -> Any:
    kind = type(current)
    quoted = isinstance(value, str)
    if value is None or quoted:
        return value
    if kind is bool:
        return _boolean(text)
    if kind is int or kind is float:
        return _number(text, value, kind)
    if kind is str:
        return text
    if kind in (list, tuple, dict, set, frozenset):
        return _container(value, kind)
    if issubclass(kind, enum.Enum):
        return _member(text, value, kind)
    if issubclass(kind, pathlib.PurePath):
        return kind(text)
    if callable(current) and (isinstance(current, type) or hasattr(current, "__code__")):
        try:
            return resolve(text)
        except LookupError as error:
            raise ValueError(f"expected the import path of a class or function: {error}") from None
    return _constant(text, kind)


def _boolean(text: str) -> bool:
    found = _TRUE.get(text.strip().lower())
    if found is None:
        raise ValueError("expected true or false, as it replaces a bool")
    return found


def _number(text: str, value: Any, kind: type) -> Any:
    if type(value) not in (int, float):
        raise ValueError(f"expected a number, as it replaces one; PATH:={text!r} gives it as it is")
    # A library that annotates nothing may take 0.5 where it was given 1; the other way round a float stays one.
    return float(value) if kind is float else value


def _container(value: Any, kind: type) -> Any:
    if kind is dict:
        if type(value) is not dict:
            raise ValueError("expected a mapping, as it replaces one: {'a': 1}")
        return value
    if type(value) not in (list, tuple, set, frozenset):
        raise ValueError(f"expected a list, as it replaces a {kind.__name__}: [1, 2]")
    return kind(value)


def _member(text: str, value: Any, kind: Any) -> Any:
    if text in kind.__members__:
        return kind[text]
    for member in kind:
        if member.value == value or str(member.value) == text:
            return member
    raise ValueError(f"expected one of {', '.join(kind.__members__)}")


def _constant(text: str, kind: Any) -> Any:
    """``torch.float16`` in the place of ``torch.float32``: a value of the same type, by its name in a loaded module."""
    module, _, name = text.rpartition(".")
    space = getattr(sys.modules.get(module or kind.__module__.partition(".")[0]), "__dict__", {})
    found = space.get(name)
    if type(found) is kind:
        return found
    for make in (getattr(kind, "fromisoformat", None), kind if kind.__module__ in ("torch", "decimal", "uuid", "numpy") else None):
        if make is not None:
            try:
                return make(text)
            except Exception as error:  # whatever its constructor says of the text
                raise ValueError(f"expected a {kind.__name__}: {error}") from None
    raise ValueError(f"expected a {kind.__name__}, which no text can say here: give it in Python, with begat.override")


def refusal(said: str, parameter: str, annotation: Any, current: Any, where: str, problem: object) -> OverrideError:
    """The error for an override whose value does not fit."""
    if _is_usable(annotation):
        kind = f" ({_said(annotation)})"
    elif current is not UNKNOWN and current is not None:
        kind = f" (now a {type(current).__name__})"
    else:
        kind = ""
    return OverrideError(f"{said} does not fit {parameter}{kind} of {where}: {problem}")
