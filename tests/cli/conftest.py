"""A folder with one kept run, and the command to look at it with."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from begat.record.codec import dumps
from handmade import training


@pytest.fixture
def begat(tmp_path, monkeypatch):
    """Call the command: ``begat("show", "last")``."""
    from begat.cli.main import command

    for name in ("BEGAT_HOME", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    run = training()
    record = tmp_path / ".begat" / "runs" / run.id / "run.json"
    record.parent.mkdir(parents=True)
    record.write_bytes(dumps(run))

    def call(*words, **environment):
        return CliRunner().invoke(command, words, env=environment)

    return call
