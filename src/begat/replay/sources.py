"""Overrides from files and from the environment.

A file holds addresses, nested or dotted: ``model: {hidden_size: 256}`` is ``model.hidden_size: 256``. What ``begat show --yaml``
prints is such a file, with the class of each object under ``class``. Unquoted YAML is text that the parameter's own type
reads, so that ``no``, ``12:30`` and ``1e3`` are what they would be on the command line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from itertools import count, islice
from pathlib import Path
from typing import Any

from begat.errors import OverrideError
from begat.record.paths import KEPT_AS_ITSELF, segment
from begat.replay.literals import UNKNOWN, literal
from begat.replay.override import ENVIRONMENT, FILE, Override

PREFIX = "BEGAT__"
_CLASS = ("class", "call")
_DEEPEST = 100
_LONGEST = 4_000_000  # bytes: YAML is read slowly
_MOST = 50_000  # values, those that an alias stands for among them


class Plain(str):
    """A scalar as it stands in a file that knows no types, or does not tell them: to be read by what takes it."""

    __slots__ = ()


def from_file(path: str | os.PathLike[str], base: str | None = None) -> list[Override]:
    """
    The overrides in the file *path*: YAML, TOML or JSON, by its ending.

    What stands in *base* too, a text of the same form that begat wrote, and has not been changed since, is none. Raises OverrideError for a file
    that cannot be read.
    """
    document = _document(path)
    if document is None:
        return []
    if not isinstance(document, Mapping):
        raise OverrideError(
            f"{path}: a file of overrides is a mapping of addresses to values, not a {type(document).__name__}"
        )
    found = dict(islice(_flat(document, (), str(path)), _MOST + 1))
    if len(found) > _MOST:
        raise OverrideError(f"{path}: more than {_MOST:,} values")
    known = dict(_flat(_read(base, path, "the run"), (), "the run")) if base is not None else {}
    return [
        Override(address, _unmarked(value), "config", str(path), FILE, text=isinstance(value, Plain))
        for address, value in found.items()
        if not (address in known and known[address] == value) and not _is_reference(value)
    ]


def run_of(path: str | os.PathLike[str]) -> str | None:
    """The id of the run whose configuration was printed into the file *path*, if it says so."""
    with open(path, encoding="utf-8") as file:
        found = re.match(r"# run: (\S+)", file.readline())
    return found[1] if found is not None else None


def from_environment(variables: Mapping[str, str], place: str = "the environment") -> list[Override]:
    """The overrides among *variables*: ``BEGAT__MODEL__HIDDEN_SIZE=256``; case does not matter in them."""
    return [
        Override(
            ".".join(segment(step) for step in name[len(PREFIX) :].split("__")).lower(),
            value,
            "env",
            f"{name}, {place}" if place != "the environment" else name,
            ENVIRONMENT,
            text=True,
            folded=True,
        )
        for name, value in variables.items()
        if name.upper().startswith(PREFIX) and len(name) > len(PREFIX)
    ]


_LINE = re.compile(r"\s*(?:export\s+)?(?P<name>BEGAT__\w+)\s*=\s*(?P<value>.*?)\s*", re.IGNORECASE)


def from_dotenv(path: str | os.PathLike[str]) -> list[Override]:
    """The overrides in the ``.env`` file *path*; its other lines are not ours."""
    variables = {}
    for line in Path(path).read_text(encoding="utf-8", errors="replace").splitlines():
        found = _LINE.fullmatch(line)
        if found is not None:
            value = found["value"]
            quoted = re.fullmatch(r"""(["'])(.*)\1\s*(?:#.*)?""", value)
            variables[found["name"]] = quoted[2] if quoted is not None else re.sub(r"\s+#.*", "", value)
    return from_environment(variables, os.fspath(path))


def _unmarked(value: Any) -> Any:
    return str(value) if isinstance(value, Plain) else value


def _is_reference(value: Any) -> bool:
    """``"@model"`` in what begat printed: an object that stands elsewhere."""
    return isinstance(value, str) and value.startswith("@") and not isinstance(value, Plain)


def _flat(document: Mapping[Any, Any], above: tuple[str, ...], place: str) -> Iterator[tuple[str, Any]]:
    if len(above) > _DEEPEST:
        raise OverrideError(f"{place}: nested deeper than {_DEEPEST}")
    own = KEPT_AS_ITSELF.get(str(document.get("class")).rpartition(":")[2])
    for key, value in document.items():
        steps = () if key == own and isinstance(value, list) else _steps(str(key), place)
        if steps == ("class",) or (steps == ("call",) and isinstance(value, str)):
            if above:
                yield ".".join(above), str(value).replace(":", ".") if isinstance(value, str) else value
            continue
        yield from _below(value, (*above, *steps), place)


def _steps(key: str, place: str) -> tuple[str, ...]:
    from begat.record import paths

    # `dropout:Dropout:` is how an object is printed whose name a parameter has already.
    own = re.fullmatch(r"([^:]+):.*", key)
    try:
        return paths.split(own[1] if own is not None else key)
    except ValueError as error:
        raise OverrideError(f"{place}: {error}") from None


def _below(value: Any, address: tuple[str, ...], place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        yield from _flat(value, address, place)
    elif isinstance(value, list) and any(_holds_objects(item) for item in value):
        for number, item in enumerate(value):
            yield from _below(item, (*address, str(number)), place)
    else:
        yield ".".join(address), _whole(value)


def _holds_objects(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(key in value for key in _CLASS) or any(map(_holds_objects, value.values()))
    return (isinstance(value, list) and any(map(_holds_objects, value))) or _is_reference(value)


def _whole(value: Any) -> Any:
    """*value* as one; texts inside of containers are read as Python, or stay texts."""
    if isinstance(value, list):
        return [_item(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _item(item) for key, item in value.items()}
    return value


def _item(value: Any) -> Any:
    if isinstance(value, Plain):
        read = literal(value)
        return str(value) if read is UNKNOWN else read
    return _whole(value)


def _document(path: str | os.PathLike[str]) -> Any:
    try:
        return _read(_text(path), path, str(path))
    except OverrideError:
        raise  # it has said which file, and why
    except RecursionError:
        raise OverrideError(f"{path}: nested deeper than {_DEEPEST}") from None
    except (OSError, ValueError) as error:
        raise OverrideError(f"cannot read {path}: {error}") from error


def _text(path: str | os.PathLike[str]) -> str:
    with open(path, "rb") as file:
        data = file.read(_LONGEST + 1)
    if len(data) > _LONGEST:
        raise OverrideError(f"{path}: a file of overrides has at most {_LONGEST:,} bytes")
    return data.decode("utf-8-sig").replace("\r\n", "\n")


def _read(text: str, path: str | os.PathLike[str], place: str) -> Any:
    """The data of *text*, in the form that the ending of *path* says."""
    ending = os.path.splitext(os.fspath(path))[1].lower()
    if ending == ".toml":
        import tomllib

        return tomllib.loads(text)
    if ending == ".json":
        from begat.record.engine import engine

        return engine().loads(text.encode())
    if ending in (".yaml", ".yml"):
        return _yaml(text, place)
    raise OverrideError(f"{path} is none of .yaml, .yml, .toml, .json")


def _yaml(text: str, place: str) -> Any:
    try:
        import yaml
    except ImportError as error:
        raise OverrideError(
            f"{place} is YAML, which needs PyYAML: pip install 'begat[yaml]'; JSON and TOML need nothing"
        ) from error
    if text.count("\n") + text.count(",") > 2 * _MOST:
        raise OverrideError(f"{place}: more than {_MOST:,} values")
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise OverrideError(f"cannot read {place}: {error}") from None
    return None if node is None else _value(node, place, 0, set(), count())


def _value(node: Any, place: str, depth: int, around: set[int], seen: Iterator[int]) -> Any:
    """The data of a YAML *node*; tags mean nothing here, and plain scalars stay text. *seen* counts the values."""
    where = f"{place}, line {node.start_mark.line + 1}"
    if next(seen) > 2 * _MOST:  # keys are values, too
        raise OverrideError(f"{where}: more than {_MOST:,} values")
    if depth > _DEEPEST or id(node) in around:
        raise OverrideError(f"{where}: nested deeper than {_DEEPEST}")
    if node.id == "scalar":
        return node.value if node.style in ("'", '"', "|", ">") else Plain(_WORDS.get(node.value.lower(), node.value))
    inner = {*around, id(node)}
    if node.id == "sequence":
        return [_value(item, place, depth + 1, inner, seen) for item in node.value]
    found: dict[Any, Any] = {}
    for key, item in node.value:
        name = _value(key, place, depth + 1, inner, seen)
        if not isinstance(name, str):
            raise OverrideError(f"{where}: a key has to be a name")
        if str(name) in found:
            raise OverrideError(f"{where}: {name} is there twice")
        found[str(name)] = _value(item, place, depth + 1, inner, seen)
    return found


_WORDS = {"": "null", "~": "null", ".nan": "nan", ".inf": "inf", "+.inf": "inf", "-.inf": "-inf"}
