"""The documents tell the truth: their examples run, what they link to exists, and nothing public goes unmentioned."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import begat
import documents

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def named(document: Path) -> str:
    return str(document.relative_to(ROOT))


def executable(document: Path, *, heavy: bool) -> bool:
    found = [block for block in documents.blocks(document.read_text(encoding="utf-8")) if block.runs]
    return any(block.heavy for block in found) if heavy else any(not block.heavy for block in found)


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    """An environment in which ``begat`` and ``python`` are those of this interpreter, wherever they are installed."""
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, words in {"begat": f"{sys.executable} -m begat", "python": sys.executable}.items():
        command = commands / name
        command.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
        command.chmod(command.stat().st_mode | stat.S_IXUSR)
    source = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": source}


def run_examples(document: Path, folder: Path, environment: dict[str, str], *options: str) -> None:
    work = folder / "work"
    work.mkdir()
    command = [sys.executable, str(ROOT / "tests" / "documents.py"), str(document), *options]
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("document", [d for d in DOCUMENTS if executable(d, heavy=False)], ids=named)
def test_examples_run(document, tmp_path, environment):
    """Every example runs as it stands, and prints what the document shows."""
    run_examples(document, tmp_path, environment)


@pytest.mark.heavy
@pytest.mark.parametrize("document", [d for d in DOCUMENTS if executable(d, heavy=True)], ids=named)
def test_heavy_examples_run(document, tmp_path, environment):
    """Every example that needs torch runs too."""
    run_examples(document, tmp_path, environment, "--heavy")


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_links_lead_somewhere(document):
    """A relative link leads to a file of the repository, and its anchor to a heading there."""
    text = document.read_text(encoding="utf-8")

    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), f"{link} leads nowhere"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in anchors, f"{link}: no such heading"


def test_every_public_name_is_in_the_reference():
    """Whatever `begat` exports has a heading in docs/reference/api.md."""
    text = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    headings = " ".join(re.findall(r"^#+ (.+)$", text, re.MULTILINE))

    missing = [name for name in begat.__all__ if not re.search(rf"`begat\.{name}\b", headings)]

    assert missing == []


def test_every_option_is_in_the_reference():
    """Whatever `begat VERB` accepts is in docs/reference/cli.md, under the verb."""
    import click

    from begat.cli.main import VERBS, command

    text = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    parts = re.split(r"^## `begat (\w+)", text, flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))

    for verb in VERBS:
        assert verb in sections, f"no section for begat {verb}"
        for option in command.get_command(click.Context(command), verb).params:
            for spelling in option.opts:
                assert not spelling.startswith("--") or f"`{spelling}" in sections[verb], f"begat {verb} {spelling}"


def test_every_error_code_is_in_the_reference():
    """Every error with a code of its own is listed by that code in docs/reference/api.md."""
    from begat import errors

    text = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    codes = {error.code for error in vars(errors).values() if isinstance(error, type) and hasattr(error, "code")}

    assert [code for code in sorted(codes - {"begat-0"}) if f"`{code}`" not in text] == []
