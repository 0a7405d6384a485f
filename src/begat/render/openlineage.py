"""A run as OpenLineage events, one JSON object a line: what Marquez, DataHub and other catalogues take.

A run is a run of a job, the script. Its parameters are the standard facet for them; the graph and the environment have none,
so they are facets of begat's own. A record knows no data sets, so inputs and outputs are empty.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from begat.record.edges import edges, hidden, maker
from begat.record.plain import plain
from begat.record.tree import Tree, grow
from begat.record.views import flat
from begat.render.outline import where
from begat.render.prov import family, moment
from begat.render.yaml import packed

if TYPE_CHECKING:
    from begat.record.graph import Run

PRODUCER = "urn:begat"
_SPEC = "https://openlineage.io/spec"
_NAMESPACE = "begat"
_ENDS = {"finished": "COMPLETE", "raised": "FAIL", "killed": "ABORT"}
_NO_TIME = "1970-01-01T00:00:00Z"  # an event has to have a time, and a record that somebody edited may have none


def openlineage(run: Run, everything: bool = False) -> str:
    """The start and, if it has ended, the end of *run* and of the runs inside it, each event in a line."""
    return "".join(
        f"{packed(event)}\n" for member, parent in family(run) for event in _events(member, parent, everything)
    )


def _events(run: Run, parent: Run | None, everything: bool) -> Iterator[dict[str, Any]]:
    header = run.header
    job = {**_job(run), "facets": _job_facets(run)}
    above = _above(run, parent)
    yield _event("START", moment(header.started) or _NO_TIME, run, job, above)
    if header.outcome in _ENDS:
        facets = above | _found(run, everything)
        if header.error or header.exit_code is not None:
            message = header.error or f"exit code {header.exit_code}"
            facets["errorMessage"] = _facet("1-0-1/ErrorMessageRunFacet", message=message, programmingLanguage="PYTHON")
        yield _event(
            _ENDS[header.outcome], moment(header.ended) or moment(header.started) or _NO_TIME, run, job, facets
        )
    else:
        yield _event("RUNNING", moment(header.started) or _NO_TIME, run, job, above | _found(run, everything))


def _event(kind: str, time: str, run: Run, job: dict[str, Any], facets: dict[str, Any]) -> dict[str, Any]:
    return {
        "eventType": kind,
        "eventTime": time,
        "run": {"runId": _uuid(run.id), "facets": facets},
        "job": job,
        "inputs": [],
        "outputs": [],
        "producer": PRODUCER,
        "schemaURL": f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent",
    }


def _job(run: Run) -> dict[str, str]:
    return {"namespace": _NAMESPACE, "name": PurePath(run.header.script or "").name or run.name or "python"}


def _job_facets(run: Run) -> dict[str, Any]:
    facets = {"jobType": _facet("2-0-4/JobTypeJobFacet", processingType="BATCH", integration="BEGAT", jobType="SCRIPT")}
    git, script = run.environment.git, run.header.script
    if git and git.get("commit") and script and PurePath(script).is_absolute():
        told = {"url": PurePath(script).as_uri(), "version": git["commit"], "branch": git.get("branch")}
        facets["sourceCodeLocation"] = _facet("1-1-0/SourceCodeLocationJobFacet", type="git", **told)
    return facets


def _above(run: Run, parent: Run | None) -> dict[str, Any]:
    """The run that *run* was opened in; of one that is not at hand, only the id is known."""
    above = parent.id if parent is not None else run.header.parent
    if above is None:
        return {}
    job = _job(parent if parent is not None else run)
    return {"parent": _facet("1-2-0/ParentRunFacet", run={"runId": _uuid(above)}, job=job)}


def _found(run: Run, everything: bool) -> dict[str, Any]:
    """What the record holds: parameters, graph, environment."""
    environment = run.environment
    tree = grow(run, everything)
    parameters = [{"key": key, "value": _text(value)} for key, value in flat(run, everything).items()]
    facets = {
        "executionParameters": _facet("1-0-0/ExecutionParametersRunFacet", parameters=parameters),
        "begat_graph": _own(
            "graph", id=run.id, name=run.name, folded=[group for _, group in hidden(run)], **_graph(run, tree)
        ),
        "begat_environment": _own(
            "environment",
            platform=environment.platform,
            host=environment.host,
            packages=environment.packages,
            git=environment.git,
            seeds={name: _text(plain(value)) for name, value in environment.seeds.items()},
        ),
    }
    if environment.python:
        name = environment.implementation or "Python"
        facets["processing_engine"] = _facet("1-1-1/ProcessingEngineRunFacet", name=name, version=environment.python)
    return facets


def _graph(run: Run, tree: Tree) -> dict[str, Any]:
    nodes = {node.id: node for node in run.nodes}
    sites = {id(node.site): node.site for node in nodes.values()}  # few places, many calls
    places = {number: where(site, run.environment.cwd) for number, site in sites.items()}
    return {
        "constructions": [
            {
                "id": node.id,
                "path": tree.names[node.id],
                "target": node.target,
                "outcome": node.outcome,
                "site": places[id(node.site)],
                "within": maker(node, nodes, tree),
            }
            for node in tree.nodes.values()
        ],
        "uses": [
            {"node": edge.sink, "role": edge.parameter, "used": edge.source}
            for edge in edges(run, tree)
            if edge.parameter is not None
        ],
    }


def _facet(schema: str, /, **told: Any) -> dict[str, Any]:
    name = schema.partition("/")[2]
    url = f"{_SPEC}/facets/{schema}.json#/$defs/{name}"
    return {
        "_producer": PRODUCER,
        "_schemaURL": url,
        **{key: value for key, value in told.items() if value is not None},
    }


def _own(facet: str, /, **told: Any) -> dict[str, Any]:
    return {"_producer": PRODUCER, "_schemaURL": f"urn:begat:openlineage:{facet}", **told}


def _text(value: Any) -> str:
    """*value* as the facet wants it: texts as they are, all else as JSON."""
    if isinstance(value, str):
        return value
    return str(value) if type(value) is int else json.dumps(value, ensure_ascii=False)


def _uuid(run: str) -> str:
    # Always the same for one run, so that a second export adds to what is known of it.
    return str(uuid5(NAMESPACE_URL, f"urn:begat:run:{run}"))
