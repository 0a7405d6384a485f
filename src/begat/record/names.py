"""What people call a target: ``Encoder`` for ``"mylib.nets:Outer.Encoder"``; and how they count."""

from __future__ import annotations

from functools import lru_cache


def short(target: str) -> str:
    """The last name: ``Encoder`` of ``"mylib.nets:Outer.Encoder"``."""
    return target.rpartition(":")[2].rpartition(".")[2]


def called(target: str) -> str:
    """The name people call a target by: ``Encoder``, but ``AutoModel.from_pretrained`` for a method."""
    names = class_name(target).split(".")
    return ".".join(names[-2:]) if len(names) > 1 and not names[-1][:1].isupper() else names[-1]


def counted(number: int, thing: str, things: str = "") -> str:
    """``1 node``, ``2,300 nodes``; *things* where an ``s`` at the end of *thing* will not do."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


@lru_cache(maxsize=4096)
def class_name(target: str) -> str:
    """The whole name as seen from its module or function: ``Outer.Net`` of ``"mylib:make.<locals>.Outer.Net"``."""
    return target.rpartition(":")[2].rpartition("<locals>.")[2]


def names_of(target: str) -> tuple[str, ...]:
    """The names by which the class or function *target* can be meant, the shortest first: ``Net``, ``mylib.Net``."""
    full = target.replace(":", ".").replace(".<locals>", "")
    return tuple(dict.fromkeys((short(target), class_name(target), full)))
