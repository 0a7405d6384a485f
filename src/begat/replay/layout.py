"""Expressions as formatted text: on one line where they fit, else one part to a line, as formatters write them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

WIDTH = 100


@dataclass(frozen=True, slots=True)
class Group:
    """Something in brackets: *lead* stands before the opening one; *lone* wants a comma behind a single part (a tuple)."""

    opening: str
    parts: tuple[Text, ...]
    closing: str
    lead: str = ""
    lone: bool = False


@dataclass(frozen=True, slots=True)
class Labeled:
    """A part with something in front of it: ``name=``, ``"key": ``."""

    label: str
    part: Text


Text: TypeAlias = str | Group | Labeled


def called(function: str, parts: Iterable[Text]) -> Group:
    """A call."""
    return Group("(", tuple(parts), ")", function)


def flat(text: Text) -> str:
    """*text* on one line."""
    if isinstance(text, str):
        return text
    if isinstance(text, Labeled):
        return text.label + flat(text.part)
    inside = ", ".join(map(flat, text.parts))
    return f"{text.lead}{text.opening}{inside}{',' if text.lone and len(text.parts) == 1 else ''}{text.closing}"


def laid_out(text: Text, indent: int = 0, before: str = "", behind: str = "") -> str:
    """*text* at *indent*, with *before* in front of it on its line and *behind* at its end."""
    line = " " * indent + before + flat(text) + behind
    if len(line) <= WIDTH or isinstance(text, str):
        return line
    if isinstance(text, Labeled):
        return laid_out(text.part, indent, before + text.label, behind)
    if not text.parts:
        return line
    inside = "\n".join(laid_out(part, indent + 4, behind=",") for part in text.parts)
    margin = " " * indent
    return f"{margin}{before}{text.lead}{text.opening}\n{inside}\n{margin}{text.closing}{behind}"
