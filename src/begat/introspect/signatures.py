"""Signatures, read from the function itself: `inspect` takes long to import and longer to run, and evaluates annotations."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import CodeType, FunctionType, NoneType
from typing import Any

from begat.introspect.targets import is_class, name_of

_VAR_POSITIONAL = 0x04  # inspect.CO_VARARGS
_VAR_KEYWORD = 0x08  # inspect.CO_VARKEYWORDS
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Parameters:
    """
    The parameters of a function, as the interpreter binds them.

    *positional* are all that may be given by position, of which the first *positional_only* may not be given by name;
    *var_positional* and *var_keyword* are the names after ``*`` and ``**``.
    """

    positional: tuple[str, ...]
    positional_only: int
    keyword_only: tuple[str, ...]
    var_positional: str | None
    var_keyword: str | None
    defaults: dict[str, object]


def parameters(function: FunctionType, code: CodeType) -> Parameters:
    """The parameters of *function* when *code* is its code; the defaults are the live objects."""
    names = code.co_varnames
    count = code.co_argcount
    positional = names[:count]
    end = count + code.co_kwonlyargcount
    keyword_only = names[count:end]
    stars = iter(names[end:])
    given = function.__defaults__ or ()
    # Not `positional[-len(given):]`, which is everything where there are none. More defaults than parameters are legal.
    defaults: dict[str, object] = dict(zip(positional[::-1], given[::-1], strict=False))
    return Parameters(
        positional=positional,
        positional_only=code.co_posonlyargcount,
        keyword_only=keyword_only,
        var_positional=next(stars) if code.co_flags & _VAR_POSITIONAL else None,
        var_keyword=next(stars) if code.co_flags & _VAR_KEYWORD else None,
        defaults={name: defaults[name] for name in positional if name in defaults}
        | {name: value for name, value in (function.__kwdefaults__ or {}).items() if name in keyword_only},
    )


def annotations(function: object) -> dict[str, str]:
    """
    The text of each parameter's annotation, as written where that is known. What returns is left out.

    Evaluates nothing and never raises: what cannot be read is missing.
    """
    try:
        found = _annotations(function)
        return {name: short(value) for name, value in found.items() if name != "return"}
    except Exception:
        return {}


def short(annotation: object) -> str:
    """*annotation* as one would write it: ``int``, ``torch.Tensor``, ``Optional[int]``, ``list[int] | None``. Never raises."""
    try:
        text = _text(annotation)
    except Exception:
        text = f"<{type(annotation).__name__}>"
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


if sys.version_info >= (3, 14):

    def _annotations(function: Any) -> Mapping[str, object]:
        # Reading `__annotations__` evaluates them here.
        from annotationlib import Format, get_annotations

        return get_annotations(function, format=Format.STRING)

else:

    def _annotations(function: Any) -> Mapping[str, object]:
        found = getattr(function, "__annotations__", None)
        return found if isinstance(found, dict) else {}


def _text(annotation: object) -> str:
    if annotation is None or annotation is NoneType:
        return "None"
    if is_class(annotation):
        return _class_name(annotation)
    kind = type(annotation)
    if kind is str:
        return str(annotation)
    if annotation is Ellipsis:
        return "..."
    if kind.__module__ in ("typing", "types", "typing_extensions", "collections.abc"):
        return _cleaned(repr(annotation))
    if kind in (bool, int, float, bytes):
        return repr(annotation)
    return f"<{kind.__name__}>"  # anything may be an annotation, and its repr may do anything


def _class_name(cls: object) -> str:
    module, _, qualname = name_of(cls).partition(":")
    if module in ("builtins", "typing", "typing_extensions", "__main__"):
        return qualname
    # `pathlib._local.Path` is private; people write `pathlib.Path`.
    public = module.partition("._")[0]
    if public != module and vars(sys.modules.get(public, object)).get(qualname) is cls:
        module = public
    return f"{module}.{qualname}"


def _cleaned(text: str) -> str:
    import re

    text = text.removeprefix("~")  # a TypeVar
    text = re.sub(r"ForwardRef\('([^']*)'[^)]*\)", r"\1", text)
    return re.sub(r"(?<![\w.])(typing|typing_extensions|__main__)\.", "", text).replace("NoneType", "None")
