"""Classes and functions as their source says they are, read without importing anything.

A module is looked for as a file in the folders of ``sys.path``: no finder, hook or parent package runs, so what only those
can find (zip files, editable installs by hook, extension modules) is not found here, and `Unread` says so.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES

_LARGEST = 4_000_000  # bytes of a source file
_HOPS = 8  # imports, or base classes, that are followed


class Unread(Exception):
    """The source does not tell, for the reason given."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: *default* is its value if the source has it as a constant; *text* as it is written."""

    name: str
    kind: str  # "positional", "keyword", "*" or "**"
    required: bool = False
    text: str | None = None
    constant: bool = False
    default: object = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a target is today: where, and its parameters; None where these cannot be read."""

    target: str
    file: str
    line: int
    kind: str
    parameters: tuple[Parameter, ...] | None = None
    reason: str = ""


class Sources:
    """The modules below *folders*, ``sys.path`` by default, each read once."""

    def __init__(self, folders: Sequence[str] | None = None) -> None:
        self._folders = [folder or os.curdir for folder in (sys.path if folders is None else folders)]
        self._trees: dict[str, tuple[str, ast.Module]] = {}

    def find(self, target: str) -> Found | None:
        """
        The class or function ``"module:qualname"`` as its source has it now; None if the module is there and it is not.

        Raises Unread, with the reason, where the source cannot be had.
        """
        module, _, qualname = target.partition(":")
        for hop in range(_HOPS):
            file, tree = self._tree(module)
            found = _definition(tree.body, qualname.split("."))
            if isinstance(found, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                return self._told(f"{module}:{qualname}", file, module, found, qualname)
            source = _imported(tree, module, _is_package(file), qualname.partition(".")[0])
            if source is None:
                if hop or _is_dynamic(tree, qualname.partition(".")[0]):
                    raise Unread(f"{target} is not made by a plain class or def, or comes from a module made by code")
                return None
            module, name = source
            qualname = ".".join((name, *qualname.split(".")[1:]))
        raise Unread(f"{target} is imported from module to module")

    def near(self, target: str) -> str | None:
        """Another module of the same package that defines what *target* names, if one is found soon."""
        module, _, qualname = target.partition(":")
        package, name = module.partition(".")[0], qualname.partition(".")[0]
        needles = [f"{keyword} {name}".encode() for keyword in ("class", "def")]
        for file, dotted in self._files(package):
            if dotted == module:
                continue
            try:
                with open(file, "rb") as source:
                    text = source.read(_LARGEST)
                if any(needle in text for needle in needles) and _definition(ast.parse(text).body, qualname.split(".")):
                    return f"{dotted}:{qualname}"
            except (OSError, SyntaxError, ValueError, RecursionError):
                continue
        return None

    # --- files --------------------------------------------------------------------------------------------------------
    def _tree(self, module: str) -> tuple[str, ast.Module]:
        if module not in self._trees:
            file = self._file(module)
            try:
                with open(file, "rb") as source:
                    text = source.read(_LARGEST + 1)
                if len(text) > _LARGEST:
                    raise Unread(f"{file} is too large to read")
                self._trees[module] = (file, ast.parse(text))
            except (SyntaxError, ValueError, RecursionError) as error:
                raise Unread(f"{file} cannot be parsed: {type(error).__name__}") from None
            except OSError as error:
                raise Unread(f"{file} cannot be read: {error.strerror}") from None
        return self._trees[module]

    def _file(self, module: str) -> str:
        if module in sys.builtin_module_names:
            raise Unread(f"{module} is built into the interpreter")
        steps = module.split(".")
        if not all(step.isidentifier() for step in steps):
            raise Unread(f"{module!r:.80} is no name of a module")
        folders = self._folders
        for position, step in enumerate(steps):
            last = position == len(steps) - 1
            inner: list[str] = []
            for folder in folders:
                package = os.path.join(folder, step)
                if last:
                    for file in (os.path.join(package, "__init__.py"), f"{package}.py"):
                        if os.path.isfile(file):
                            return file
                    if any(os.path.isfile(package + suffix) for suffix in EXTENSION_SUFFIXES):
                        raise Unread(f"{module} is compiled")
                elif os.path.isfile(os.path.join(package, "__init__.py")):
                    inner = [package]
                    break
                elif os.path.isdir(package):
                    inner.append(package)  # a namespace package, or a part of one
            folders = inner
        raise Unread(f"there is no source file of {module} where Python looks for modules")

    def _files(self, package: str) -> Iterator[tuple[str, str]]:
        """Some of the source files of *package*, with their modules' names."""
        for folder in self._folders:
            top = os.path.join(folder, package)
            if package.isidentifier() and os.path.isfile(f"{top}.py"):
                yield f"{top}.py", package
            if not package.isidentifier() or not os.path.isdir(top):
                continue
            count = 0
            for here, below, files in os.walk(top):
                below[:] = sorted(name for name in below if name.isidentifier())
                for name in sorted(files):
                    if name.endswith(".py") and (count := count + 1) <= _FILES:
                        path = os.path.join(here, name)
                        dotted = os.path.relpath(path, folder)[:-3].replace(os.sep, ".").removesuffix(".__init__")
                        yield path, dotted

    # --- definitions --------------------------------------------------------------------------------------------------
    def _told(self, target: str, file: str, module: str, node: _Definition, qualname: str) -> Found:
        if not isinstance(node, ast.ClassDef):
            skip = 1 if "." in qualname and not _is_static(node) else 0
            return Found(target, file, node.lineno, "function", _parameters(node.args, skip))
        try:
            found = self._constructor(module, file, node, qualname, _HOPS)
        except Unread as error:
            return Found(target, file, node.lineno, "class", None, str(error))
        return Found(target, file, node.lineno, "class", found)

    def _constructor(
        self, module: str, file: str, node: ast.ClassDef, qualname: str, hops: int
    ) -> tuple[Parameter, ...]:
        """What the class takes: by its ``__init__``, its fields as a dataclass, or what its first base takes."""
        for name in ("__init__", "__new__"):
            for item in node.body:
                if isinstance(item, ast.FunctionDef) and item.name == name:
                    return _parameters(item.args, 1)
        if any(
            _last(decorator) in ("dataclass", "define", "frozen", "attrs", "s") for decorator in node.decorator_list
        ):
            if not node.bases:
                return tuple(_fields(node))
            raise Unread("its fields come from several classes")
        if not node.bases:
            return ()
        if hops == 0 or len(node.bases) > 1 or not isinstance(node.bases[0], ast.Name):
            raise Unread("its constructor is inherited")
        base = node.bases[0].id
        if base == "object":
            return ()
        found = self.find(f"{module}:{base}")
        if found is None or found.parameters is None:
            raise Unread("its constructor is inherited")
        return found.parameters


_Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_FILES = 2_000


def _is_package(file: str) -> bool:
    return os.path.basename(file) == "__init__.py"


def _definition(body: Sequence[ast.stmt], steps: list[str]) -> _Definition | None:
    """The last definition of a dotted name; also inside ``if`` and ``try``, and in functions where it says ``<locals>``."""
    found: _Definition | None = None
    for statement in _statements(body):
        if isinstance(statement, _Definition) and statement.name == steps[0]:
            rest = [step for step in steps[1:] if step != "<locals>"]
            found = _definition(statement.body, rest) if rest else statement
    return found


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        yield statement
        for inside in ("body", "orelse", "finalbody"):
            if isinstance(statement, ast.If | ast.Try | ast.With):
                yield from _statements(getattr(statement, inside, []))
        if isinstance(statement, ast.Try):
            for handler in statement.handlers:
                yield from _statements(handler.body)


def _imported(tree: ast.Module, module: str, package: bool, name: str) -> tuple[str, str] | None:
    """Where *module* has *name* from, as (module, name), if it says ``from … import``."""
    for statement in _statements(tree.body):
        if isinstance(statement, ast.ImportFrom):
            for alias in statement.names:
                if (alias.asname or alias.name) == name:
                    steps = module.split(".")
                    steps = steps[: len(steps) - statement.level + package] if statement.level else []
                    return ".".join((*steps, *filter(None, [statement.module]))), alias.name
    return None


def _is_dynamic(tree: ast.Module, name: str) -> bool:
    """Whether a module may have *name* without saying so by ``class``, ``def`` or ``from … import``."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=found, ctx=ast.Store()) if found == name:
                return True
            case ast.Name(id="globals" | "exec" | "setattr" | "vars"):
                return True
            case ast.alias(name="*") | ast.FunctionDef(name="__getattr__"):
                return True
            case ast.alias(name=found, asname=other) if name in (found, other):
                return True
    return False


def _is_static(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(_last(decorator) == "staticmethod" for decorator in node.decorator_list)


def _last(node: ast.expr) -> str:
    node = node.func if isinstance(node, ast.Call) else node
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _parameters(arguments: ast.arguments, skip: int) -> tuple[Parameter, ...]:
    names = [*arguments.posonlyargs, *arguments.args]
    missing: list[ast.expr | None] = [None] * (len(names) - len(arguments.defaults))
    found = [
        _parameter(arg.arg, "positional", default)
        for arg, default in zip(names, [*missing, *arguments.defaults], strict=True)
    ]
    found = found[skip:]
    if arguments.vararg:
        found.append(Parameter(arguments.vararg.arg, "*"))
    found += [_parameter(a.arg, "keyword", d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    if arguments.kwarg:
        found.append(Parameter(arguments.kwarg.arg, "**"))
    return tuple(found)


def _parameter(name: str, kind: str, default: ast.expr | None) -> Parameter:
    if default is None:
        return Parameter(name, kind, required=True)
    try:
        value = ast.literal_eval(default)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return Parameter(name, kind, text=_text(default))
    return Parameter(name, kind, text=_text(default), constant=True, default=value)


def _text(node: ast.expr) -> str:
    try:
        return ast.unparse(node)
    except RecursionError:
        return "…"


def _fields(node: ast.ClassDef) -> Iterator[Parameter]:
    """The fields of a dataclass, as far as its body says; one whose default is a call is not required."""
    for item in node.body:
        if (
            isinstance(item, ast.AnnAssign)
            and isinstance(item.target, ast.Name)
            and "ClassVar" not in ast.unparse(item.annotation)
        ):
            if isinstance(item.value, ast.Call):
                yield Parameter(item.target.id, "positional", text=_text(item.value))
            else:
                yield _parameter(item.target.id, "positional", item.value)
