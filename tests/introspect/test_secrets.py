"""Secrets are masked wherever in an argument they are, and what is no value of its own is resolved there too."""

from __future__ import annotations

import enum
import functools
import types
from collections import OrderedDict, deque
from typing import NamedTuple

import pytest

import begat
from begat.introspect.secrets import is_secret_name, redacted
from begat.record.values import Array, Opaque, Redacted, Ref

CANARY = "CANARY-of-a-password"
TOKEN = "sk-" + "CANARY" * 5


class Login(NamedTuple):
    password: str


@pytest.mark.parametrize(
    "value",
    [
        {"password": CANARY},
        [{"password": CANARY}],
        {(1, 2): {"password": CANARY}},
        OrderedDict(password=CANARY),
        types.SimpleNamespace(password=CANARY),
        functools.partial(print, password=CANARY),
        Login(CANARY),
        {TOKEN},
        deque([TOKEN]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_secret_is_masked_at_any_depth(value):
    """Neither a name nor a shape is overlooked because of the container that holds the value."""

    class Net:
        def __init__(self, x):
            pass

    begat.trackable(Net)
    with begat.capture() as run:
        Net(value)
    begat.untrack(Net)

    assert "CANARY" not in repr(run.nodes[0].params)


def test_a_tracked_object_in_an_enum_member_is_an_edge():
    """The value of a member is looked into, as all that holds values is."""

    class Part:
        def __init__(self):
            pass

    class Net:
        def __init__(self, x):
            pass

    begat.trackable(Part)
    begat.trackable(Net)
    with begat.capture() as run:
        part = Part()
        Net(enum.Enum("Parts", {"FIRST": (part, 1)}).FIRST)
    begat.untrack(Part)
    begat.untrack(Net)

    assert run.nodes[1].params["x"].value == (Ref(0), 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("headers", {"Authorization": CANARY, "Cookie": CANARY, "X-Api-Key": CANARY, "Proxy-Authorization": CANARY}),
        ("headers", [("Authorization", CANARY), ("X-Api-Key", CANARY)]),
        ("env", [{"name": "DB_PASSWORD", "value": CANARY}]),
        ("auth", ("user", CANARY)),
        ("tokens", {"a": CANARY}),
        ("secrets", {"deep": {"er": [CANARY]}}),
        ("data", {b"password": CANARY, ("password",): CANARY}),
        ("url", f"https://host/x?api_key={CANARY}&page=1"),
        ("url", f"https://host/x?token={CANARY}"),
        ("dsn", f"Server=x;Password={CANARY} and CANARY;Timeout=3"),
        ("dsn", f"host=x password={CANARY} dbname=y"),
        ("command", f"curl -H 'Authorization: Bearer {CANARY}' host"),
        ("command", f"--password={CANARY}"),
        ("text", f'{{"password": "{CANARY} CANARY", "a": 1}}'),
        ("text", f"user: me\npassword: {CANARY}\n"),
        ("value", f"Bearer {CANARY}"),
        ("value", "Basic Q0FOQVJZ"),
        ("data", {TOKEN: 1, "a": 2}),
        ("data", {TOKEN: 1, "sk-" + "CANARX" * 5: 2}),
        ("array", Array("numpy:ndarray", "str", (1,), [TOKEN])),
        ("array", Opaque("m:C", {"password": CANARY, "reason": TOKEN})),
    ],
)
def test_a_secret_is_masked_by_where_and_how_it_stands(name, value):
    """Header names, pairs, names inside a text and the shape of a value give a secret away."""
    shown = repr(redacted(name, value))

    assert "CANAR" not in shown
    assert "Q0FOQVJZ" not in shown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            (name, "text")
            for name in ("tokenizer", "pad_token", "eos_token", "unk_token", "author", "key", "passes", "low_pass")
        ),
        *((name, "7") for name in ("max_tokens", "num_tokens", "eos_token_id", "key_dim", "num_heads", "session")),
        ("tokens", ["Hello", "world"]),
        ("tokens", {"bos": "<s>", "eos": "</s>"}),
        ("special", {"pad_token": "<pad>", "additional_special_tokens": ["<a>"]}),
        ("environ", {"PWD": "/home/me", "OLDPWD": "/home"}),
        ("columns", ["password", "name"]),
        ("prompt", "Classify each token: is it a noun? token={token}"),
        ("prompt", "Write this as key=value; say Basic training, Bearer of news: yes."),
        ("url", "https://host/x?page=1&key_dim=3"),
        ("expression", "a = b; max_tokens=5"),
        ("password", None),
    ],
)
def test_the_words_of_the_field_are_no_secrets(name, value):
    """Vocabularies, prompts and folders stay as they are."""
    assert redacted(name, value) == value


def test_none_is_shown_where_a_secret_was_asked_to_be_hidden():
    """That there is no password is no secret."""
    assert redacted("x", None, frozenset({"x"})) is None
    assert redacted("x", 5, frozenset({"x"})) == Redacted("int", "asked")


@pytest.mark.parametrize("option", ["--token", "--hf-token", "--auth", "--db-pass", "session_id"])
def test_options_and_parameters_share_their_words(option):
    """What hides an argument hides an option of that name."""
    assert is_secret_name(option)
    assert is_secret_name(option.lstrip("-").replace("-", "_"))


def test_an_annotation_tells_a_secret():
    """A parameter annotated as SecretStr is masked, whatever is passed."""
    SecretStr = str  # noqa: N806  # only the text of the annotation is looked at

    class Client:
        def __init__(self, one: "SecretStr", two: "SecretStr | None" = None, three: "SecretStr | None" = None):
            pass

    begat.trackable(Client)
    with begat.capture() as run:
        Client(CANARY, two=CANARY)
    begat.untrack(Client)

    assert SecretStr is str
    assert run["Client"].params == {"one": Redacted("str", "asked"), "two": Redacted("str", "asked"), "three": None}


def test_a_pydantic_field_annotated_as_a_secret_is_masked():
    """Also before pydantic has made a SecretStr of it."""
    pydantic = pytest.importorskip("pydantic")
    model = pydantic.create_model("Model", key_=(pydantic.SecretStr, ...), more=(pydantic.SecretStr | None, None))
    begat.trackable(model)
    with begat.capture() as run:
        model(key_=CANARY, more=CANARY)
    begat.untrack(model)

    assert len(run) == 1
    assert "CANARY" not in repr(run.nodes[0].params)


def test_the_result_of_a_run_is_masked_too():
    """`run.result` is recorded like arguments."""
    with begat.capture() as run:
        run.result(password=CANARY, headers={"api_key": CANARY}, loss=0.5)

    assert run.header.result["loss"] == 0.5
    assert "CANARY" not in repr(run.header.result)
