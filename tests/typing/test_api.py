"""Type checkers see tracked classes unchanged, with no plugin."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

API = Path(__file__).with_name("api.py")
ROOT = Path(__file__).parents[2]


def expected() -> set[int]:
    lines = API.read_text(encoding="utf-8").splitlines()
    return {number for number, line in enumerate(lines, 1) if "  # error: " in line}


def run(*command: str) -> str:
    environment = {**os.environ, "MYPYPATH": str(ROOT / "src"), "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment).stdout


def test_mypy_sees_classes_unchanged():
    """mypy refuses exactly the lines of api.py marked so, and nothing else in it."""
    output = run(
        sys.executable, "-m", "mypy", "--no-pretty", "--no-warn-unreachable", "--follow-imports=silent", str(API)
    )

    found = {int(line) for line in re.findall(r"api\.py:(\d+): error:", output)}

    assert found == expected(), output


def test_pyright_sees_classes_unchanged():
    """pyright refuses exactly the lines of api.py marked so, and nothing else in it."""
    output = run(sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, str(API))

    errors = [item for item in json.loads(output)["generalDiagnostics"] if item["severity"] == "error"]

    assert {item["range"]["start"]["line"] + 1 for item in errors} == expected(), errors
