"""Canaries: keys of the usual services, in every place where programs keep them, are in nothing that begat writes."""

from __future__ import annotations

import base64
import json
import os
import random
import re
import string
import subprocess
import sys

import pytest

import begat
from begat.introspect import secrets
from begat.introspect.secrets import redacted, scrubbed
from begat.record.values import Redacted
from harness import SOURCE

_dice = random.Random(20261122)
_LETTERS = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"
_UPPER = string.ascii_uppercase + string.digits


def some(count, letters=_LETTERS):
    # With a digit near the beginning, as nearly all of that length have.
    return letters[-1] + "".join(_dice.choice(letters) for _ in range(count - 2)) + "1"


# What the service gives out, with the part that nobody may see in braces: all of it where there are none.
FORMATS = {
    "aws": "AKIA" + some(16, _UPPER),
    "aws, for a session": "ASIA" + some(16, _UPPER),
    "github": "ghp_" + some(36),
    "github, fine-grained": f"github_pat_{some(22)}_{some(59)}",
    "gitlab": "glpat-" + some(20),
    "hugging face": "hf_" + some(34),
    "openai": "sk-proj-" + some(48),
    "anthropic": "sk-ant-api03-" + some(95),
    "google": "AIza" + some(35),
    "google, of a client": "GOCSPX-" + some(28),
    "google, for an hour": "ya29." + some(80),
    "slack": f"xoxb-123456789012-1234567890123-{some(24)}",
    "slack, a hook": f"https://hooks.slack.com/services/T{some(8, _UPPER)}/B{some(8, _UPPER)}/{{{some(24)}}}",
    "discord, a hook": f"https://discord.com/api/webhooks/123456789012345678/{{{some(68)}}}",
    "stripe": "sk_live_" + some(24),
    "stripe, restricted": "rk_live_" + some(24),
    "twilio": "SK" + some(32, _HEX),
    "sendgrid": f"SG.{some(22)}.{some(43)}",
    "npm": "npm_" + some(36),
    "pypi": "pypi-AgEIcHlwaS5vcmc" + some(80),
    "a web token": f"eyJ{some(20)}.eyJ{some(30)}.{some(43)}",
    "an rsa key": f"-----BEGIN RSA PRIVATE KEY-----\n{{{some(64)}}}\n{some(64)}\n-----END RSA PRIVATE KEY-----",
    "a pgp key": f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{{{some(64)}}}\n-----END PGP PRIVATE KEY BLOCK-----",
    "azure, storage": f"DefaultEndpointsProtocol=https;AccountName=x;AccountKey={{{some(86)}}}==;EndpointSuffix=core.windows.net",
    "azure, a signed address": f"https://x.blob.core.windows.net/c?sv=2022-11-02&sig={{{some(43)}}}%3D",
    "databricks": "dapi" + some(32, _HEX),
    "digitalocean": "dop_v1_" + some(64, _HEX),
    "telegram": f"123456789:AA{some(33)}",
    "mailchimp": f"{some(32, _HEX)}-us12",
    "shopify": "shpat_" + some(32, _HEX),
    "vault": "hvs." + some(90),
    "groq": "gsk_" + some(52),
    "replicate": "r8_" + some(37),
    "linear": "lin_api_" + some(40),
    "docker hub": "dckr_pat_" + some(27),
    "a bearer": "Bearer {" + some(40) + "}",
    "an address with a password": f"postgres://user:{{{some(16)}}}@host/db",
    "a connection": f"host=x password={{{some(20)}}} dbname=y",
}  # fmt: skip
# No shape tells these: only a name, a type or the user can.
NAMED = {"a password": "correct horse " + some(9), "wandb": some(40, _HEX)}


def whole(form):
    return form.replace("{", "").replace("}", "")


def core(form):
    return form[form.index("{") + 1 : form.index("}")] if "{" in form else form[8:]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("wrap", ["{}", "the error was: {} (401)", '{{"x": "{}"}}', "\n{}\n", "[{}]"])
def test_a_shape_is_known_wherever_it_stands(name, wrap):
    """As a value, inside a text, as bytes, in messages and on the command line."""
    text, hidden = wrap.format(whole(FORMATS[name])), core(FORMATS[name])

    for shown in (
        redacted("x", text),
        redacted("x", [text]),
        redacted("x", {text: 1}),
        scrubbed(text),
        secrets.scrubbed_argv([text]),
    ):
        assert hidden not in repr(shown)


