"""The import hook: classes are offered to whoever watches, as soon as they exist.

A finder asks the finders behind it, as the import system would, and leaves loaders what they are; only the code that a
loader hands out for execution has its class definitions woven, once. Modules whose loader executes them in a way of its own
(extension modules, pytest's rewritten ones) are swept when their import is over.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib._bootstrap_external import _LoaderBasics  # type: ignore[attr-defined]  # frozen, not in the stubs
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from begat.intercept.definitions import Noticer, weave_module
from begat.intercept.interceptor import trouble
from begat.introspect.targets import contents, is_class, module_of

if TYPE_CHECKING:
    from begat.intercept.watching import Watch

_IMPORT_SYSTEM: str = getattr(_LoaderBasics.exec_module, "__code__").co_filename  # noqa: B009  # typeshed has no function there


def is_ours(module: str) -> bool:
    """Whether *module* is begat's, which may lie below the script's folder: recording ourselves would have no end."""
    return module.partition(".")[0] == "begat"


class Finder:
    """The one entry of ours in ``sys.meta_path``, there as long as anything is watched."""

    def __init__(self) -> None:
        self.watches: list[Watch] = []
        self.arrivals: dict[str, Callable[[str], None]] = {}  # by module, who is told when it has been executed
        self._pending: list[str] = []
        self._finding = threading.local()

    def add(self, watching: Watch) -> None:
        """Watch, from now on and in what is loaded already."""
        self.watches = [*self.watches, watching]
        self._stand()
        for name, module in list(sys.modules.items()):
            if name != "__main__":
                self._sweep(name, module)

    def remove(self, watching: Watch) -> None:
        """Do not watch any more."""
        self.watches = [known for known in self.watches if known is not watching]
        self._stand()

    def tell(self, module: str, arrival: Callable[[str], None] | None) -> None:
        """Call *arrival* when *module* has been executed; None: nobody is told any more."""
        if arrival is not None:
            self.arrivals[module] = arrival
        else:
            self.arrivals.pop(module, None)
        self._stand()

    def _stand(self) -> None:
        needed = bool(self.watches or self.arrivals)
        if needed and sys.meta_path[:1] == [self]:
            return
        if self in sys.meta_path:  # behind one that came later
            sys.meta_path.remove(self)
        if needed:
            sys.meta_path.insert(0, self)

    # --- the import system asks -----------------------------------------------------------------------------------------
    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec that the finders behind us give, its code woven where it is watched."""
        if self._pending:
            self._sweep_pending()
        if sys.meta_path[0] is not self and self in sys.meta_path:
            # pytest puts itself before us, and would not ask. Who is being asked now goes on with the one behind us.
            sys.meta_path.remove(self)
            sys.meta_path.insert(0, self)
        if not self._wants(name, path) or name in self._found():
            return None
        self._found().add(name)
        try:
            spec = next(self._others(name, path, target), None)
        finally:
            self._found().discard(name)
        if spec is not None:
            try:
                self._attach(name, spec)
            except Exception as error:
                trouble(error, f"attaching to the import of {name}")
        return spec

    def _found(self) -> set[str]:
        finding: set[str] | None = getattr(self._finding, "names", None)
        if finding is None:
            finding = self._finding.names = set()
        return finding

    def _others(self, name: str, path: Any, target: Any) -> Iterator[ModuleSpec]:
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None) if finder is not self else None
            spec = find(name, path, target) if find is not None else None
            if spec is not None:
                yield spec

    def _wants(self, name: str, path: Sequence[str] | None) -> bool:
        if name in self.arrivals:
            return True
        if is_ours(name):
            return False
        for watching in self.watches:
            if watching.may_hold(name):
                return True
            # Only a look at the folders: most modules a script imports are not beside it.
            for folder in watching.folders:
                if path is None:
                    if os.path.exists(folder + name) or os.path.exists(f"{folder}{name}.py"):
                        return True
                    if os.path.isfile(folder.rstrip(os.sep)):  # an archive
                        return True
                elif any(os.path.realpath(entry).startswith(folder.rstrip(os.sep)) for entry in path):
                    return True
        return False

    def _attach(self, name: str, spec: ModuleSpec) -> None:
        loader = spec.loader
        file = os.path.realpath(spec.origin) if spec.has_location and spec.origin else ""
        if loader is None or not (
            name in self.arrivals or any(w.may_hold(name) or w.holds_file(file) for w in self.watches)
        ):
            return
        kind: Any = type(loader)
        if getattr(kind, "exec_module", None) is not _LoaderBasics.exec_module or not hasattr(loader, "__dict__"):
            self._pending.append(name)
            if type(spec) is ModuleSpec:
                spec.__class__ = _Arriving
            return
        plain = kind.get_code

        def get_code(fullname: str | None = None) -> CodeType | None:
            loader.__dict__.pop("get_code", None)  # for one execution: afterwards the loader is what it was
            code: CodeType | None = plain(loader, fullname) if fullname is not None else plain(loader)
            return self.woven(code, fullname or name, file) if code is not None else None

        # To pass for a part of the import system, whose frames are cut from the traceback of a file that does not compile.
        get_code.__code__ = get_code.__code__.replace(co_filename=_IMPORT_SYSTEM)
        loader.__dict__["get_code"] = get_code

    # --- classes arrive -------------------------------------------------------------------------------------------------
    def woven(self, code: CodeType, name: str, file: str) -> CodeType:
        """*code* of the module *name*, with its classes offered to the watches as they are defined."""

        def notice(cls: Any) -> None:
            try:
                self._offer(cls, name, file)
            except Exception as error:
                trouble(error, "looking at a new class")

        def done() -> None:
            try:
                # By the code's own name: the main program is executed as "__main__".
                self._sweep(name, sys.modules.get(name), file)
            except Exception as error:
                trouble(error, f"looking at the module {name}")

        try:
            return weave_module(code, Noticer(notice), done)
        except Exception as error:
            trouble(error, f"weaving the class definitions of {name}")
            return code

    def _offer(self, cls: Any, module: str, file: str) -> None:
        if is_class(cls):
            for watching in self.watches:
                watching.offer(cls, module, file)

    def _sweep_pending(self) -> None:
        waiting, self._pending = self._pending, []
        for name in waiting:
            module = sys.modules.get(name)
            spec = contents(name).get("__spec__")
            if module is None or getattr(spec, "_initializing", False):
                self._pending.append(name)
            else:
                self._sweep(name, module)

    def _sweep(self, name: str, module: Any, file: str = "") -> None:
        if is_ours(name) or (type(module) is not ModuleType and ModuleType not in type(module).__mro__):
            return
        found = contents(name)
        if not file:
            where = found.get("__file__")
            file = os.path.realpath(where) if isinstance(where, str) else ""
        if any(w.may_hold(name) or w.holds_file(file) for w in self.watches):
            for key, value in list[tuple[str, Any]](found.items()):
                if is_class(value):
                    # Defined here, or asked for by the very name under which it is found here.
                    here = module_of(value) == name
                    for watching in self.watches:
                        if here or f"{name}.{key}" in watching.patterns:
                            watching._matched.update({f"{name}.{key}"} & set(watching.patterns))
                            watching.offer(value, name if here else f"{name}.{key}", file)
        arrival = self.arrivals.get(name)
        if arrival is not None:
            arrival(name)


