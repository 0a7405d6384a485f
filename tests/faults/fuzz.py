"""
What reads files of others, fuzzed with coverage as the guide: records, journals, files of overrides.

    pip install atheris pyyaml
    PYTHONPATH=src:tests python tests/faults/fuzz.py -max_total_time=600 -rss_limit_mb=2048 -timeout=10

Whatever the bytes, they are read or refused with one of begat's own errors. The options are libFuzzer's.
"""

from __future__ import annotations

import os
import sys
import tempfile

import atheris

with atheris.instrument_imports(include=["begat"]):
    from begat.capture import merging
    from begat.errors import InvalidRecord, OverrideError
    from begat.record import codec, lines, views
    from begat.render import table, tree
    from begat.replay import sources

from test_hostile import JOURNAL

from handmade import training

FOLDER = tempfile.mkdtemp()


def record(data: bytes) -> None:
    run = codec.loads(data)
    list(tree.lines(run, everything=True)), list(table.rows(run, everything=True))
    views.flat(run, everything=True), views.config(run, everything=False)
    assert codec.dumps(codec.loads(codec.dumps(run))) == codec.dumps(run)


def journal(data: bytes) -> None:
    place = os.path.join(FOLDER, "journal")
    os.makedirs(place, exist_ok=True)
    with open(os.path.join(place, "1-a.jsonl"), "wb") as file:
        file.write(JOURNAL + data)
    codec.dumps(merging.load(FOLDER))


def overrides(data: bytes, ending: str) -> None:
    path = os.path.join(FOLDER, f"o.{ending}")
    with open(path, "wb") as file:
        file.write(data)
    sources.from_file(path)


WAYS = [record, journal, *(lambda data, e=ending: overrides(data, e) for ending in ("yaml", "json", "toml"))]


def one(data: bytes) -> None:
    if data:
        try:
            WAYS[data[0] % len(WAYS)](data[1:])
        except (InvalidRecord, OverrideError):
            pass


def seeds(folder: str) -> str:
    whole = codec.dumps(training())
    rows = [
        {"number": 0, "target": "m:N", "kind": "class", "code": None, "annotations": {}, "starred": [None, None],
         "positional": 0, "notes": [], "names": ["a", "b"], "defaults": {"b": 1}},
        [0, ["f.py", 1, "f", None], True, False, [["x"], False, False, False, None]],
        [0, 0, 0, None, {"a": {"$tuple": [1, {"$ref": 0}]}}],
        [0, None, "E", False, None, None, None],
    ]  # fmt: skip
    said = b"".join(map(lines.line, (lines.SCHEMA, lines.PLACE, lines.ROW, lines.FATE), rows))
    texts = (whole, said, b"model: &a {lr: 1, b: [*a, 'x']}\n", b'{"model": {"lr": 1}}', b"[model]\nlr = 1\n")
    for number, text in enumerate(texts):
        with open(os.path.join(folder, str(number)), "wb") as file:
            file.write(bytes([number]) + text)
    return folder


if __name__ == "__main__":
    atheris.Setup([*sys.argv, seeds(tempfile.mkdtemp())], one)
    atheris.Fuzz()
