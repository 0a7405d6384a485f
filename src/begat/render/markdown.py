"""What differs between runs, as Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from begat.record.names import called, counted
from begat.record.plain import escaped
from begat.render.compare import LIMIT, Told, also, cell, cells, folded, sections
from begat.replay.changes import Diff
from begat.replay.words import Words


def markdown(diff: Diff) -> Iterator[str]:
    """The changes as a table for a pull request."""
    words = Words(diff)
    names = [_cut(run.name or run.id) for run in diff.runs]
    yield f"**{' → '.join(names)}**: " + (counted(len(diff), "change") if diff else "the same configuration")
    if len(diff.runs) > 2:
        yield from _marked(("parameter", *names), ((_code(name), *map(_code, values)) for name, *values in cells(diff)))
        return
    if diff.changes:
        rows = (_marks(entry, words) for _, told in sections(diff, words) for entry in told)
        yield from _marked(("", "before", "after", "why"), rows)
    if diff.results:
        yield from _marked(
            ("result", "before", "after"),
            (
                (_code(escaped(row.place)), *(_code(cell(v, diff.runs[0], LIMIT)) for v in row.values))
                for row in diff.results
            ),
        )
    hidden = list(folded(diff, words, False))
    if hidden:
        yield ""
        yield f"<sub>{_cut(hidden[-1].replace(' (--all shows them)', ''))}</sub>"


def _marks(entry: Told, words: Words) -> tuple[str, ...]:
    change = entry.change
    place = words.label(change)
    before, after = words.before(change, LIMIT), words.after(change, LIMIT)
    if change.kind in ("added", "removed"):
        made = called(change.target or "a run") + (f" with {change.count - 1:,} inside" if change.count > 1 else "")
        before, after = ("", made) if change.kind == "added" else (made, "")
    return f"{_code(place)}{_cut(also(entry))}", _code(before), _code(after), _cut(change.why)


def _marked(head: Iterable[str], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    names = tuple(head)
    yield ""
    yield f"| {' | '.join(names)} |"
    yield f"|{' --- |' * len(names)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _code(value: str) -> str:
    # In a code span entities are no entities: nothing but its end, and that of the cell, has to be kept out.
    safe = value.replace("`", "'").replace("|", "\\|")
    return f"`{safe}`" if value and value != "(none)" else ""


def _cut(value: str) -> str:
    """*value* so that Markdown and HTML find nothing in it to obey."""
    safe = escaped(value)
    for letter, other in (
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ("|", "\\|"),
        ("`", "'"),
        ("[", "\\["),
        ("@", "&#64;"),
    ):
        safe = safe.replace(letter, other)
    return safe
