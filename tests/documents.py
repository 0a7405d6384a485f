"""Run the examples of one document: ``python documents.py FILE [--heavy]`` in the folder where they may leave files.

What a fence means:

- any language with ``file=NAME``: a file; it is written, not run.
- ``python``: run, all blocks of a document in one namespace. ``python heavy`` needs torch and runs with ``--heavy`` only.
- ``pycon``: run as doctests in the same namespace; ``...`` in the output stands for anything.
- ``console``: if its first command is ``begat``, run by the shell; output that is shown has to be what is printed.
  The commands of ``console fails`` end with another exit code than 0.
"""

from __future__ import annotations

import doctest
import linecache
import os
import re
import subprocess
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LOOSE = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, the words behind it, its text, and the line of its first line of text."""

    language: str
    words: tuple[str, ...]
    text: str
    line: int

    @property
    def heavy(self) -> bool:
        return "heavy" in self.words

    @property
    def file(self) -> str | None:
        return next((word.removeprefix("file=") for word in self.words if word.startswith("file=")), None)

    @property
    def runs(self) -> bool:
        """Whether the block is executed (or, being a file, needed by one that is)."""
        return (
            self.file is not None
            or self.language in ("python", "pycon")
            or (self.language == "console" and self.text.startswith("$ begat"))
        )


def blocks(text: str) -> Iterator[Block]:
    for found in FENCE.finditer(text):
        language, words, body = found.groups()
        yield Block(language, tuple(words.split()), body, text.count("\n", 0, found.start()) + 2)


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Each command of a console block with the output shown below it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def run_python(block: Block, name: str, space: dict[str, object]) -> str | None:
    linecache.cache[name] = (len(block.text), None, block.text.splitlines(keepends=True), name)
    try:
        exec(compile(block.text, name, "exec"), space)
    except BaseException:
        return traceback.format_exc()
    return None


def run_pycon(block: Block, name: str, space: dict[str, object]) -> str | None:
    problems: list[str] = []
    test = doctest.DocTestParser().get_doctest(block.text, {}, name, name, 0)
    test.globs = space
    doctest.DocTestRunner(verbose=False, optionflags=LOOSE).run(test, out=problems.append, clear_globs=False)
    return "".join(problems) or None


def run_console(block: Block) -> str | None:
    for command, wanted in commands(block.text):
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
        got = done.stdout + done.stderr
        if bool(done.returncode) is not ("fails" in block.words):
            return f"$ {command}\nexit code {done.returncode}\n{got}"
        if wanted.strip() and not doctest.OutputChecker().check_output(wanted, got, LOOSE):
            return f"$ {command}\nshown:\n{wanted}\nprinted:\n{got}"
    return None


def run(document: Path, *, heavy: bool) -> int:
    space: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(document.read_text(encoding="utf-8")):
        if not block.runs or (block.heavy and not heavy):
            continue
        name = f"{document.name}:{block.line}"
        if block.file:
            Path(block.file).parent.mkdir(parents=True, exist_ok=True)
            Path(block.file).write_text(block.text, encoding="utf-8")
            problem = None
        elif block.language == "console":
            problem = run_console(block)
        else:
            problem = (run_python if block.language == "python" else run_pycon)(block, name, space)
        if problem:
            print(f"{document}:{block.line}\n{problem}")
            return 1
    return 0


if __name__ == "__main__":
    os.environ.update(COLUMNS="110", NO_COLOR="1")
    sys.path.insert(0, os.getcwd())  # as at a prompt: a document may import the files that it writes
    sys.exit(run(Path(sys.argv[1]), heavy="--heavy" in sys.argv))
