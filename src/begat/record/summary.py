"""What a run says of itself in few words, for who waits for it: its id, how it ended, its results."""

from __future__ import annotations

from typing import Any

from begat.record.graph import Run
from begat.record.plain import plain


def summary(run: Run) -> dict[str, Any]:
    """
    JSON-ready: id, name, outcome, error, exit code, and the results of *run* and of the scopes within it.

    Where several have a result of one name, the outer one's counts, and of scopes side by side the last one's.
    """
    results: dict[str, Any] = {}
    open_ = [run]
    while open_:
        current = open_.pop()
        for name, value in current.header.result.items():
            results.setdefault(name, plain(value))
        open_ += current.children
    header = run.header
    return {
        "id": header.id,
        "name": header.name,
        "outcome": header.outcome,
        "error": header.error,
        "exit_code": header.exit_code,
        "result": results,
    }
