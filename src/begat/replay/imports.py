"""The imports that generated code needs, and the names that it may use for variables."""

from __future__ import annotations

import builtins
import keyword
import sys
from collections.abc import Iterable

from begat.replay.layout import WIDTH, Group, laid_out

# What the text of generated code uses of Python's own: no variable may take these names.
USED = frozenset(["complex", "float", "frozenset", "range", "set", "slice", "type", "NotImplementedError"])


def is_variable(name: str) -> bool:
    """Whether *name* can be a variable of generated code as it stands."""
    return name.isidentifier() and not keyword.iskeyword(name) and bool(name.strip("_")) and name not in USED


class Imports:
    """
    The imports of generated code. *taken* are the names that are used for something else.

    *busy* are the files at whose top level the program built something: to import such a module builds it again.
    """

    def __init__(self, taken: set[str], main: str | None, busy: Iterable[str] = ()) -> None:
        self.taken = taken
        self.main = main
        self._busy = {f"/{file}".replace("\\", "/").replace("/__init__.py", ".py") for file in busy}
        self._names: dict[tuple[str, str], str] = {}
        self._modules: dict[str, str] = {}

    def name(self, target: str) -> str:
        """The text for the class or function *target*."""
        module, _, qualname = target.partition(":")
        if module == "builtins" and hasattr(builtins, qualname) and qualname not in self.taken:
            return qualname
        module = self.home(module)
        first, dot, rest = qualname.partition(".")
        known = self._names.get((module, first))
        if known is None:
            known = self._names[module, first] = self._free(first, module)
        return f"{known}{dot}{rest}"

    def home(self, module: str) -> str:
        """The name that *module* can be imported by."""
        return self.main if module == "__main__" and self.main else module

    def module(self, module: str) -> str:
        """The text for a *module* itself."""
        known = self._modules.get(module)
        if known is None:
            top = module.partition(".")[0]
            known = self._modules[module] = (
                module if top not in self.taken else self._free(module.replace(".", "_"), "module")
            )
            self.taken.add(top)
        return known

    def _free(self, name: str, module: str) -> str:
        last = module.rpartition(".")[2].strip("_")
        found, number = name, 1
        while found in self.taken or keyword.iskeyword(found):
            found, number = f"{last}_{name}" if number == 1 else f"{last}_{name}_{number}", number + 1
        self.taken.add(found)
        return found

    def lines(self) -> list[str]:
        """The import statements: Python's own, installed packages, the program's, each in order."""
        wanted: dict[str, list[str]] = {}
        for (module, first), known in sorted(self._names.items()):
            wanted.setdefault(module, []).append(first if first == known else f"{first} as {known}")
        busy = {module for module in (*self._modules, *wanted) if self._is_busy(module)}
        pause = (
            f"with {self.module('begat')}.paused():  # to import this runs it: what it builds is built below"
            if busy
            else ""
        )
        groups: tuple[list[str], list[str], list[str], list[str]] = ([], [], [], [pause])
        for module, known in sorted(self._modules.items()):
            one = f"import {module}" if known == module else f"import {module} as {known}"
            groups[3 if module in busy else self._group(module)].append(one)
        for module, imported in sorted(wanted.items()):
            one = f"from {module} import {', '.join(imported)}"
            parts = Group("(", tuple(imported), ")", f"from {module} import ")
            groups[3 if module in busy else self._group(module)].append(one if len(one) <= WIDTH else laid_out(parts))
        groups[3][1:] = [f"    {line}" for text in groups[3][1:] for line in text.split("\n")]
        return [line for group in groups if any(group) for line in (*group, "")]

    def _is_busy(self, module: str) -> bool:
        end = f"/{module.replace('.', '/')}.py"
        return any(file.endswith(end) for file in self._busy)

    def _group(self, module: str) -> int:
        top = module.partition(".")[0]
        return 2 if module == self.main or top == "__main__" else 0 if top in sys.stdlib_module_names else 1
