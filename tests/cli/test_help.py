"""`--help` of every verb."""

from __future__ import annotations

import pytest

from begat.cli.main import VERBS


@pytest.mark.parametrize("verb", [(), *((verb,) for verb in VERBS)], ids=lambda verb: " ".join(verb) or "begat")
def test_help_ends_with_examples_line_by_line(begat, verb):
    """Each example stands on a line of its own, and no control character is left in the text."""
    lines = begat(*verb, "--help").output.splitlines()
    at = lines.index("  Examples:")

    assert all(line.startswith("    begat ") for line in lines[at + 1 :])
    assert len(lines) > at + 2
    assert "\b" not in "".join(lines)
    assert "\\b" not in "".join(lines)


@pytest.mark.parametrize(("word", "meant"), [("shwo", "show"), ("train.py", "run train.py"), ("zzz", None)])
def test_a_word_that_is_no_verb(begat, word, meant, tmp_path):
    """The message says what to type: people forget `run`."""
    (tmp_path / "train.py").write_text("")

    done = begat(word, "--lr", "3")

    assert done.exit_code == 2
    assert (f"did you mean 'begat {meant}'?" in done.output) is (meant is not None)
