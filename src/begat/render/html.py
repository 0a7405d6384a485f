"""A run as one HTML file that needs nothing else: tree, graph, parameters, call sites, environment, and what differs.

Invariant: what a record says is data to the page. It stands in one island of JSON in which no tag can begin or end, and the
page's script hands it on as text. A policy in the page's own head allows that script and that style, by digest, and no network.
"""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from typing import TYPE_CHECKING

from begat.render.page import page

if TYPE_CHECKING:
    from begat.record.graph import Run

_SCRIPTS = ("parts.js", "graph.js", "page.js")
_ISLAND = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def html(run: Run, everything: bool = False, against: Run | None = None) -> str:
    """*run* as the text of a page, with what differs from the run *against*."""
    style, script = _asset("page.css"), "".join(map(_asset, _SCRIPTS))
    data = json.dumps(page(run, everything, against), separators=(",", ":")).translate(_ISLAND)
    parts = {
        "style-hash": _digest(style),
        "script-hash": _digest(script),
        "style": style,
        "script": script,
        "data": data,
    }
    # In one pass over the template: a record that says `{script}` is no place to put one.
    pieces = _asset("page.html").split("{")
    return pieces[0] + "".join(parts[name] + rest for name, _, rest in (piece.partition("}") for piece in pieces[1:]))


def _asset(name: str) -> str:
    return (files("begat.render") / "assets" / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
