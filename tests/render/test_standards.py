"""PROV-JSON, OpenLineage and RO-Crate: what is written is read back by the tools of those who made the standards."""

from __future__ import annotations

import importlib.util
import json

import pytest

from begat.record.graph import Run
from begat.record.model import Argument, Environment, Header
from begat.record.values import Opaque, Redacted, Ref
from begat.render.export import export
from handmade import given, node, run, training
from odd import odd


def needs(name):
    return pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"{name} is not installed")


RUNS = pytest.mark.parametrize("make", [training, odd, run], ids=lambda make: make.__name__)


# --- PROV ---------------------------------------------------------------------------------------------------------------
def prov_bundle(made):
    from prov.model import ProvDocument

    document = ProvDocument.deserialize(content=export(made, "prov"), format="json")
    (bundle,) = document.bundles
    return bundle


def attributes(record):
    return {str(name): str(value) for name, value in record.attributes}


@needs("prov")
def test_a_construction_is_an_activity_that_generates_an_entity():
    """Node, argument, target and environment are what the design calls them in PROV's terms."""
    from prov.model import ProvActivity, ProvAgent, ProvAssociation, ProvEntity, ProvGeneration, ProvUsage

    bundle = prov_bundle(training())
    labels = {str(r.identifier): str(r.label) for r in bundle.get_records((ProvEntity, ProvActivity))}
    made = {attributes(r)["prov:activity"]: attributes(r)["prov:entity"] for r in bundle.get_records(ProvGeneration)}
    usages = [attributes(r) for r in bundle.get_records(ProvUsage)]
    plans = {
        attributes(r)["prov:activity"]: attributes(r).get("prov:plan") for r in bundle.get_records(ProvAssociation)
    }

    assert labels["call:2"] == labels["object:2"] == "model"
    assert made["call:2"] == "object:2"
    assert "call:8" not in made  # it raised
    assert plans["call:2"] == "target:train%3ANet"
    assert [str(agent.identifier) for agent in bundle.get_records(ProvAgent)] == ["here:environment"]
    enc, hidden = [usage for usage in usages if usage["prov:activity"] == "call:2"][:2]
    assert (enc["prov:role"], enc["prov:entity"]) == ("enc", "object:1")
    assert (hidden["prov:role"], hidden["begat:source"], hidden["begat:was"]) == ("hidden", "override", "128")


@needs("prov")
def test_lineage_can_be_followed_through_containers_and_constructors():
    """What went into an object is what it was derived from; what was built inside was started by it."""
    from prov.model import ProvDerivation, ProvStart

    bundle = prov_bundle(training())
    derived = {tuple(map(str, record.args[:2])) for record in bundle.get_records(ProvDerivation)}
    started = {attributes(r)["prov:activity"]: attributes(r)["prov:starter"] for r in bundle.get_records(ProvStart)}

    assert {("object:2", "object:1"), ("object:6", "object:5"), ("object:7", "object:6")} <= derived
    assert started["call:3"] == "call:2"
    assert started["call:2"] == "here:run"


@needs("prov")
def test_values_are_literals_of_their_kind():
    """Numbers stay numbers, containers are JSON, and what is only described says so."""
    values = {"i": 3, "f": 0.5, "b": True, "n": None, "l": [1, 2], "nan": float("nan"), "big": 2**70, "s": "a"}
    bundle = prov_bundle(run(node(1, "m", arguments=given(**values, o=Opaque("io:File"), r=Redacted("str", "name")))))
    found = {}
    for position, name in enumerate([*values, "o", "r"]):
        (entity,) = bundle.get_record(f"argument:1.{position}")
        found[name] = next(iter(entity.value))
        described = "begat:Description" in {str(kind) for kind in entity.get_asserted_types()}
        assert described == (name in "or")

    assert (found["i"], found["f"], found["b"], found["s"]) == (3, 0.5, True, "a")
    assert (found["l"].value, str(found["l"].datatype)) == ("[1, 2]", "rdf:JSON")
    assert found["n"].value == "null"
    assert str(found["big"]) == str(2**70)


