"""What touching does is what docs/reference/laziness.md says: every row of its tables is run."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest

import begat

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "laziness.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
DIFFERENT = "Where the answer is another one"
BUILT = {
    "Without special methods": ("Plain(3)", "begat.lazy(Plain)(3)", "begat.lazy(make_plain)(3)"),
    "Dataclasses": ("Point(3)", "begat.lazy(Point)(3)", "begat.lazy(make_point)(3)"),
}
NET = ("Net(3)", "ghost(3)", "proxy(3)")


def rows(section: str) -> list[list[str]]:
    """The cells of the tables of *section*, without the heads."""
    lines = re.findall(r"^\| (`.+) \|$", SECTIONS[section], re.MULTILINE)
    return [[cell.strip() for cell in line.split(" | ")] for line in lines]


def cases() -> list[Any]:
    """Section, operation, what is built at once, how that is made to wait, and what the page says."""
    found = []
    for section in SECTIONS:
        marks = [pytest.mark.heavy] if section == "torch" else []
        for cells in rows(section):
            if section == DIFFERENT:
                plain, operation, *said = cells[:4]
                made = next(names for names in (NET, *BUILT.values()) if names[0] == plain.strip("`"))[1:]
            elif "| stands for |" in SECTIONS[section]:
                plain, operation, *said = cells
                made = (f"stands_for({plain.strip('`')})",)
            else:
                operation, *said = cells
                plain, *made = BUILT.get(section, NET)
            for how, word in zip(made, said, strict=True):
                values = (section, operation.strip("`"), plain.strip("`"), how, word)
                found.append(pytest.param(*values, id=f"{how}: {operation.strip('`')}", marks=marks))
    return found


@pytest.fixture
def space():
    """What the page defines, in a module of its own."""
    module = types.ModuleType("laziness_page")
    sys.modules[module.__name__] = module
    for block in re.findall(r"^```python[^\n]*\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        exec(block, module.__dict__)
    yield module.__dict__
    del sys.modules[module.__name__]


def outcome(operation: str, made: str, space: dict[str, Any]) -> tuple[str, str]:
    """Whether *made* still waits after *operation*, and what came of that."""
    space["x"] = eval(made, space)
    try:
        found = shown(eval(operation, space))
    except Exception as error:
        found = type(error).__name__
    return "waits" if begat.is_lazy(space["x"]) else "builds", " ".join(found.split())


def shown(result: object) -> str:
    if type(result) is list:
        return f"[{', '.join(map(shown, result))}]"
    return repr(begat.materialize(result))


@pytest.mark.parametrize(("section", "operation", "plain", "made", "said"), cases())
def test_a_touch_does_what_the_page_says(section, operation, plain, made, said, space):
    """It builds or waits, and results in, what stands there; which is what an object built at once gives."""
    for module in ("numpy", "orjson", "torch"):
        if re.search(rf"\b{module}\b", f"{operation} {plain}"):
            space[module] = pytest.importorskip(module)
    begin, result = outcome(operation, made, space)
    eager = outcome(operation, plain, space)[1]

    expected, _, text = said.partition(", ")
    assert begin == expected
    assert re.fullmatch(re.escape(text.strip("`")).replace("…", ".*"), result)
    if section == DIFFERENT:
        return
    assert result == eager or text.endswith("Error"), "a wrong value"


def test_what_differs_is_said():
    """The last column of the rows that differ is what an object built at once gives."""
    assert len(cases()) > 200
    assert len(rows(DIFFERENT)) == 9
