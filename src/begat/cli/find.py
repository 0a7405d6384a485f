"""From what people type for a run to the file of its record: a path, an id, the beginning of one, a name, ``last``, a script."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from begat.errors import InvalidRecord, UnknownRun
from begat.record import limits

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from begat.record.graph import Run

RECORD, JOURNALS = "run.json", "journal"
_LISTED = 8


def home(start: str | os.PathLike[str] | None = None) -> Path:
    """
    The ``.begat`` folder that is meant at *start* (the current folder): there, or in the nearest folder above.

    The environment variable ``BEGAT_HOME`` names another. If there is none yet, the one that would be made.
    """
    chosen = os.environ.get("BEGAT_HOME")
    if chosen:
        return Path(chosen).expanduser()
    try:
        here = Path(start or os.curdir).absolute()
    except OSError:  # the present folder was deleted
        here = Path(os.curdir)
    for folder in (here, *here.parents):
        if (folder / ".begat").is_dir():
            return folder / ".begat"
    return here / ".begat"


def ids(folder: Path) -> list[str]:
    """The ids of the runs kept in the ``.begat`` folder, newest first."""
    try:
        names = os.listdir(folder / "runs")
    except OSError:
        return []
    return sorted((name for name in names if _is_run(folder / "runs" / name)), reverse=True)


def _is_run(folder: Path) -> bool:
    """Whether there is a record in *folder*, or a run that has none yet, or never will."""
    return (folder / RECORD).is_file() or next((folder / JOURNALS).glob("*.jsonl"), None) is not None


def find(said: str, start: str | os.PathLike[str] | None = None) -> Path:
    """
    The record that *said* means; see the module's first line.

    Raises UnknownRun if there is none, or several.
    """
    path = Path(said).expanduser()
    if said.startswith("-m "):
        return _of_module(said, home(start))
    if said.endswith(".py"):
        return _of_script(path, home(start))
    if path.is_file() or (path.name and path.with_name(f"{path.name}.{JOURNALS}").is_dir()):
        return path
    if path.is_dir() and _is_run(path):
        return path / RECORD
    if os.sep in said or (os.altsep and os.altsep in said):
        raise UnknownRun(f"there is no record at {said!r}")
    return _by_id(said, home(start))


def _by_id(said: str, folder: Path) -> Path:
    known = ids(folder)
    if not known:
        raise UnknownRun(f"no run {said!r}: {folder} holds none yet; make one with `begat run train.py`")
    if said == "last":
        return folder / "runs" / known[0] / RECORD
    meant = [said] if said in known else [name for name in known if said and name.startswith(said)]
    if len(meant) == 1:
        return folder / "runs" / meant[0] / RECORD
    if not meant:
        named = next((str(head["id"]) for head in heads(folder) if head.get("name") == said), None)
        if named is not None:
            return folder / "runs" / named / RECORD
    listed = meant or known
    more = f" and {len(listed) - _LISTED} more" if len(listed) > _LISTED else ""
    names = ", ".join(listed[:_LISTED]) + more
    if meant:
        raise UnknownRun(f"{said!r} begins the ids of {len(meant)} runs: {names}")
    raise UnknownRun(f"no run {said!r} in {folder}; there are {names}; `last` means the newest")


def heads(folder: Path, *, over: bool = False) -> Iterator[dict[str, Any]]:
    """What the runs in the ``.begat`` folder say of themselves, as it stands in their records, newest first; only of those that are *over*."""
    for name in ids(folder):
        try:
            head = _head(folder / "runs" / name / RECORD) | {"id": name}
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue  # no record
        if not over or head.get("ended") is not None:
            yield head


def _head(record: Path) -> dict[str, Any]:
    """Read without the rest, which may be long."""
    if not record.exists():
        from begat.capture.merging import brief
        from begat.record.writing import header

        return header(brief(record.parent / JOURNALS).header, [])
    import json

    with record.open("rb") as file:
        start = file.read(65536)
        try:
            begin = start.index(b'"run":') + len(b'"run":')
            found, _ = json.JSONDecoder().raw_decode(start[begin:].decode("utf-8", "replace").lstrip())
        except ValueError:  # longer, or written by another hand
            found = json.loads(start + file.read(limits.TEXT))["run"]
    if type(found) is not dict:
        raise ValueError("no header")
    return found


def last_finished(said: str) -> Run | None:
    """
    The newest run of the script, or ``-m`` and module, *said* that ended well, or None.

    One without overrides, if there is one: it says what the program does by itself.
    """
    folder = home()
    name = os.path.basename(said)
    known = [
        head
        for head in heads(folder, over=True)
        if head.get("outcome") == "finished" and os.path.basename(str(head.get("script"))) == name
    ]
    for head in sorted(known, key=lambda head: bool(head.get("overrides"))):
        run = _own(folder / "runs" / str(head["id"]) / RECORD)
        if run is None:
            continue
        if run.header.script == said or (not said.startswith("-m ") and _script(run) == os.path.realpath(said)):
            return run
    return None


def _own(record: Path) -> Run | None:
    """The run in the file *record*, which begat wrote; to check its shape would take longer than the rest of a short run."""
    from begat.record import codec

    try:
        return load(record) if (record.parent / JOURNALS).is_dir() else codec.load(record, own=True)
    except Exception:  # it did not, and the shape is wrong
        return None


def _of_script(script: Path, folder: Path) -> Path:
    """The newest run of *script*."""
    wanted = os.path.realpath(script)
    told = script.name.encode() if script.name.isascii() else b""
    for name in ids(folder):
        record = folder / "runs" / name / RECORD
        try:
            if _ran(record, told) == wanted:
                return record
        except (OSError, InvalidRecord):
            continue
    raise _not_run(str(script), folder, str(script))


def _ran(record: Path, told: bytes) -> str | None:
    """The script that the run in *record* ran, if *told* is in that: reading one whole is slow."""
    if not record.exists():
        from begat.capture.merging import brief

        return _script(brief(record.parent / JOURNALS))
    return _script(load(record)) if told in _bytes(record) else None


def _bytes(record: Path) -> bytes:
    with record.open("rb") as file:
        return file.read(limits.BYTES)


def _of_module(said: str, folder: Path) -> Path:
    """The newest run of a module, which headers call ``-m pkg.train``."""
    found = next((head for head in heads(folder) if head.get("script") == said), None)
    if found is None:
        raise _not_run(said[3:], folder, said)
    return folder / "runs" / str(found["id"]) / RECORD


def _not_run(name: str, folder: Path, said: str) -> UnknownRun:
    known = [script for head in heads(folder) if type(script := head.get("script")) is str]
    listed = list(dict.fromkeys(known))[:_LISTED]
    others = f"; there are runs of {', '.join(listed)}" if listed else ""
    return UnknownRun(
        f"{name} has not been run yet as far as {folder} knows; run it once with `begat run {said}`{others}"
    )


def _script(run: Run) -> str | None:
    script = run.header.script
    return None if script is None else os.path.realpath(os.path.join(run.environment.cwd, script))


def load(record: Path) -> Run:
    """The run in the file *record*."""
    from begat.capture.merging import load as read

    return read(record)


class RunType(click.ParamType[Path]):
    """A click parameter: what people type for a run, turned into the path of its record; completes ids."""

    name = "run"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The record's path."""
        return value if isinstance(value, Path) else find(str(value))

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Ids, newest first, ``last``, and whatever the shell knows of files."""
        from click.shell_completion import CompletionItem

        names = [name for name in _completions() if name.startswith(incomplete)]
        return [CompletionItem(name) for name in names] or [CompletionItem(incomplete, type="file")]


def _completions() -> Iterator[str]:
    known = ids(home())
    if known:
        yield "last"
    yield from known