@needs("prov")
@RUNS
@pytest.mark.filterwarnings("error")
def test_prov_survives_its_own_toolkit(make):
    """Read by the toolkit, written by it and read again, a document is the same."""
    from prov.model import ProvDocument

    document = ProvDocument.deserialize(content=export(make(), "prov"), format="json")

    assert ProvDocument.deserialize(content=document.serialize(format="json"), format="json") == document
    assert document.get_provn()


# --- OpenLineage --------------------------------------------------------------------------------------------------------
def events(made):
    return [json.loads(line) for line in export(made, "openlineage").splitlines()]


FACETS = {
    "executionParameters": ("execution_parameters_run", "ExecutionParametersRunFacet"),
    "processing_engine": ("processing_engine_run", "ProcessingEngineRunFacet"),
    "errorMessage": ("error_message_run", "ErrorMessageRunFacet"),
    "parent": ("parent_run", "ParentRunFacet"),
    "jobType": ("job_type_job", "JobTypeJobFacet"),
    "sourceCodeLocation": ("source_code_location_job", "SourceCodeLocationJobFacet"),
}


def checked(name, facet):
    """Make the client's own type of a standard facet; it checks names and values. A facet of begat's own has the two that all have."""
    from importlib import import_module

    facet = dict(facet)
    producer, schema = facet.pop("_producer"), facet.pop("_schemaURL")
    if name.startswith("begat_"):
        assert producer.startswith("urn:begat")
        assert schema
        return
    module, kind = FACETS[name]
    cls = getattr(import_module(f"openlineage.client.generated.{module}"), kind)
    assert cls(**facet)._schemaURL == schema


@needs("openlineage")
@RUNS
def test_events_are_those_of_the_client(make):
    """Each event can be made of the client's types, and each standard facet too, under the schema that it names."""
    from openlineage.client.event_v2 import Job, RunEvent, RunState
    from openlineage.client.event_v2 import Run as LineageRun

    for event in events(make()):
        facets, job_facets = event["run"]["facets"], event["job"]["facets"]
        made = RunEvent(
            eventTime=event["eventTime"],
            producer=event["producer"],
            eventType=RunState(event["eventType"]),
            run=LineageRun(runId=event["run"]["runId"]),
            job=Job(namespace=event["job"]["namespace"], name=event["job"]["name"]),
        )
        assert made.schemaURL == event["schemaURL"]
        for name, facet in [*facets.items(), *job_facets.items()]:
            checked(name, facet)


def test_a_run_starts_and_ends_once():
    """Both events are of one run, the same at every export; how it ended is in OpenLineage's words."""

    def kinds(outcome):
        return [
            event["eventType"] for event in events(Run(Header("r", outcome=outcome, started="2026-01-01T00:00:00Z")))
        ]

    assert kinds("finished") == ["START", "COMPLETE"]
    assert kinds("raised") == ["START", "FAIL"]
    assert kinds("killed") == ["START", "ABORT"]
    assert kinds("running") == ["START", "RUNNING"]
    assert len({event["run"]["runId"] for _ in range(2) for event in events(training())}) == 1


def test_parameters_and_graph_are_facets():
    """Every argument is an execution parameter; uses and what was built inside are in the graph."""
    facets = events(training())[1]["run"]["facets"]

    found = {item["key"]: item["value"] for item in facets["executionParameters"]["parameters"]}
    assert found["model.hidden"] == "256"
    assert set(found) == set(training().flat())
    assert {"node": 2, "role": "enc", "used": 1} in facets["begat_graph"]["uses"]
    assert {"path": "model.dropout", "within": 2}.items() <= facets["begat_graph"]["constructions"][2].items()


def test_a_run_inside_names_its_parent():
    """The parent facet leads to the run it was opened in."""
    outer = Run(Header("outer", "all"), children=(Run(Header("inner", "one", parent="outer")),))
    first, _, inner, _ = events(outer)

    assert inner["run"]["facets"]["parent"]["run"]["runId"] == first["run"]["runId"]


