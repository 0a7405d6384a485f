"""The house: imports go down or stay in the chapter, and each outside library comes in by one door."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "begat"
FLOORS = {
    "errors": 0, "record": 1, "introspect": 2, "intercept": 3, "lazy": 3, "replay": 3, "capture": 4,
    "render": 5, "sweep": 5, "cli": 6, "testing": 6,
}  # fmt: skip
MODULES = sorted(path.relative_to(SOURCE).with_suffix("") for path in SOURCE.rglob("*.py"))

# Library → the only places that may import it. A folder stands for everything in it.
DOORS = {
    "orjson": {"record/engine"},
    "pydantic": {"record/schema", "replay/validate"},
    "click": {"cli"},
    "rich": {"cli", "render"},
    "wrapt": {"lazy/proxy"},
    "yaml": {"replay/sources"},
    "optuna": {"sweep/study"},
    "distributed": {"sweep/dask"},
    "ray": {"sweep/ray"},
}


def imports(module: Path) -> list[tuple[str, int]]:
    """Every module that *module* imports anywhere in its text, functions and type checks included, with the line."""
    tree = ast.parse((SOURCE / module).with_suffix(".py").read_text(encoding="utf-8"))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: imports are absolute"
            found += [(f"{node.module}.{alias.name}", node.lineno) for alias in node.names]
    return found


def floor(module: Path) -> int:
    """The face, ``begat/__init__``, stands above the floors that it shows; no chapter imports it."""
    return FLOORS.get(module.parts[0], max(FLOORS.values()) + 1)


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_go_down_or_stay_in_the_chapter(module):
    """A module imports from lower floors and from its own chapter only, inside functions too."""
    chapter = module.parts[0]

    for name, line in imports(module):
        parts = name.split(".")
        if parts[0] != "begat":
            continue
        target = parts[1] if len(parts) > 1 else "__init__"
        assert target in FLOORS or chapter == "__init__", f"{module}:{line}: {name}: import the chapter, not the face"
        below = FLOORS.get(target, 0) < floor(module)
        assert below or target == chapter, f"{module}:{line}: {name} is not below {chapter}"


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_each_library_comes_in_by_its_door(module):
    """A library of `DOORS` is imported only where that says so."""
    places = {str(module), module.parts[0]}

    for name, line in imports(module):
        door = DOORS.get(name.split(".")[0])
        assert door is None or door & places, f"{module}:{line}: {name} comes in by {sorted(door)}"


def test_every_chapter_has_a_floor():
    """A new folder or module at the top is given a floor before it is given code."""
    top = {module.parts[0] for module in MODULES} - {"__init__", "__main__"}

    assert top <= set(FLOORS)


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_no_file_outgrows_the_reader(module):
    """No file is longer than 400 lines."""
    text = (SOURCE / module).with_suffix(".py").read_text(encoding="utf-8")

    assert text.count("\n") <= 400


def test_the_page_on_the_architecture_names_what_there_is():
    """Every file that it names exists."""
    text = (SOURCE.parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    known = {str(module) for module in MODULES} | {module.name for module in MODULES}
    named = set(re.findall(r"`([a-z_/]+)\.py`", text)) - {"begat/__init__"}
    for chapter, table in re.findall(r"^\| In `(\w+)/` \|.*\n((?:\|.*\n)+)", text, re.MULTILINE):
        named |= {f"{chapter}/{name}" for name in re.findall(r"`(\w+)`", table)}

    assert {name for name in named if name not in known and not (SOURCE.parents[1] / f"{name}.py").exists()} == set()
    assert len(named) > 80
