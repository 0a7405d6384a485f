"""What a shell offers behind ``begat run train.py``: the paths that the last run had, and values for them."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from begat.errors import BegatError

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

    from begat.render.table import Row


def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files first; behind a script, paths and their values."""
    from click.shell_completion import CompletionItem

    words = list(ctx.params.get(param.name or "") or ())
    module = ctx.params.get("module")
    if not words and module is None:
        return [CompletionItem(incomplete, type="file")]
    rows = _rows(f"-m {module}" if module is not None else words[0])
    path, equals, begun = incomplete.partition("=")
    if not equals:
        return [CompletionItem(f"{row.path}=", help=row.value) for row in rows if row.path.startswith(path)]
    row = next((row for row in rows if row.path == path), None)
    values = _values(row) if row is not None else []
    return [CompletionItem(f"{path}={value}") for value in values if value.startswith(begun)]


def _rows(script: str) -> list[Row]:
    from begat.cli.find import find, load
    from begat.render.table import rows
    from begat.replay.known import undone

    try:
        found = rows(undone(load(find(script if script.startswith("-m ") else os.path.abspath(script)))))
        return [row for row in found if row.source not in ("class", "factory", "function")]
    except (BegatError, OSError):
        return []


def _values(row: Row) -> list[str]:
    """What *row* could be, as far as its type says; what it is now."""
    known = re.findall(r"Literal\[(.*?)\]", row.type)
    options = [option.strip().strip("'\"") for group in known for option in group.split(",")]
    if row.type.startswith("bool") or row.data in (True, False):
        options += ["true", "false"]
    if "None" in row.type:
        options.append("none")
    now = row.data if isinstance(row.data, str) else row.value
    return list(dict.fromkeys([*options, now]))