class _Arriving(ModuleSpec):
    """
    The spec of a module whose loader executes it in a way of its own, until that is over: the import system says so here.

    A loader that was wrapped would have a frame more in the tracebacks of modules that fail.
    """

    @property
    def _initializing(self) -> bool:
        return bool(self.__dict__.get("_initializing"))  # not set before the import system begins, if it ever does

    @_initializing.setter
    def _initializing(self, now: bool) -> None:
        self.__dict__["_initializing"] = now
        if not now:
            self.__class__ = ModuleSpec  # type: ignore[assignment]  # it has no slots
            try:
                FINDER._sweep_pending()
            except Exception as error:
                trouble(error, f"looking at the module {self.name}")


FINDER = Finder()


class Attached:
    """What is done to modules, loaded now or later, as long as somebody asks for it.

    *ways*, by module, change it when it has been executed, and return what puts it back, or None if they did nothing. They
    may fail with AttributeError or TypeError in a module that is half imported, or another version's: that one stays as it is.
    """

    def __init__(self, ways: Mapping[str, Callable[[Any], Callable[[], object] | None]]) -> None:
        self._ways = ways
        self._undo: dict[str, Callable[[], object]] = {}
        self.users = 0

    def watch(self) -> None:
        """One more asks for it."""
        self.users += 1
        if self.users == 1:
            for name in self._ways:
                self._arrived(name)
                FINDER.tell(name, self._arrived)

    def unwatch(self) -> None:
        """One less does: with the last, everything is put back."""
        self.users -= 1
        if self.users == 0:
            for name in self._ways:
                FINDER.tell(name, None)
            while self._undo:
                self._undo.popitem()[1]()

    def _arrived(self, name: str) -> None:
        # A module can arrive twice, and its submodules one by one: `torch.random` before `torch` is whole.
        module = sys.modules.get(name)
        if module is None or name in self._undo:
            return
        try:
            undo = self._ways[name](module)
        except (AttributeError, TypeError):
            return
        if undo is not None:
            self._undo[name] = undo
