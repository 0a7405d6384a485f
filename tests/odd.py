"""A run in which everything that a record can say is hostile: to terminals, shells, browsers and the languages it is written in."""

from __future__ import annotations

from begat.record.graph import Run
from begat.record.model import Argument, CallSite, Environment, Header
from begat.record.values import Ref
from handmade import given, node

ODD = (
    "<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>", "<!--<script>", "javascript:alert(3)", "\u202egnp.exe",
    "{script}{data}{style}", "'\"&`\x1b[31m", "__proto__", "constructor", "模型😀", "a" * 3000, "$(touch hacked)", "`touch hacked`",
    "${HOME}", "it's", "a\\", "line\nline", "style: #fff;", "%%{init: {}}%%", '"]; evil -> x ["', "end", "$$x$$", "fa:fa-car",
    "]]>", "\x00", "\x9b31m", "\u2028", "\\N", "_", "no", "12:30", "1e3", "2026-01-01", "~", "a  b",
)  # fmt: skip


def odd() -> Run:
    """Each of `ODD` as path, target, parameter, key, value, annotation, note, error, site, and in what the run says of itself."""
    nodes = []
    for number, text in enumerate(ODD):
        arguments = {text: Argument(text, {text: text}, "override", text), **given(x=text, y=[text, None])}
        nodes += [
            node(
                2 * number + 1, text, f"{text}:{text}", arguments, number, annotations={text: text}, notes=(text,),
                outcome="raised" if number % 2 else "returned", error=text, site=CallSite(text, 1, text), code=text,
            ),
            node(2 * number + 2, f"user{number}", "m:C", given(taken=Ref(2 * number + 1), others=[{"k": Ref(2 * number + 1)}])),
        ]  # fmt: skip
    values = dict.fromkeys(ODD, 1) | {text: text for text in ODD}
    nodes.append(
        node(999, "surrogate", arguments=given(x="caf\udce9", y=["\udce9"]))
    )  # what a file name may hold, on Linux
    header = Header(
        ODD[1], ODD[0], "not a time", ODD[0], "raised", ODD[1], tuple(ODD), ODD[4], ODD[0], values, tuple(ODD), 3
    )
    git = {"commit": ODD[0], "branch": ODD[1], "dirty": True, "root": ODD[2]}
    return Run(header, tuple(nodes), Environment(ODD[0], ODD[1], ODD[2], ODD[3], ODD[4], ODD[5], values, git, values))
