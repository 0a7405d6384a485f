"""The one path grammar: ``model.layers.0.dim``, in overrides, diffs, files, the UI and the docs.

A path is segments joined by dots, and every segment is made of ``A-Z a-z 0-9 _ -`` only: MLflow keys refuse brackets and
zsh globs them. ``layers[0]``, ``opts["beta"]`` and ``opts[beta]`` (what a shell leaves of it) are accepted as input.
"""

from __future__ import annotations

import re
from functools import lru_cache

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
# `\w` also reads letters outside ASCII: a name typed as the code spells it finds the safe segment made from it.
_STEP = r"""(?:^|(?!^)\.)(?P<bare>[\w{wild}-]+) | \[ (?: (?P<item>[\w{wild}-]+) | "(?P<double>[^"]*)" | '(?P<single>[^']*)' ) \]"""
_PLAIN = re.compile(_STEP.format(wild=""), re.VERBOSE)
_GLOB = re.compile(_STEP.format(wild="*?"), re.VERBOSE)

# What a container of parts was given *is* what it holds: `layers.0`, as torch has it, and not `layers.modules.0`.
KEPT_AS_ITSELF = {"ModuleList": "modules", "ModuleDict": "modules"}


def parse(text: str) -> tuple[str, ...]:
    """
    Read a path: its segments, each made safe by `segment`.

    Raises ValueError, with the position, for text that is no path.

    >>> parse('model.layers[0].opts["beta"]')
    ('model', 'layers', '0', 'opts', 'beta')
    """
    return tuple(segment(step) for step, _ in _steps(text, _PLAIN))


def normal(text: str) -> str:
    """The canonical, dotted form of *text*; text that is no path comes back unchanged."""
    try:
        return join(*parse(text))
    except ValueError:
        return text


@lru_cache(maxsize=4096)
def join(*segments: str) -> str:
    """The path through *segments*, each made safe."""
    return ".".join(map(segment, segments))


def below(above: str, *segments: str) -> str:
    """The path through *segments* from the one that leads *above*, which may be empty."""
    path = join(*segments)
    return f"{above}.{path}" if above and path else above or path


def segment(text: str) -> str:
    """One safe segment for any *text*: what does not fit becomes ``_``; nothing at all is ``_`` too."""
    return _UNSAFE.sub("_", text) or "_"


def matches(pattern: str, path: str) -> bool:
    """
    Whether *path* is one that *pattern* means: ``*`` stands for anything, dots included, ``?`` for one character of a segment.

    Raises ValueError for a pattern that is neither a path nor one with wildcards.

    >>> matches("*.dropout", "model.enc.layers.0.dropout")
    True
    """
    return _expression(pattern).fullmatch(normal(path)) is not None


def split(pattern: str) -> tuple[str, ...]:
    """
    The segments of a path or pattern, each made safe but for its wildcards.

    Raises ValueError for text that is neither.

    >>> split('*.layers[0].drop?')
    ('*', 'layers', '0', 'drop?')
    """
    return tuple(
        segment(step) if quoted else "".join(c if c in "*?" else segment(c) for c in step)
        for step, quoted in _steps(pattern, _GLOB)
    )


def is_path(pattern: str) -> bool:
    """Whether `matches` takes *pattern*."""
    try:
        _expression(pattern)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1024)
def _expression(pattern: str) -> re.Pattern[str]:
    wild = {"*": ".*", "?": r"[^.]"}
    parts = [
        # What was quoted is a key, and a star in it is a character of that key.
        re.escape(segment(step)) if quoted else "".join(wild.get(c) or re.escape(segment(c)) for c in step)
        for step, quoted in _steps(pattern, _GLOB)
    ]
    return re.compile(r"\.".join(parts))


def _steps(text: str, grammar: re.Pattern[str]) -> list[tuple[str, bool]]:
    found: list[tuple[str, bool]] = []
    at = 0
    while at < len(text) or not found:
        step = grammar.match(text, at)
        if step is None:
            raise ValueError(f"not a path: {text!r}: expected a name, '.name' or '[item]' at position {at}")
        kind = step.lastgroup or ""
        found.append((step[kind], kind in ("double", "single")))
        at = step.end()
    return found
