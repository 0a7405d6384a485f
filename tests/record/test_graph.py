"""Asking a run: what is there, and what is said of what is not."""

from __future__ import annotations

import re

import pytest

from handmade import training


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ("model.hiden", KeyError, "did you mean"),
        ("model.hidden", KeyError, "it is a parameter: run['model'].params['hidden']"),
        ("nothing like it", KeyError, "it has 248 paths"),
        (99, KeyError, "no node 99"),
        (None, TypeError, "not for NoneType"),
        (1.0, TypeError, "not for float"),
        ([], TypeError, "not for list"),
    ],
    ids=str,
)
def test_what_is_not_there_is_told_with_what_is(asked, error, said):
    """The error is that of a dictionary, its text leads on."""
    with pytest.raises(error, match=re.escape(said)):
        training()[asked]


def test_what_a_run_holds():
    """Its nodes, their ids and their paths; nothing else, whatever is asked."""
    run = training()

    assert all(node in run and node.id in run and node.path in run for node in run)
    assert not any(other in run for other in (99, "nothing", None, [], 1.5))
