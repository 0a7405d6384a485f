"""Annotations as people write them: nothing is evaluated, and `inspect`, which takes long to import, is not needed."""

import sys
from collections.abc import Mapping
from types import NoneType
from typing import Any

from begat.introspect.targets import is_class, name_of

_LONGEST = 200


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
