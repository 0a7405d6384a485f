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
from begat.record.model import ABSENT, Node
from begat.record.plain import NotFinite, escaped, plain
from begat.record.tree import Tree, entries, grow
from begat.record.values import SCALARS, Cut, Opaque, Redacted, Ref, Symbol
from begat.record.walk import children, located
from begat.render.yaml import packed, written

if TYPE_CHECKING:
    from begat.record.graph import Run

_NAMES = {
    "begat": "urn:begat:prov:",
    "run": "urn:begat:run:",
    "target": "urn:begat:target:",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
}
_PARTS = ("entity", "activity", "agent")
_SHEET = 200  # constructions
_RELATIONS = ("wasGeneratedBy", "used", "wasDerivedFrom", "wasAssociatedWith", "wasStartedBy")


def prov(run: Run, everything: bool = False) -> str:
    """*run* and the runs inside it as a PROV-JSON document with one bundle each."""
    members = {f"run:{_local(member.id)}": (member, parent) for member, parent in family(run)}
    said = {name: _said(*member) for name, member in members.items()}
    bundles = {name: _Bundle(member, everything).text() for name, (member, _) in members.items()}
    whole = _object({"prefix": packed(_NAMES), "entity": packed(said), "bundle": _object(bundles)})
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
    """
    One run's bundle while it is put together; relations have no names of their own, so they are numbered.

    It becomes text sheet by sheet: memory for a million small dictionaries takes longer to get than they take to fill.
    """

    def __init__(self, run: Run, everything: bool) -> None:
        self._run = run
        self._tree = grow(run, everything)
        self._nodes = {node.id: node for node in run.nodes}
        self._plans: dict[tuple[str, str | None], str] = {}
        self._places: dict[tuple[int, int], dict[str, Any]] = {}  # by the ids of site and process
        self._space = f"{_NAMES['run']}{_local(run.id)}/"
        self._parts: dict[str, dict[str, Any]] = {part: {} for part in _PARTS}
        self._relations: dict[str, list[dict[str, Any]]] = {relation: [] for relation in _RELATIONS}
        self._counts = dict.fromkeys(_RELATIONS, 0)
        self._texts: dict[str, list[str]] = {part: [] for part in (*_PARTS, *_RELATIONS)}

    def text(self) -> str:
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
        self._relations["wasAssociatedWith"].append({"prov:activity": "here:run", "prov:agent": "here:environment"})
        for number, node in enumerate(self._tree.nodes.values(), 1):
            self._construction(node)
            if number % _SHEET == 0:
                self._turn()
        self._turn()
        parts = {part: "{" + ",".join(texts) + "}" for part, texts in self._texts.items() if texts}
        return _object({"prefix": packed(spaces), **parts})

    def _turn(self) -> None:
        """Write down what has been gathered."""
        for relation, told in self._relations.items():
            first = self._counts[relation]
            self._counts[relation] += len(told)
            self._parts[relation] = {f"_:{relation}{number}": one for number, one in enumerate(told, first)}
            told.clear()
        for part, named in self._parts.items():
            if named:
                self._texts[part].append(packed(named)[1:-1])
                named.clear()

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
        call, made = f"call:{node.id}", f"object:{node.id}"
        path = self._tree.names[node.id]
        activity = {"prov:label": path, "begat:kind": node.kind, "begat:outcome": node.outcome, **self._place(node)}
        if node.error or node.notes:
            activity |= _given({"begat:error": node.error, "begat:note": list(node.notes)})
        self._parts["activity"][call] = activity
        # Also of one that raised: its object may have been handed on before.
        self._parts["entity"][made] = {"prov:label": path, "prov:type": node.target}
        relations = self._relations
        if node.outcome != "raised":
            relations["wasGeneratedBy"].append({"prov:entity": made, "prov:activity": call})
        relations["wasAssociatedWith"].append(
            {"prov:activity": call, "prov:agent": "here:environment", "prov:plan": self._plan(node)}
        )
        outer = maker(node, self._nodes, self._tree)
        starter = "here:run" if outer is None else f"call:{outer}"
        relations["wasStartedBy"].append({"prov:activity": call, "prov:starter": starter})
        self._arguments(node, call, made)

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

    def _arguments(self, node: Node, call: str, made: str) -> None:
        entity, used, derived = self._parts["entity"], self._relations["used"], self._relations["wasDerivedFrom"]
        for position, (name, value, argument) in enumerate(entries(node)):
            told = {"prov:activity": call, "prov:role": name, "begat:source": argument.source}
            if argument.was is not ABSENT:
                told["begat:was"] = _value(argument.was, self._tree)
            kind = type(value)
            if kind is not Ref:
                here = f"argument:{node.id}.{position}"
                if kind in SCALARS:
                    entity[here] = {"prov:value": _value(value)}
                    told["prov:entity"] = here
                    used.append(told)
                    continue
                entity[here] = self._valued(value)
                used.append({**told, "prov:entity": here})
            for at, ref in located(value):
                source = f"object:{ref.node}" if ref.run is None else f"run:{_local(ref.run)}/object/{ref.node}"
                used.append({**told, "prov:entity": source, "begat:at": at} if at else {**told, "prov:entity": source})
                derived.append({"prov:generatedEntity": made, "prov:usedEntity": source, "prov:activity": call})

    def _valued(self, value: object) -> dict[str, Any]:
        told = {"prov:value": _value(value, self._tree)}
        return {"prov:type": _name("begat:Description"), **told} if is_described(value) else told


def _object(parts: dict[str, str]) -> str:
    """A JSON object of *parts* that are text already; their names need no escapes."""
    return "{" + ",".join(f'"{name}":{part}' for name, part in parts.items()) + "}"


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
    if kind is bool or (kind is int and -(2**63) <= value < 2**63):  # type: ignore[operator]  # narrowed by type()
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
