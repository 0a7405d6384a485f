"""The shape of a document, checked by pydantic on the way in and published as a JSON Schema.

The values of arguments are checked by `begat.record.decoding` as it reads them; here they are any JSON.
"""

from __future__ import annotations

import functools
import json
from typing import Annotated, Any, Literal, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, WithJsonSchema, with_config
from typing_extensions import TypedDict

from begat.record.decoding import Malformed
from begat.record.encoding import TAGS
from begat.record.migrations import FORMAT
from begat.record.model import Kind, Outcome, Source

# An unknown key is an error: it could be one that a later reader obeys.
_strict = with_config(ConfigDict(extra="forbid", strict=True))

# `json_schema` makes references of these: pydantic would look for definitions of its own.
_Value = Annotated[Any, WithJsonSchema({"$comment": "#/$defs/Value"})]
_Number = Annotated[int, Field(ge=-(2**63), lt=2**63)]  # what other readers of JSON can hold
_Id = Annotated[int, Field(ge=0, lt=2**63)]


@_strict
class SiteDocument(TypedDict):
    """Where a call stands."""

    file: str
    line: _Number | None
    function: str
    column: NotRequired[_Number | None]


@_strict
class ProcessDocument(TypedDict):
    """The process that made a call."""

    pid: _Number
    rank: NotRequired[_Number | None]


@_strict
class ArgumentDocument(TypedDict):
    """One argument: *was* is the value that an override replaced."""

    name: str
    value: _Value
    source: NotRequired[Source]
    was: NotRequired[_Value]


# Checked one by one as they are read, by `argument` where it is not plain that they are right: they are most of a record.
_Arguments = Annotated[
    list[Any], WithJsonSchema({"type": "array", "items": {"$comment": "#/$defs/ArgumentDocument"}}), Field(strict=True)
]


@_strict
class NodeDocument(TypedDict):
    """One construction."""

    id: _Id
    target: str
    kind: Kind
    path: str
    arguments: _Arguments
    site: NotRequired[SiteDocument | None]
    within: NotRequired[_Id | None]
    outcome: NotRequired[Outcome]
    process: NotRequired[ProcessDocument | None]
    code: NotRequired[str | None]
    user: NotRequired[bool]
    error: NotRequired[str | None]
    annotations: NotRequired[dict[str, str]]
    starred: NotRequired[Annotated[list[str | None], Field(min_length=2, max_length=2)]]
    positional: NotRequired[_Id]
    notes: NotRequired[list[str]]


@_strict
class EventDocument(TypedDict):
    """What happened to an object after its construction."""

    kind: str
    node: _Id
    arguments: _Arguments
    site: NotRequired[SiteDocument | None]


@_strict
class OverriddenDocument(TypedDict):
    """An override that was given: *calls* is how many calls it changed."""

    address: str
    value: str
    source: NotRequired[Source]
    place: NotRequired[str]
    calls: NotRequired[_Number]


@_strict
class HeaderDocument(TypedDict):
    """What a run says of itself."""

    id: str
    name: NotRequired[str | None]
    started: NotRequired[str]
    ended: NotRequired[str | None]
    outcome: NotRequired[str]
    error: NotRequired[str | None]
    argv: NotRequired[list[str]]
    script: NotRequired[str | None]
    parent: NotRequired[str | None]
    result: NotRequired[dict[str, _Value]]
    marks: NotRequired[list[str]]
    exit_code: NotRequired[int | None]
    watch: NotRequired[list[str]]
    lazy: NotRequired[list[str]]
    overrides: NotRequired[list[OverriddenDocument]]
    journals: NotRequired[dict[str, _Number]]


@_strict
class EnvironmentDocument(TypedDict):
    """What a run ran in."""

    python: NotRequired[str]
    implementation: NotRequired[str]
    platform: NotRequired[str]
    host: NotRequired[str]
    user: NotRequired[str]
    cwd: NotRequired[str]
    packages: NotRequired[dict[str, str]]
    git: NotRequired[dict[str, _Value] | None]
    seeds: NotRequired[dict[str, _Value]]


