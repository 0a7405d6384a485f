"""A run as W3C PROV, in the JSON that PROV's toolkits read.

A run is a bundle. A construction is an activity that generated an entity, its object; an argument is a usage whose role is the
parameter; what was called is the plan that the environment, the agent, followed. A value is an entity with `prov:value`; an
object among the arguments is the entity that its own construction generated.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from begat.record.edges import hidden, maker
from begat.record.model import ABSENT, Argument, Node
from begat.record.plain import NotFinite, escaped, plain
from begat.record.tree import Tree, entries, grow, scalars
from begat.record.values import SCALARS, Cut, Opaque, Redacted, Ref, Symbol
from begat.record.walk import children, located
from begat.render.yaml import written

if TYPE_CHECKING:
    from begat.record.graph import Run

_NAMES = {
    "begat": "urn:begat:prov:",
    "run": "urn:begat:run:",
    "target": "urn:begat:target:",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
}
_PARTS = (
    "entity", "activity", "agent", "wasGeneratedBy", "used", "wasDerivedFrom", "wasAssociatedWith", "wasStartedBy",
)  # fmt: skip
_XSD_INTEGERS = range(-(2**63), 2**63)


def prov(run: Run, everything: bool = False) -> str:
    """*run* and the runs inside it as a PROV-JSON document with one bundle each."""
    whole: dict[str, Any] = {"prefix": _NAMES, "entity": {}, "bundle": {}}
    for member, parent in family(run):
        name = f"run:{_local(member.id)}"
        whole["entity"][name] = _said(member, parent)
        whole["bundle"][name] = _Bundle(member, everything).document()
    return written(whole, len(run.nodes))


def family(run: Run, parent: Run | None = None) -> Iterator[tuple[Run, Run | None]]:
    """*run* and the runs inside it, however deep, each with the one it was opened in."""
    yield run, parent
    for child in run.children:
        yield from family(child, run)


def _said(run: Run, parent: Run | None) -> dict[str, Any]:
    """What a run says of itself: PROV tells of a bundle outside it."""
    header = run.header
    return _given(
        {
            "prov:type": _name("prov:Bundle"),
            "prov:label": header.name or header.id,
            "begat:outcome": header.outcome,
            "begat:error": header.error,
            "begat:script": header.script,
            "begat:argument": list(header.argv),
            "begat:override": [f"{each.address}={each.value}" for each in header.overrides],
            "begat:parent": _name(f"run:{_local(parent.id)}") if parent else None,
            "begat:mark": list(header.marks),
            "begat:folded": [group for _, group in hidden(run)],
            **{f"begat:result.{_local(name)}": _value(value) for name, value in header.result.items()},
        }
    )


class _Bundle:
    """One run's bundle while it is put together; relations have no names of their own, so they are counted."""

    def __init__(self, run: Run, everything: bool) -> None:
        self._run = run
        self._tree = grow(run, everything)
        self._nodes = {node.id: node for node in run.nodes}
        self._plans: dict[tuple[str, str | None], str] = {}
        self._places: dict[tuple[int, int], dict[str, Any]] = {}  # by the ids of site and process
        self._space = f"{_NAMES['run']}{_local(run.id)}/"
        self._parts: dict[str, dict[str, Any]] = {part: {} for part in _PARTS}

    def document(self) -> dict[str, Any]:
        spaces = {name: f"{self._space}{name}/" for name in ("call", "object", "argument")} | {"here": self._space}
        self._environment()
        header = self._run.header
        self._parts["activity"]["here:run"] = _given(
            {
                "prov:startTime": moment(header.started),
                "prov:endTime": moment(header.ended),
                "prov:label": header.name or header.id,
            }
        )
        self._relate("wasAssociatedWith", {"prov:activity": "here:run", "prov:agent": "here:environment"})
        for node in self._tree.nodes.values():
            self._construction(node)
        return {"prefix": spaces, **{name: part for name, part in self._parts.items() if part}}

    def _environment(self) -> None:
        environment = self._run.environment
        git = environment.git or {}
        self._parts["agent"]["here:environment"] = _given(
            {
                "prov:type": _name("prov:SoftwareAgent"),
                "prov:label": f"{environment.implementation} {environment.python}".strip() or "Python",
                "begat:platform": environment.platform,
                "begat:host": environment.host,
                "begat:user": environment.user,
                "begat:folder": environment.cwd,
                "begat:package": [f"{name}=={version}" for name, version in environment.packages.items()],
                "begat:commit": git.get("commit"),
                "begat:branch": git.get("branch"),
                "begat:dirty": git.get("dirty"),
                **{f"begat:seed.{_local(name)}": _value(value) for name, value in environment.seeds.items()},
            }
        )

    def _construction(self, node: Node) -> None:
        call, made, plan = f"call:{node.id}", f"object:{node.id}", self._plan(node)
        path = self._tree.names[node.id]
        activity = {"prov:label": path, "begat:kind": node.kind, "begat:outcome": node.outcome, **self._place(node)}
        if node.error or node.notes:
            activity |= _given({"begat:error": node.error, "begat:note": list(node.notes)})
        self._parts["activity"][call] = activity
        # Also of one that raised: its object may have been handed on before.
        self._parts["entity"][made] = {"prov:label": path, "prov:type": node.target}
        if node.outcome != "raised":
            self._relate("wasGeneratedBy", {"prov:entity": made, "prov:activity": call})
        self._relate("wasAssociatedWith", {"prov:activity": call, "prov:agent": "here:environment", "prov:plan": plan})
        outer = maker(node, self._nodes, self._tree)
        starter = "here:run" if outer is None else f"call:{outer}"
        self._relate("wasStartedBy", {"prov:activity": call, "prov:starter": starter})
        for position, (name, value, argument) in enumerate(entries(node)):
            self._argument(node, position, name, value, argument)

    def _place(self, node: Node) -> dict[str, Any]:
        """Where *node* was called, and by which process: few places, many calls."""
        site, process = node.site, node.process
        key = (id(site), id(process))
        found = self._places.get(key)
        if found is None:
            found = self._places[key] = _given(
                {
                    "begat:file": site.file if site else None,
                    "begat:line": site.line if site else None,
                    "begat:function": site.function if site else None,
                    "begat:pid": process.pid if process else None,
                    "begat:rank": process.rank if process else None,
                }
            )
        return found

    def _plan(self, node: Node) -> str:
        """The entity that stands for what was called: of one target with two codes, there are two."""
        key = (node.target, node.code)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = f"target:{_local(node.target)}{f'#{_local(node.code)}' if node.code else ''}"
            self._parts["entity"][plan] = _given(
                {"prov:type": _name("prov:Plan"), "prov:label": node.target, "begat:code": node.code}
            )
        return plan

    def _argument(self, node: Node, position: int, name: str, value: object, argument: Argument) -> None:
        call = f"call:{node.id}"
        told = {"prov:activity": call, "prov:role": name, "begat:source": argument.source}
        if argument.was is not ABSENT:
            told["begat:was"] = _value(argument.was, self._tree)
        if type(value) is not Ref:
            entity = f"argument:{node.id}.{position}"
            self._parts["entity"][entity] = self._valued(value)
            self._relate("used", told | {"prov:entity": entity})
            if type(value) in SCALARS or scalars(value):
                return
        for at, ref in located(value):
            source = f"object:{ref.node}" if ref.run is None else f"run:{_local(ref.run)}/object/{ref.node}"
            self._relate("used", told | ({"prov:entity": source, "begat:at": at} if at else {"prov:entity": source}))
            self._relate(
                "wasDerivedFrom",
                {"prov:generatedEntity": f"object:{node.id}", "prov:usedEntity": source, "prov:activity": call},
            )

    def _valued(self, value: object) -> dict[str, Any]:
        if type(value) in SCALARS or not is_described(value):
            return {"prov:value": _value(value, self._tree)}
        return {"prov:type": _name("begat:Description"), "prov:value": _value(value, self._tree)}

    def _relate(self, relation: str, told: dict[str, Any]) -> None:
        part = self._parts[relation]
        part[f"_:{relation}{len(part)}"] = told


