"""What a run says of itself and of what it ran in: seeds, versions, git, words of the command line, how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from begat.record.canonical import canonical
from begat.record.checkout import below, roots
from begat.record.model import ABSENT
from begat.record.plain import nameless
from begat.replay.changes import Change

if TYPE_CHECKING:
    from begat.record.graph import Run


def changes(before: Run, after: Run) -> Iterator[Change]:
    """What differs around the nodes; what never is the same (times, the process) is folded."""
    yield from _ended(before, after)
    yield from _mapping("seed", before.environment.seeds, after.environment.seeds, "the program was seeded otherwise")
    yield from _words(before, after)
    yield from versions(before, after)
    yield from _marks(before, after)
    yield from _noise(before, after)


def versions(before: Run, after: Run) -> Iterator[Change]:
    """Packages, Python, system and git."""
    yield from _packages(before, after)
    yield from _machine(before, after)
    yield from _git(before, after)


def _ended(before: Run, after: Run) -> Iterator[Change]:
    mine, theirs = ((run.header.outcome, run.header.error, run.header.exit_code) for run in (before, after))
    if mine != theirs:
        old, new = (f"{outcome}: {error}" if error else outcome for outcome, error, _ in (mine, theirs))
        why = "the run ended otherwise" if old != new else f"exit code {mine[2]} → {theirs[2]}"
        yield Change("outcome", "", before=old, after=new, cause="run", why=why)


def _mapping(kind: str, mine: dict[str, object], theirs: dict[str, object], why: str) -> Iterator[Change]:
    for name in {**mine, **theirs}:
        old, new = mine.get(name, ABSENT), theirs.get(name, ABSENT)
        if old is ABSENT or new is ABSENT or canonical(old, nameless) != canonical(new, nameless):
            yield Change(kind, "", name, old, new, kind, why)  # type: ignore[arg-type]  # a kind


def _words(before: Run, after: Run) -> Iterator[Change]:
    """The first word is the script, whose place says nothing."""
    mine, theirs = ([below(word, roots(run)) for word in run.header.argv[1:]] for run in (before, after))
    if mine != theirs:
        yield Change("argv", "", before=mine, after=theirs, cause="argv", why="other words on the command line")


def _packages(before: Run, after: Run) -> Iterator[Change]:
    mine, theirs = before.environment.packages, after.environment.packages
    for name in sorted(mine.keys() & theirs.keys()):
        if mine[name] != theirs[name]:
            yield Change("package", "", name, mine[name], theirs[name], "library", "another version")
    others = sorted(mine.keys() ^ theirs.keys())
    for name in others:
        yield Change(
            "package",
            "",
            name,
            mine.get(name, ABSENT),
            theirs.get(name, ABSENT),
            "library",
            "imported in one run only",
            folded=True,
        )


def _machine(before: Run, after: Run) -> Iterator[Change]:
    mine, theirs = before.environment, after.environment
    old, new = (f"{env.implementation} {env.python}".strip() for env in (mine, theirs))
    if old != new:
        yield Change("python", "", before=old, after=new, cause="python", why="another Python")
    if mine.platform != theirs.platform:
        # Linux-5.15.0-91-generic-x86_64-with-glibc2.35: the version of the kernel is no news.
        kinds = [{"".join(filter(str.isalpha, word)) for word in env.platform.split("-")} for env in (mine, theirs)]
        same = mine.platform.partition("-")[0] == theirs.platform.partition("-")[0] and _chips(kinds[0]) == _chips(
            kinds[1]
        )
        yield Change(
            "platform", "", before=mine.platform, after=theirs.platform, cause="platform",
            why="another build of the same system" if same else "another system", folded=same,
        )  # fmt: skip


def _chips(words: set[str]) -> set[str]:
    return {word for word in words if word in {"x", "aarch", "arm", "AMD", "ppcle", "i", "riscv"}}


def _git(before: Run, after: Run) -> Iterator[Change]:
    mine, theirs = before.environment.git, after.environment.git
    if mine == theirs:
        return
    unknown = mine is None or theirs is None  # no git, or no repository: that says nothing about the code
    mine, theirs = mine or {}, theirs or {}
    for fact, why in (("commit", "another commit"), ("dirty", "changes that were not committed")):
        old, new = mine.get(fact, ABSENT), theirs.get(fact, ABSENT)
        if old != new:
            yield Change("git", "", fact, old, new, "git", why, folded=unknown)
    if mine.get("branch") != theirs.get("branch"):
        old, new = mine.get("branch", ABSENT), theirs.get("branch", ABSENT)
        yield Change(
            "git",
            "",
            "branch",
            old,
            new,
            "git",
            "another branch",
            folded=unknown or mine.get("commit") == theirs.get("commit"),
        )


def _marks(before: Run, after: Run) -> Iterator[Change]:
    """What a record does not hold cannot be compared."""
    mine, theirs = before.header.marks, after.header.marks
    for mark in dict.fromkeys((*mine, *theirs)):
        if (mark in mine) != (mark in theirs):
            old, new = (mark if mark in marks else ABSENT for marks in (mine, theirs))
            yield Change(
                "lacking", "", before=old, after=new, cause="record", why="one of the records does not hold everything"
            )


_NOISE = ("name", "started", "ended", "id", "script")


def _noise(before: Run, after: Run) -> Iterator[Change]:
    for fact in _NOISE:
        old, new = getattr(before.header, fact), getattr(after.header, fact)
        if fact == "script":
            old, new = (below(path, roots(run)) if path else path for path, run in ((old, before), (new, after)))
        if old != new:
            yield Change("run", "", fact, old, new, "run", "no two runs share it", folded=True)
    for fact in ("host", "user", "cwd"):
        old, new = getattr(before.environment, fact), getattr(after.environment, fact)
        if old != new:
            yield Change("run", "", fact, old, new, "run", "it says where the run was, not what it did", folded=True)
    mine, theirs = ({node.process.pid for node in run.nodes if node.process is not None} for run in (before, after))
    if mine != theirs:
        yield Change("run", "", "process", sorted(mine), sorted(theirs), "run", "no two runs share it", folded=True)
