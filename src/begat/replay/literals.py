"""Text as people write values in a shell: Python, JSON's words, and words without quotes inside of brackets.

Nothing is executed, and nothing is looked up: ``${env:HOME}``, ``@file`` and ``!!python/object`` are the text that they are.
"""

from __future__ import annotations

import ast
import re
import warnings
from typing import Any

UNKNOWN = object()
"""In the place of a value: the text is none."""

_WORDS = {"none": None, "null": None, "true": True, "false": False}
_ODD_FLOAT = re.compile(r"[+-]?(?:inf|infinity|nan)", re.IGNORECASE)
_ODD = re.compile(r"\\|[0-9](?:and|else|for|i[fns]|not|or)")
_CLOSING = {"[": "]", "(": ")", "{": "}"}
_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<mark>[\[\](){},])|(?P<word>[^\[\](){},'"\s][^\[\](){},]*))""",
    re.DOTALL,
)
_LONGEST = 1_000_000
_DEEPEST = 50


def literal(text: str) -> Any:
    """
    The value that *text* is in Python, ``none``, ``null``, ``true`` and ``false`` in any case; `UNKNOWN` if it is none.

    >>> literal("1e-3"), literal("[relu, 2]"), literal("{a: 1, b: none}")
    (0.001, ['relu', 2], {'a': 1, 'b': None})
    """
    stripped = text.strip()
    if stripped.lower() in _WORDS:
        return _WORDS[stripped.lower()]
    if not stripped or stripped[0] == "_" or len(stripped) > _LONGEST:
        return UNKNOWN
    if _ODD_FLOAT.fullmatch(stripped):
        return float(stripped)
    try:
        return _evaluated(stripped)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        pass
    if stripped[0] in _CLOSING:
        try:
            return _Brackets(stripped).whole()
        except (ValueError, SyntaxError, TypeError):
            return UNKNOWN
    return UNKNOWN


def _evaluated(text: str) -> Any:
    if _ODD.search(text) is None:
        return ast.literal_eval(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the compiler thinks of "\\d" is for authors of programs
        return ast.literal_eval(text)


class _Brackets:
    """Reads lists, tuples, mappings and sets whose items may be words without quotes. Raises ValueError for what is none."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def whole(self) -> Any:
        """The value of the whole text."""
        value = self._value(0)
        if self._text[self._at :].strip():
            raise ValueError("there is something behind the last bracket")
        return value

    def _next(self) -> re.Match[str]:
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            raise ValueError(f"a bracket is not closed, or not what it should be, at {self._at}")
        self._at = found.end()
        return found

    def _value(self, depth: int) -> Any:
        token = self._next()
        if token["string"] is not None:
            return _evaluated(token["string"])
        if token["word"] is not None:
            return _scalar(token["word"])
        return self._items(token["mark"], depth + 1)

    def _items(self, opening: str, depth: int) -> Any:
        if opening not in _CLOSING or depth > _DEEPEST:
            raise ValueError(f"no value begins with {opening!r}")
        items: list[Any] = []
        pairs: dict[Any, Any] = {}
        while True:
            before = self._at
            token = self._next()
            if token["mark"] == _CLOSING[opening]:
                break
            self._at = before
            if opening == "{" and self._key():
                key = _scalar(self._key_text)
                pairs[key] = self._value(depth)
            else:
                items.append(self._value(depth))
            if (token := self._next())["mark"] == _CLOSING[opening]:
                break
            if token["mark"] != ",":
                raise ValueError("items are separated by commas")
        if opening == "{" and items and pairs:
            raise ValueError("some items have keys, and some have none")
        return tuple(items) if opening == "(" else items if opening == "[" else set(items) if items else pairs

    _KEY = re.compile(r"""\s*("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^\[\](){},:'"\s]+)\s*:""")

    def _key(self) -> bool:
        """Whether a key and its colon come next; they are taken."""
        found = self._KEY.match(self._text, self._at)
        if found is None:
            return False
        self._at, self._key_text = found.end(), found[1]
        return True


def _scalar(text: str) -> Any:
    text = text.strip()
    value = literal(text)
    return text if value is UNKNOWN else value
