"""The value of an override, with its real type: by the parameter's annotation, else by the value it replaces, else as Python.

pydantic reads annotations; this is its only door here, opened when an override is applied.
"""

from __future__ import annotations

import enum
import math
import pathlib
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_origin

from begat.errors import OverrideError
from begat.replay.literals import UNKNOWN, literal

_TRUE = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
Resolve = Callable[[str], Any]


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
    if _is_usable(annotation):
        try:
            return _by_annotation(text, value, annotation, resolve)
        except ValueError:
            if current is UNKNOWN or fits(current, annotation):
                raise
            # What stands there now does not fit either: it is the annotation that is wrong.
    if current is UNKNOWN or current is None:
        return text if value is UNKNOWN else value
    return _by_kind(text, value, current, resolve)


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
                return _member(text, value, part)
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
        if _is_constant(part):
            yield lambda annotation, part=part: _constant(text, part)  # type: ignore[misc]  # a default is no second parameter
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
    if kind is bytes:
        return value if isinstance(value, bytes) else text.encode()
    if kind in (list, tuple, dict, set, frozenset):
        return _container(text, value, kind)
    if issubclass(kind, enum.Enum):
        return _member(text, value, kind)
    if issubclass(kind, pathlib.PurePath):
        return kind(text)
    if _is_named(current):
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
    if type(value) not in (int, float) and re.fullmatch(r"[+-]?0[0-9]+", text.strip()):
        value = int(text)
    if type(value) not in (int, float):
        raise ValueError(f"expected a number, as it replaces one; PATH:={text!r} gives it as it is")
    # A library that annotates nothing may take 0.5, or 1.0, where it was given 1; the other way round a float stays one.
    if kind is int and type(value) is float and "." not in text and value.is_integer():  # 1e3
        return int(value)
    return float(value) if kind is float else value


def _container(text: str, value: Any, kind: type) -> Any:
    if value is UNKNOWN and "," in text and kind is not dict:
        value = literal(f"[{text}]")
    if kind is dict:
        if type(value) is not dict:
            raise ValueError("expected a mapping, as it replaces one: {'a': 1}")
        return value
    if type(value) not in (list, tuple, set, frozenset):
        raise ValueError(f"expected a list, as it replaces a {kind.__name__}: [1, 2]")
    return kind(value)


def _member(text: str, value: Any, kind: Any) -> Any:
    name = text.removeprefix(f"{kind.__name__}.")
    if name in kind.__members__:
        return kind[name]
    for member in kind:
        if member.value == value or str(member.value) == text:
            return member
    raise ValueError(f"expected one of {', '.join(kind.__members__)}")


def _constant(text: str, kind: Any) -> Any:
    """``torch.float16`` in the place of ``torch.float32``: a value of the same type, by its name in a loaded module."""
    module, _, name = text.rpartition(".")
    space = getattr(sys.modules.get(module or kind.__module__.partition(".")[0]), "__dict__", {})
    found = space.get(name)
    if isinstance(found, kind):
        return found
    make = getattr(kind, "fromisoformat", None) or (_maker(kind) if _is_constant(kind) else None)
    if make is not None:
        try:
            return make(text)
        except Exception as error:  # whatever its constructor says of the text
            raise ValueError(f"expected a {kind.__name__}: {error}") from None
    raise ValueError(f"expected a {kind.__name__}, which no text can say here: give it in Python, with begat.override")


_MADE_OF_TEXT = {"torch": ("device", "dtype"), "numpy": ("dtype",), "decimal": ("Decimal",), "uuid": ("UUID",)}


def _is_constant(kind: Any) -> bool:
    """Whether text can be a value of *kind*, a class that pydantic knows nothing of. No other is called to find out."""
    if not isinstance(kind, type):
        return False
    bases = {(base.__module__.partition(".")[0], base.__name__) for base in kind.__mro__}
    return ("numpy", "generic") in bases or any(
        (module, name) in bases for module, all_ in _MADE_OF_TEXT.items() for name in all_
    )


def _maker(kind: Any) -> Callable[[str], Any] | None:
    """What makes a value of *kind* of text."""
    base = next((each for each in kind.__mro__ if each.__name__ == "dtype" and each.__module__ == "numpy"), None)
    return base or (None if (kind.__module__, kind.__name__) == ("torch", "dtype") else kind)


def _is_named(current: Any) -> bool:
    """Whether *current* is a class or function, with a name of its own. Asked so that no object's own code answers."""
    if isinstance(type(current), type) and issubclass(type(current), type):
        return True
    try:
        return isinstance(object.__getattribute__(current, "__name__"), str) and callable(current)
    except AttributeError:
        return False


def refusal(said: str, parameter: str, annotation: Any, current: Any, where: str, problem: object) -> OverrideError:
    """The error for an override whose value does not fit."""
    if _is_usable(annotation):
        kind = f" ({_said(annotation)})"
    elif current is not UNKNOWN and current is not None:
        kind = f" (now a {type(current).__name__})"
    else:
        kind = ""
    return OverrideError(f"{said} does not fit {parameter}{kind} of {where}: {problem}")