# --- RO-Crate -----------------------------------------------------------------------------------------------------------
def crate(made):
    return {entity["@id"]: entity for entity in json.loads(export(made, "rocrate"))["@graph"]}


@needs("rocrate")
@RUNS
def test_a_crate_is_read_by_its_library(make, tmp_path):
    """The library finds the root, the profile, and every entity."""
    from rocrate.rocrate import ROCrate

    (tmp_path / "ro-crate-metadata.json").write_text(export(make(), "rocrate"), encoding="utf-8")
    read = ROCrate(str(tmp_path))

    assert read.root_dataset["conformsTo"].id == "https://w3id.org/ro/wfrun/process/0.5"
    assert {entity.id for entity in read.get_entities()} >= set(crate(make()))


@RUNS
def test_a_crate_is_flat_and_whole(make):
    """Every reference leads to an entity of the crate or to the web; no value is nested: RO-Crate's JSON-LD is flat."""
    graph = crate(make())

    assert len(graph) == len(json.loads(export(make(), "rocrate"))["@graph"])
    for entity in graph.values():
        for value in (item for found in entity.values() for item in (found if isinstance(found, list) else [found])):
            if isinstance(value, dict):
                assert set(value) == {"@id"}
                assert value["@id"] in graph or value["@id"].startswith(("https://", "http://"))


def test_actions_use_values_and_other_actions_results():
    """The profile's shape: a CreateAction's instrument is what was called, its objects are the arguments, its result the object."""
    graph = crate(training())
    call = graph["#20261122-104501-3fa9c2/call/2"]
    objects = [graph[item["@id"]] for item in call["object"]]

    assert call["@type"] == "CreateAction"
    assert graph[call["instrument"]["@id"]]["name"] == "train:Net"
    assert [(item["name"], item["value"]) for item in objects] == [
        ("model.enc", "train:Encoder"), ("hidden", 256), ("dropout", 0.1),
    ]  # fmt: skip
    assert graph[call["result"]["@id"]]["name"] == "model"
    assert "result" not in graph["#20261122-104501-3fa9c2/call/8"]
    assert graph["#20261122-104501-3fa9c2/call/3"]["isPartOf"] == {"@id": "#20261122-104501-3fa9c2/call/2"}


@pytest.mark.parametrize("form", ["prov", "openlineage", "rocrate"])
def test_numbers_and_seeds_beyond_json_are_told(form):
    """Integers beyond 64 bits, bytes and arrays as seeds or results break no writer."""
    header = Header("r", outcome="finished", result={"big": 2**70, "f": float("inf")})
    wide = node(1, "m", arguments={"x": Argument("x", 2**70), "y": Argument("y", (Ref(5), b"\xff", {2**70}))})

    text = export(Run(header, (wide,), Environment(seeds={"numpy": 2**70, "random": b"\x00\xff"})), form)

    assert str(2**70) in text


def test_a_pipeline_of_scikit_learn_in_every_standard():
    """A real record: what a pipeline takes can be followed in each of them."""
    pytest.importorskip("sklearn")
    import begat

    with begat.capture() as recorded:
        watch = begat.watch("sklearn.svm", "sklearn.pipeline")
        from sklearn.pipeline import Pipeline
        from sklearn.svm import SVC

        pipe = Pipeline([("svc", SVC(C=0.5))])
        watch.remove()

    svc, whole = recorded["pipe.steps.0.1"].id, begat.provenance(pipe).id
    derived = {
        "prov:generatedEntity": f"object:{whole}",
        "prov:usedEntity": f"object:{svc}",
        "prov:activity": f"call:{whole}",
    }
    assert derived in prov_json(recorded)["wasDerivedFrom"].values()
    assert {"node": whole, "role": "steps.0.1", "used": svc} in events(recorded)[-1]["run"]["facets"]["begat_graph"][
        "uses"
    ]
    assert {"@id": f"#{recorded.id}/object/{svc}"} in crate(recorded)[f"#{recorded.id}/call/{whole}"]["object"]


def prov_json(made):
    (bundle,) = json.loads(export(made, "prov"))["bundle"].values()
    return bundle