PROGRAM = """\
import collections, dataclasses, enum, functools, json, os, pathlib, random, sys, types, typing, warnings
import numpy as np
import pandas as pd
from pydantic import SecretStr
from opened import found, Opaque

class Client:
    def __init__(self, x=None, *args, api_key=None, hidden: "SecretStr" = None, **kwargs):
        pass

@dataclasses.dataclass
class Config:
    text: str = ""
    password: str = ""
    nested: dict = dataclasses.field(default_factory=dict)

class Failing:
    def __init__(self, text):
        raise ValueError(f"bad key {text}: password={text}")

def defaults(text):
    class Default:
        def __init__(self, x=text, *, url=f"https://u:{text}@h", options={"x": text}):
            pass
    return Default()

def annotated(text):
    class Annotated:
        def __init__(self, x: typing.Literal[text, "b"] = "b"):
            pass
    return Annotated()

Kind = enum.Enum("Kind", "PASSWORD")
Pair = collections.namedtuple("Pair", "text password")
token = os.environ["INNOCENT"]
clients, kept = {}, []
for text, named in [(text, False) for text in found["shaped"]] + [(text, True) for text in found["named"]]:
    # --- by name, type and rule ---
    Client(api_key=text); Client(hidden=text); Client(SecretStr(text)); Client(password=text, secret_token=text)
    Client({"password": text}); Client([{"api_key": [text]}]); Client({"a": {"credentials": {"deep": text}}})
    Client(("X-Api-Key", text)); Client([("Authorization", text)]); Client({"headers": {"Cookie": text}})
    Client(Pair("", text)); Client(types.SimpleNamespace(password=text)); Client(functools.partial(print, password=text))
    Client(f"https://user:{text.strip()}@host/x" if named and " " not in text else None)
    Client([{"name": "DB_PASSWORD", "value": text}]); Config(password=text); Config(nested={"auth": ("me", text)})
    Client({Kind.PASSWORD: text}); Client(enum.Enum("E", {"API_KEY": text}).API_KEY); Client(["--password", text, "-v"])
    Client(f"mysql --password '{text}' -h x"); Client(f"curl -H 'X-Api-Key: {text}'"); Client([["Authorization", text]])
    Client([{"Name": "DB_PASSWORD", "Value": text}]); Client(jwt=text, license_key=text, pw=text)
    if named:
        continue
    # --- by shape ---
    Client(text); Client(1, text); Client(other=text); Client([text]); Client((text,)); Client({text}); Client(frozenset([text]))
    Client({text: 1}); Client({1: text}); Client({"a": [{"b": (text,)}]}); Client(collections.OrderedDict(a=text))
    Client(collections.deque([text])); Client(Pair(text, "")); Client(types.SimpleNamespace(a=text))
    Client(functools.partial(print, text)); Client(enum.Enum("E", {"A": text}).A); Client(text.encode())
    Client(bytearray(text.encode())); Client(f"before {text} after"); Client(f"https://host/x?page=1&key={text}")
    Client(pathlib.Path(text)); Client(np.array([text, "b"])); Client(np.array([text], dtype=object))
    Client(pd.Series([text])); Client(pd.DataFrame({text: [1]})); Client(pd.Index([text])); Client(lambda a=text: a)
    Client(text + "\\n" + "x" * 100_000); Client("x" * 150 + " " + text + " " + "x" * 100_000); Client(range(3), text, [text])
    Client(types.MappingProxyType({"a": text})); Client(collections.Counter([text])); Client(Exception(text))
    Client(str(text)); Client(slice(text)); Client(memoryview(text.encode()))
    clients[text] = Client(1)
    clients["a " + text] = Client(2)
    defaults(text); Config(text=text); annotated(text); random.seed(text)
    try:
        Failing(text)
    except ValueError:
        pass
run = __import__("begat").graph()
run.result(note=found["shaped"][0], password=found["named"][0], error=ValueError(found["shaped"][1]))
with __import__("begat").capture("trial " + found["shaped"][2]):
    Client(found["shaped"][3])
raise RuntimeError("the end: " + " ".join(found["shaped"]))
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A program full of secrets has been run; its folder, and everything that the command showed of it."""
    folder = tmp_path_factory.mktemp("secrets")
    tokens = folder.parent / "tokens.json"
    tokens.write_text(json.dumps({"shaped": [whole(form) for form in FORMATS.values()], "named": list(NAMED.values())}))
    (folder / "program.py").write_text(
        PROGRAM.replace("from opened import found, Opaque", f"found = json.load(open({str(tokens)!r}))")
    )
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "BEGAT_STRICT": "0", "INNOCENT": whole(FORMATS["github"])}
    environment.pop("BEGAT_HOME", None)
    for command in (
        ["git", "init", "-q"], ["git", "add", "."], ["git", "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "x"],
        ["git", "remote", "add", "origin", f"https://me:{whole(FORMATS['gitlab'])}@gitlab.com/x/y.git"],
    ):  # fmt: skip
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    words = [f"--token={NAMED['wandb']}", "--password", NAMED["a password"], *map(whole, FORMATS.values())]
    command = [
        sys.executable,
        "-m",
        "begat",
        "run",
        "--save",
        "saved.json",
        "--name",
        whole(FORMATS["openai"]),
        "program.py",
        "--",
        *words,
    ]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert "the end" in done.stderr
    shown = done.stderr.partition("\nbegat:")[2]
    killed = folder / "killed.py"
    killed.write_text((folder / "program.py").read_text().replace("raise RuntimeError", "os.kill(os.getpid(), 9) #"))
    command[-len(words) - 2] = "killed.py"
    subprocess.run(command, cwd=folder, env=environment, capture_output=True)
    killed.unlink()  # its journal stays
    for verb in (
        ["show"], ["show", "--all"], ["show", "--json"], ["show", "--yaml"], ["show", "--yaml", "--all"], ["show", "--flat"],
        ["show", "--flat", "--all"], ["show", "--dot"], ["params", "last"], ["params", "last", "--json"], ["runs"], ["runs", "--json"],
        ["code", "last"], ["export", "last", "--to", "html"], ["export", "last", "--to", "openlineage"], ["diff", "last", "saved.json"],
    ):  # fmt: skip
        told = subprocess.run(
            [sys.executable, "-m", "begat", *verb], cwd=folder, env=environment, capture_output=True, text=True
        )
        assert told.returncode <= (verb[0] == "diff"), told.stderr
        shown += told.stdout + told.stderr
    return folder, shown


def read(folder):
    """What stands in all files that begat wrote below *folder*."""
    for place, folders, names in os.walk(folder):
        if ".git" in folders:
            folders.remove(".git")
        for name in names:
            if name != "program.py":
                with open(os.path.join(place, name), encoding="utf-8", errors="replace") as file:
                    text = file.read()
                yield os.path.join(place, name), text + "".join(map(decoded, re.findall(r'"([\w+/=]{12,})"', text)))


def decoded(text):
    """*text* from base64, as bytes are written, if it is that."""
    try:
        return base64.b64decode(text, validate=True).decode("latin-1")
    except ValueError:
        return ""


@pytest.mark.parametrize("name", [*FORMATS, *NAMED])
def test_no_canary_is_in_any_file(name, written):
    """The record, the saved copy and whatever else lies in the folder."""
    folder, shown = written
    hidden = core((FORMATS | NAMED)[name])
    spellings = {hidden, hidden[:16] if len(hidden) > 24 else hidden, json.dumps(hidden)[1:-1]}
    files = dict(read(folder))

    assert len([file for file in files if file.endswith(".json")]) == 2
    assert len([file for file in files if file.endswith(".jsonl")]) == 2
    for file, text in files.items():
        for spelling in spellings:
            at = text.find(spelling)
            assert at < 0, f"{file}: {text[max(0, at - 300) : at + 20]}"
    for spelling in spellings:
        at = shown.find(spelling)
        assert at < 0, f"shown: {shown[max(0, at - 300) : at + 20]}"


def test_the_record_is_one_all_the_same(written):
    """What is hidden is marked, the rest is there."""
    folder, _ = written
    run = begat.load(folder / "saved.json")

    assert len(run.nodes) > 50 * len(FORMATS)
    assert run.header.error == "builtins:RuntimeError"
    assert type(run.header.result["password"]) is Redacted


def test_a_failing_redaction_costs_the_value(monkeypatch, track):
    """Whatever goes wrong while it is decided what is a secret, the value is not shown."""

    class Net:
        def __init__(self, x, y=1):
            pass

    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setenv("BEGAT_STRICT", "0")
    track(Net)
    for name in ("_by_shape", "is_secret_name", "_held"):
        with monkeypatch.context() as patch, begat.capture() as run:
            patch.setattr(secrets, name, broken)
            Net(["a canary of a text", {"b": "another canary"}])
            shown = (
                repr(run.nodes[0].params)
                + repr(scrubbed("password=canary"))
                + repr(secrets.scrubbed_argv(["--password=canary"]))
            )
            run.result(note=["a canary of a text", {"b": "canary"}])
            shown += repr(run.header.result)
        assert "canary" not in shown.replace("password=***", "")
        assert run.nodes[0].params["y"] == 1


def test_a_mask_tells_nothing_of_what_is_behind_it():
    """Neither a digest nor a length: two secrets look the same."""
    assert redacted("password", "a") == redacted("password", "b" * 99)
    assert redacted("x", "ghp_" + "a1" * 18) == redacted("x", "hf_" + "b1" * 17)
