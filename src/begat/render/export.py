"""The forms a run can be written in: one table, each form made by its own module, which is imported when it is asked for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from begat.record.collector import resting

if TYPE_CHECKING:
    from begat.record.graph import Run


@dataclass(frozen=True, slots=True)
class Format:
    """A form: its *name*, how its files are called, what it is for, and the function that makes it, ``"module:name"``."""

    name: str
    file: str
    says: str
    maker: str


FORMATS = {
    form.name: form
    for form in (
        Format("html", "run.html", "one page that needs nothing else: tree, graph, parameters, differences", "begat.render.html:html"),
        Format("yaml", "run.yaml", "every argument, nested", "begat.render.export:_yaml"),
        Format("toml", "run.toml", "every argument, nested; nulls are comments", "begat.render.export:_toml"),
        Format("env", "run.env", "every argument as BEGAT__PATH=VALUE", "begat.render.env:env"),
        Format("flat", "run.flat.json", "every argument as one JSON object with dotted keys", "begat.render.export:_flat"),
        Format("json", "run.json", "the record itself", "begat.render.export:_json"),
        Format("dot", "run.dot", "the graph, for Graphviz", "begat.record.dot:dot"),
        Format("mermaid", "run.mmd", "the graph, for Markdown", "begat.render.mermaid:mermaid"),
        Format("prov", "run.prov.json", "W3C PROV-JSON", "begat.render.prov:prov"),
        Format("openlineage", "run.ndjson", "OpenLineage events, one a line", "begat.render.openlineage:openlineage"),
        Format("rocrate", "ro-crate-metadata.json", "the metadata of an RO-Crate 1.1", "begat.render.rocrate:rocrate"),
    )
}  # fmt: skip


def export(
    run: Run, to: str, path: str | os.PathLike[str] | None = None, *, all: bool = False, against: Run | None = None
) -> str:
    """
    *run* as text in the form *to*; with *path*, that file has it too, whole or not at all.

    The forms are ``html``, ``yaml``, ``toml``, ``env``, ``flat``, ``json``, ``dot``, ``mermaid``, ``prov``, ``openlineage`` and
    ``rocrate``. Without *all*, what libraries built for themselves is counted and not told; ``json`` has it always. *against* is
    another run: the page then says what differs from it. Nothing that the record names is imported or called.

    Raises ValueError for a form that is none of these, and for *against* where the form is not ``html``.

    >>> with begat.capture() as run:
    ...     pass
    >>> begat.export(run, "mermaid").splitlines()[0]
    'flowchart LR'
    """
    form = FORMATS.get(to)
    if form is None:
        raise ValueError(f"no form {to!r}{_near(to)}; there are {', '.join(FORMATS)}")
    if against is not None and to != "html":
        raise ValueError(f"{to} tells of one run; only html compares two")
    module, _, name = form.maker.partition(":")
    make = getattr(import_module(module), name)
    with resting():
        text: str = make(run, all) if against is None else make(run, all, against)
    if path is not None:
        from begat.record.files import write

        write(path, text.encode(), private=False)
    return text


def form_of(path: str | os.PathLike[str]) -> str | None:
    """The form that a file called *path* has by its name, if that says one: ``html`` for ``run.html``."""
    name = os.path.basename(os.fspath(path)).lower()
    for form in FORMATS.values():
        if name == form.file:
            return form.name
    # The longest ending first: `.prov.json` before `.json`.
    endings = sorted(
        ((form.file.partition(".")[2], form.name) for form in FORMATS.values()), key=lambda pair: -len(pair[0])
    )
    return next((form for ending, form in endings if name.endswith(f".{ending}")), _ALSO.get(name.rpartition(".")[2]))


_ALSO = {"htm": "html", "yml": "yaml", "gv": "dot", "mermaid": "mermaid"}


def _near(to: str) -> str:
    import difflib

    near = difflib.get_close_matches(to, FORMATS, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


def _yaml(run: Run, everything: bool) -> str:
    from begat.render.yaml import emit

    return _headed(run, emit(run.config(all=everything)))


def _toml(run: Run, everything: bool) -> str:
    from begat.render.toml import emit

    return _headed(run, emit(run.config(all=everything)))


def _headed(run: Run, text: str) -> str:
    """*text* with the run that it is of in its first line, which `begat run --config` reads: it can tell what was changed."""
    from begat.record.plain import escaped

    return f"# run: {escaped(run.id)}\n{_BACK}\n{text}"


_BACK = (
    "# To use it: begat run --config FILE SCRIPT. What is changed here is an override, the rest is left to the code."
)


def _flat(run: Run, everything: bool) -> str:
    from begat.render.yaml import pretty

    return pretty(run.flat(all=everything)) + "\n"


def _json(run: Run, everything: bool) -> str:
    from begat.record.codec import dumps
    from begat.render.yaml import visible, written

    return written(visible(dumps(run).decode()), len(run.nodes))