@_strict
class ChildDocument(TypedDict):
    """A run opened inside another."""

    run: HeaderDocument
    environment: EnvironmentDocument
    nodes: list[NodeDocument]
    events: NotRequired[list[EventDocument]]
    children: NotRequired[list[ChildDocument]]


@_strict
class RunDocument(TypedDict):
    """One run, begat's record of what a program built."""

    format: Literal["begat/1"]
    run: HeaderDocument
    environment: EnvironmentDocument
    nodes: list[NodeDocument]
    events: NotRequired[list[EventDocument]]
    children: NotRequired[list[ChildDocument]]


@functools.cache
def _run_adapter() -> TypeAdapter[RunDocument]:
    return TypeAdapter(RunDocument)


@functools.cache
def _nodes_adapter() -> TypeAdapter[list[NodeDocument]]:
    return TypeAdapter(list[NodeDocument])


@functools.cache
def _argument_adapter() -> TypeAdapter[ArgumentDocument]:
    return TypeAdapter(ArgumentDocument)


def envelope(document: dict[str, Any]) -> dict[str, Any]:
    """*document*, whose nodes were taken out, if the rest has the shape of a record. `Malformed` says where it has not."""
    try:
        return dict(_run_adapter().validate_python(document))
    except ValidationError as error:
        raise _malformed(error, "") from None


def nodes(rows: list[Any], where: str, first: int) -> list[dict[str, Any]]:
    """The *rows* of nodes if they have the shape of nodes; the first of them is number *first*."""
    try:
        return _nodes_adapter().validate_python(rows)  # type: ignore[return-value]  # typed dictionaries are dictionaries
    except ValidationError as error:
        raise _malformed(error, where, first) from None


def header(document: dict[str, Any]) -> dict[str, Any]:
    """*document* if it has the shape of what a run says of itself."""
    return _part(HeaderDocument, document)


def environment(document: dict[str, Any]) -> dict[str, Any]:
    """*document* if it has the shape of what a run ran in."""
    return _part(EnvironmentDocument, document)


def _part(kind: Any, document: dict[str, Any]) -> dict[str, Any]:
    try:
        return dict(_part_adapter(kind).validate_python(document))
    except ValidationError as error:
        raise _malformed(error, "") from None


@functools.cache
def _part_adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def argument(row: Any, where: str) -> ArgumentDocument:
    """The *row* of an argument if it has the shape of one."""
    try:
        return _argument_adapter().validate_python(row)
    except ValidationError as error:
        raise _malformed(error, where) from None


def _malformed(error: ValidationError, where: str, first: int = 0) -> Malformed:
    found, *rest = error.errors(include_url=False, include_input=False, include_context=False)
    steps = [*found["loc"]]
    if steps and isinstance(steps[0], int):
        steps[0] += first
    path = where + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return Malformed(found["msg"] + (f" (and {len(rest)} more)" if rest else ""), path.lstrip("."))


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a record."""
    schema = _run_adapter().json_schema()
    definitions = schema["$defs"] | {"ArgumentDocument": _argument_adapter().json_schema(), "Value": _value_schema()}
    schema |= {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": FORMAT,
        "$defs": dict(sorted(definitions.items())),
    }
    return dict(json.loads(json.dumps(schema).replace('"$comment": "#/', '"$ref": "#/')))


def _value_schema() -> dict[str, Any]:
    value = {"$ref": "#/$defs/Value"}
    plain: list[dict[str, Any]] = [
        {"type": ["null", "boolean", "number", "string"]},
        {"type": "array", "items": value},
        {"type": "object", "propertyNames": {"not": {"pattern": r"^\$"}}, "additionalProperties": value},
    ]
    tagged: list[dict[str, Any]] = [
        {
            "type": "object",
            "description": meaning,
            "properties": {tag: {}},
            "required": [tag],
            "additionalProperties": False,
        }
        for tag, meaning in TAGS.items()
    ]
    return {"description": "A value: plain JSON, or an object of one tag.", "anyOf": plain + tagged}
