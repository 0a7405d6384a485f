"""Run by the tests in a process of its own: every hostile target at every entry point, with an audit hook listening."""

from __future__ import annotations

import difflib  # noqa: F401  # of the standard library: names that lead nowhere are compared by it
import json
import sys
from pathlib import Path

import begat
import begat.capture.laziness
import begat.cli.code
import begat.cli.rebuild
import begat.render.yaml
import begat.replay.codegen
import begat.replay.forms
import begat.replay.printing
from begat.errors import BegatError
from begat.record.codec import dumps, loads
from begat.record.values import Member, Ref, Symbol, Typed
from begat.replay.rebuild import prepare
from handmade import given, node, run
from replay.hostile import TARGETS

HEARD: list[tuple[str, str]] = []
LISTEN = (
    "import", "open", "exec", "compile", "subprocess.Popen", "socket", "os.", "shutil", "ctypes", "pickle", "marshal",
    "code.__new__", "webbrowser", "urllib", "ftplib", "sqlite3", "tempfile", "signal",
)  # fmt: skip


def listening(event: str, args: tuple[object, ...]) -> None:
    if HEARD is not None and event.startswith(LISTEN):
        HEARD.append((event, repr(args[0])[:200] if args else ""))


def records(target: str) -> dict[str, object]:
    """The places of a record in which *target* can stand."""
    good = "hostlib:Plain"
    found = {
        "of " + kind: run(node(1, "x", target, given(a="echo x"), kind=kind))
        for kind in ("class", "function", "factory")
    }
    values = {
        "class": Symbol(target, "class"),
        "function": Symbol(target, "function"),
        "module": Symbol(target.partition(":")[0], "module"),
        "in a list": [{"a": (Symbol(target, "function"),)}],
        "in a partial": Typed(
            "functools:partial", {"func": Symbol(target, "function"), "args": ("echo x",), "keywords": {}}
        ),
        "of a method": Typed("builtins:method", {"function": Symbol(target, "function"), "self": Ref(1)}),
        "of a subclass": Typed(target, {"a": 1}),
        "of a text": Typed(target, "echo x"),
        "of a member": Member(target, "A", 1),
    }
    for where, value in values.items():
        found[where] = run(node(1, "y", good), node(2, "x", good, given(a=value)))
    return found


def attack(policy: list[object]) -> list[str]:
    """What went through, or was heard, under *policy*."""
    hostlib = sys.modules["hostlib"]
    failed = []
    for target in TARGETS:
        for where, record in records(target).items():
            HEARD.clear()
            hostlib.CALLS.clear()
            record = loads(dumps(record))
            record.config(all=True), record.flat(all=True)
            record.to_python()
            begat.replay.codegen.generate(record, "x", defaults=True)
            prepared = prepare(record, "x", allow=policy)
            list(begat.replay.printing.lines(prepared.plan, prepared.resolver))
            for options in ({}, {"lazy": True}, {"overrides": {"x.b": 1}}, {"moved": {"m": "os"}}):
                try:
                    begat.rebuild(record, "x", allow=policy, **options)
                except BegatError:
                    continue
                failed.append(f"{target!r} {where} was built")
            heard = [
                event for event in HEARD if not (event[0] == "import" and event[1].strip("'").startswith("hostlib"))
            ]
            if heard or hostlib.CALLS:
                failed.append(f"{target!r} {where}: {heard} {hostlib.CALLS}")
    return failed


if __name__ == "__main__":
    import hostlib

    # What the first of everything loads is not the matter.
    first = run(node(1, "x", "hostlib:Plain", given(a=1)), node(2, "y", "m:C", given(a=Symbol("m:f", "function"))))
    first = loads(dumps(first))
    first.config(all=True), first.flat(all=True), first.to_python()
    list(begat.replay.printing.lines(*(lambda p: (p.plan, p.resolver))(prepare(first, "y"))))
    try:
        begat.rebuild(first, "y", overrides={"y.a": "2"})
    except BegatError:
        pass
    begat.rebuild(run(node(1, "x", "hostlib:Plain", given(a=1))), "x", allow=[hostlib.Plain], lazy=True)
    run(node(1, "x", "hostlib:Plain", given(a=Symbol("hostlib:Plain")))).to_python()
    policies = {"none": [], "pattern": ["hostlib.*"], "exact": ["hostlib:Plain"], "object": [hostlib.Plain]}
    sys.addaudithook(listening)
    found = {name: attack(policy) for name, policy in policies.items()}
    Path(sys.argv[1]).write_text(json.dumps(found))
