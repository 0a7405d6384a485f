"""A run as the metadata of an RO-Crate 1.1, by the profile Process Run Crate: research data repositories know it.

The run is an action whose instrument is the script; every construction is an action whose instrument is what was called, whose
objects are its arguments and whose result is what it built.
"""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from begat.record.edges import hidden, maker
from begat.record.model import Node
from begat.record.plain import plain
from begat.record.tree import Tree, entries, grow, scalars
from begat.record.values import SCALARS, Ref
from begat.record.walk import located
from begat.render.outline import where
from begat.render.prov import family, moment
from begat.render.yaml import packed, written

if TYPE_CHECKING:
    from begat.record.graph import Run

_CRATE = "https://w3id.org/ro/crate/1.1"
_PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_STATUS = {"finished": "Completed", "raised": "Failed", "killed": "Failed", "running": "Active"}

Entity = dict[str, Any]


def rocrate(run: Run, everything: bool = False) -> str:
    """*run* and the runs inside it as the text of ``ro-crate-metadata.json``; the record itself is not part of the crate."""
    graph: list[Entity] = [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "conformsTo": _id(_CRATE),
            "about": _id("./"),
        },
        _given(
            {
                "@id": "./",
                "@type": "Dataset",
                "name": run.name or run.id,
                "description": f"What run {run.id} built, and with which arguments",
                "datePublished": moment(run.header.ended) or moment(run.header.started),
                "conformsTo": _id(_PROFILE),
                "mentions": [_id(f"#{_name(member.id)}") for member, _ in family(run)],
            }
        ),
        {"@id": _PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
    ]
    for member, parent in family(run):
        graph += _Action(member, parent, everything).entities()
    return written(packed({"@context": f"{_CRATE}/context", "@graph": graph}), len(run.nodes))


class _Action:
    """One run's entities while they are put together. Equal values of equally named parameters are one entity: RO-Crate is flat."""

    def __init__(self, run: Run, parent: Run | None, everything: bool) -> None:
        self._run, self._parent = run, parent
        self._tree: Tree = grow(run, everything)
        self._nodes = {node.id: node for node in run.nodes}
        self._here = f"#{_name(run.id)}"
        self._values: dict[tuple[str, str, str], str] = {}
        self._found: list[Entity] = []

    def entities(self) -> list[Entity]:
        self._said()
        for target in dict.fromkeys(node.target for node in self._tree.nodes.values()):
            self._add(self._target(target), "SoftwareSourceCode", name=target)
        for node in self._tree.nodes.values():
            self._construction(node)
        return self._found

    def _said(self) -> None:
        header, environment = self._run.header, self._run.environment
        git = environment.git or {}
        outcome = _STATUS.get(header.outcome, "Failed")
        results = [self._value(name, plain(value), "result of the run") for name, value in header.result.items()]
        self._add(
            self._here,
            "CreateAction",
            name=header.name or header.id,
            description=[group for _, group in hidden(self._run)],
            startTime=moment(header.started),
            endTime=moment(header.ended),
            actionStatus=_id(f"http://schema.org/{outcome}ActionStatus"),
            error=header.error,
            instrument=_id(f"{self._here}/script"),
            isPartOf=_id(f"#{_name(self._parent.id)}") if self._parent is not None else None,
            object=[self._value("argv", word, "command line") for word in header.argv],
            result=[_id(f"{self._here}/object/{node.id}") for node in self._tops() if node.outcome != "raised"]
            + results,
        )
        packages = [
            self._add(f"{self._here}/package/{_name(name)}", "SoftwareApplication", name=name, softwareVersion=version)
            for name, version in environment.packages.items()
        ]
        language = self._add(f"{self._here}/python", "ComputerLanguage", name="Python", version=environment.python)
        self._add(
            f"{self._here}/script",
            "SoftwareSourceCode",
            name=PurePath(header.script or "").name or "python",
            version=git.get("commit"),
            programmingLanguage=language,
            softwareRequirements=packages,
        )

    def _tops(self) -> list[Node]:
        return [self._tree.nodes[number] for number in self._tree.children.get(None, ())]

    def _construction(self, node: Node) -> None:
        path = self._tree.names[node.id]
        objects: list[Entity] = []
        for name, value, argument in entries(node):
            if type(value) is not Ref:
                objects.append(self._value(name, plain(value, self._tree.name), argument.source))
            if type(value) not in SCALARS and not scalars(value):
                objects += [self._object(ref) for _, ref in located(value)]
        outer = maker(node, self._nodes, self._tree)
        raised = node.outcome == "raised"
        made = f"{self._here}/object/{node.id}"
        self._add(
            f"{self._here}/call/{node.id}",
            "CreateAction",
            name=path,
            description=where(node.site, self._run.environment.cwd),
            actionStatus=_id(f"http://schema.org/{'Failed' if raised else 'Completed'}ActionStatus"),
            error=node.error,
            instrument=_id(self._target(node.target)),
            isPartOf=_id(self._here if outer is None else f"{self._here}/call/{outer}"),
            object=objects,
            result=None if raised else _id(made),
        )
        self._add(made, "PropertyValue", name=path, value=node.target)

    def _target(self, target: str) -> str:
        return f"{self._here}/target/{_name(target)}"

    def _object(self, ref: Ref) -> Entity:
        return _id(f"{self._here if ref.run is None else f'#{_name(ref.run)}'}/object/{ref.node}")

    def _value(self, name: str, data: Any, source: str) -> Entity:
        # JSON-LD reads a list as many values and null as none.
        written = data if isinstance(data, str | bool | int | float) else json.dumps(data, ensure_ascii=False)
        key = (name, f"{type(written).__name__} {written}", source)
        if key not in self._values:
            self._values[key] = f"{self._here}/value/{len(self._values)}"
            self._add(self._values[key], "PropertyValue", name=name, value=written, description=source)
        return _id(self._values[key])

    def _add(self, identity: str, kind: str, **told: Any) -> Entity:
        self._found.append({"@id": identity, "@type": kind, **_given(told)})
        return _id(identity)


def _id(identity: str) -> Entity:
    return {"@id": identity}


def _given(told: Entity) -> Entity:
    return {name: value for name, value in told.items() if value is not None and value != []}


def _name(text: str) -> str:
    """*text* as a part of an address."""
    return quote(text, safe="")