def is_described(value: object) -> bool:
    """Whether the record has but a description of *value*, or of something in it."""
    todo = [value]
    while todo:
        match todo.pop():
            case Opaque() | Cut() | Redacted() | Symbol(importable=False):
                return True
            case here:
                todo += [part for _, part in children(here)]
    return False


def _value(value: object, tree: Tree | None = None) -> Any:
    """*value* as a literal of PROV: numbers, texts and truth as they are, the rest as JSON text with its datatype."""
    kind = type(value)
    if kind is bool or (kind is int and value in _XSD_INTEGERS):
        return value
    data = plain(value, tree.name if tree else None)
    if isinstance(data, NotFinite):
        return {"$": {"nan": "NaN", "inf": "INF", "-inf": "-INF"}[data], "type": "xsd:double"}
    if isinstance(data, int) and not isinstance(data, bool):
        return {"$": str(data), "type": "xsd:integer"}
    if data is None or isinstance(data, list | dict):
        return {"$": escaped(json.dumps(data, ensure_ascii=False)), "type": "rdf:JSON"}
    return data


def moment(said: str | None) -> str | None:
    """The time that *said* is, in the spelling of ISO 8601 with a zone; None for what is no time."""
    try:
        time = datetime.datetime.fromisoformat(said or "")
    except ValueError:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=datetime.UTC)).isoformat()


def _name(name: str) -> dict[str, str]:
    return {"$": name, "type": "prov:QUALIFIED_NAME"}


def _given(attributes: dict[str, Any]) -> dict[str, Any]:
    """The attributes that say something; PROV has no null, and a list is one value after the other."""
    return {name: value for name, value in attributes.items() if value is not None and value not in ("", [])}


def _local(text: str) -> str:
    """*text* as the local part of a qualified name."""
    return quote(text, safe="")
