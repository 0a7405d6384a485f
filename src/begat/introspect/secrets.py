"""Secrets, among the arguments of calls and on the command line: masked before anything of a record leaves the process."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path, PurePosixPath, PureWindowsPath

from begat.introspect.shapes import BEARER, SCHEME, SIGNED, SPOKEN, TOKENS, USERINFO
from begat.record.values import NUMBERS, Array, Cut, Member, Opaque, Redacted
from begat.record.values import Mapping as Pairs
from begat.record.walk import rebuilt

MASK = "***"
# Words that make any name a secret's, words that do at the end of one, and pairs of words; all of them in lower case.
_SECRETS = frozenset(
    "password passwords passwd passphrase pwd pw jwt secret secrets apikey apikeys credential credentials authorization bearer "  # noqa: SIM905
    "cookie cookies sessionid".split()
)
_LAST = frozenset(("auth", "cred", "creds"))
_KEYS = frozenset("api access secret private account signing encryption ssh".split())  # noqa: SIM905
_PAIRS = frozenset((kind, key) for kind in _KEYS for key in ("key", "keys")) | {("id", "token"), ("session", "id")}
_PAIRS |= {(whose, "key") for whose in ("auth", "license", "master", "service", "session", "shared", "subscription")}
# Filters have a low pass and a high pass.
_PAIRS |= {(whose, "pass") for whose in ("db", "user", "login", "admin", "root", "proxy", "smtp", "ftp", "mail", "my")}
# In this field most tokens are words of a vocabulary (pad_token, unk_token): only these companions make one a secret.
_KEEPERS = frozenset(
    "auth access api hf hub bearer refresh github gitlab personal login session wandb slack bot".split()  # noqa: SIM905
)
_SHORTEST = 8  # no text shorter than this can be told for a secret by its shape
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_TYPE = re.compile(r"\bSecret(?:Str|Bytes)?\b")
# In a text: `name=`, `"name":`, and `name:` where a line or a quotation begins; `--name `.
_NAMED = re.compile(
    r"""(?<![\w.-])([\w.-]+)=|(["'])([\w.-]+)\2\s*[:=]\s*|(?:^[ \t]*(?:- )?|(?<=["']))([\w-]+):[ \t]+|(?<!\S)--([\w-]+)[ \t]+(?!-)""",
    re.MULTILINE,
)
_VALUE = re.compile(
    r"""(["'])(?:\\.|(?!\1).)*\1?|(?:(?:bearer|basic|token)\s+)?[^\s"'&,;}\]]+""", re.DOTALL | re.IGNORECASE
)
_LINE = re.compile(r"""[^\s"'][^\r\n"']*""")
_FIELD = re.compile(r"[^;]+")
_FIELDS = re.compile(r"\s*[\w .-]+=[^;=]*;")  # "Server=x;Password=a b"
_TEMPLATE = re.compile(r"""["']?(?:\{[\w.]*\}|\$\{\w+\}|<[\w -]+>|%\(\w+\)s)["']?(?=[\s&;,.)\]}]|\Z)""")
_HEADER = re.compile(r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)\s*:[ \t]*[^\r\n\"']+")
_PATHS = (PurePosixPath, PureWindowsPath, type(Path()))
_WHOLE = re.compile(r"(-{0,2}[\w.-]+)(=)(.*)", re.DOTALL)


# --- arguments --------------------------------------------------------------------------------------------------------
def redacted(name: str, value: object, names: frozenset[str] = frozenset()) -> object:
    """*value*, or a `Redacted` in its place: *names* always, others by name or, for strings, by shape."""
    try:
        return _redacted(name, value, names)
    except Exception:  # an error here must cost the value, never the mask
        return Redacted(type(value).__name__, "error")


def _redacted(name: str, value: object, names: frozenset[str]) -> object:
    if name in names:
        return Redacted(type(value).__name__, "asked") if value is not None else None
    kind = type(value)
    if kind is str or kind is bytes or kind is Cut:
        if is_secret_name(name) and not _is_folder(name, value):
            return Redacted(kind.__name__ if kind is not Cut else value.type, "name")  # type: ignore[attr-defined]
        if kind is str:
            return _by_shape(value)
        if kind is bytes:
            text = value.decode("latin-1")  # type: ignore[attr-defined]
            return value if _by_shape(text) is text else Redacted("bytes", "shape")
    if kind is list or kind is tuple:
        if all(type(item) in NUMBERS for item in value):  # type: ignore[attr-defined]
            return value  # the common case, told fast
        if _is_pair(value):
            return kind((_by_shape(value[0]), _redacted(value[0], value[1], names)))  # type: ignore[index]
        return kind(_listed(name, value, names))  # type: ignore[arg-type]
    if kind is Member:
        name = value.name if is_secret_name(value.name) else name  # type: ignore[attr-defined]
    elif kind is Opaque:
        return Opaque(value.type, {key: _redacted(key, fact, names) for key, fact in value.facts.items()})  # type: ignore[attr-defined]
    elif kind is Array:
        return Array(value.type, value.dtype, value.shape, _redacted(name, value.data, names))  # type: ignore[attr-defined]
    elif kind is dict or kind is Pairs:
        return _held(name, value, names)  # type: ignore[arg-type]
    elif kind in _PATHS:
        shown = _by_shape(str(value))
        return value if shown == str(value) else Redacted(kind.__name__, "shape")
    return rebuilt(value, lambda key, part: _redacted(name if key is None else key, part, names))


def _listed(name: str, items: Sequence[object], names: frozenset[str]) -> Iterator[object]:
    """The items of a list: words of a command line, headers as pairs, or whatever else."""
    pairs = all(type(item) is list and len(item) == 2 for item in items)
    awaited = False
    for item in items:
        if type(item) is list and pairs and type(key := item[0]) is str and is_secret_name(key):
            yield [_by_shape(key), _redacted(key, item[1], names)]
            continue
        option = type(item) is str and item[:1] == "-"
        yield _redacted("secret" if awaited and not option else name, item, names)
        awaited = type(item) is str and option and "=" not in item and is_secret_name(item)


def _held(name: str, value: dict[object, object] | Pairs, names: frozenset[str]) -> object:
    """A dictionary: what hangs below the name of a secret is one, whatever its key; a key may be a secret itself."""
    content = value if type(value) is dict else {}
    if name == "tokens" and not any(type(item) is str and item[:1] in ("<", "[") for item in content.values()):
        name = "secrets"  # of services, not of a vocabulary
    elif is_secret_name(name):
        pass
    elif _says_name(content):
        return {
            key: _redacted("secret" if _text(key).lower() == "value" else _text(key), part, names)
            for key, part in content.items()
        }
    else:
        name = ""
    if any(_by_shape(key) is not key for key in content if type(key) is str):
        value = Pairs(tuple(content.items()))
    return rebuilt(value, lambda key, part: _redacted(key if key is not None and not name else name, part, names))


def _says_name(content: dict[object, object]) -> bool:
    """Whether it is ``{"name": "DB_PASSWORD", "value": "…"}``, as environments are often given."""
    said = {key.lower(): part for key, part in content.items() if type(key) is str} if len(content) < 9 else {}
    return "value" in said and is_secret_name(str(said.get("name", said.get("key", ""))))


def _text(key: object) -> str:
    return key if type(key) is str else ""


def _is_pair(value: object) -> bool:
    """Whether *value* is ``("X-Api-Key", "…")``, as headers are often given."""
    if type(value) is not tuple or len(value) != 2:
        return False
    name = value[0]
    return type(name) is str and name.lower() != "token" and is_secret_name(name)


def _is_folder(name: str, value: object) -> bool:
    return name in ("PWD", "OLDPWD") and type(value) is str and os.path.isabs(value)


def _by_shape(value: object) -> object:
    text = str(value)
    if len(text) < _SHORTEST:
        return value
    if TOKENS.search(text) or SCHEME.fullmatch(text):
        return Redacted("str", "shape")
    if "=" not in text and ":" not in text and "--" not in text and not SPOKEN.search(text):
        return value
    shown = _masked(text, templates=True)
    return value if shown == text else shown


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether a parameter of this *name* takes a secret: by whole words, for ``max_tokens`` and ``pad_token`` hide nothing."""
    words = [part.lower() for part in _WORDS.findall(name)]
    if not words:
        return False
    if not _SECRETS.isdisjoint(words) or words[-1] in _LAST or any(pair in _PAIRS for pair in pairwise(words)):
        return True
    if words in (["token"], ["pass"]):
        return True
    return not {"token", "tokens"}.isdisjoint(words) and not _KEEPERS.isdisjoint(words)


def secret_types(annotations: Mapping[str, str]) -> frozenset[str]:
    """The parameters whose annotation says that they take a secret: ``SecretStr``, ``Optional[SecretStr]``."""
    return frozenset(name for name, text in annotations.items() if _TYPE.search(text))


# --- the command line -------------------------------------------------------------------------------------------------
def scrubbed_argv(argv: Iterable[str]) -> tuple[str, ...]:
    """*argv* with everything that looks like a secret as ``***``: by the name of its option, by its shape, and in URLs."""
    found: list[str] = []
    awaited = False  # the value of the option before
    for word in argv:
        is_option = type(word) is str and word.startswith("-") and not word.startswith("-----")
        if awaited and not is_option:
            found.append(MASK)
            awaited = False
            continue
        try:
            shown, awaited = _scrubbed(word), is_option and "=" not in word and is_secret_name(word)
        except Exception:  # an error here must cost the value, never the mask
            shown, awaited = MASK, is_option
        found.append(shown)
    return tuple(found)


def scrubbed(text: str) -> str:
    """*text*, of a message or a name, with what looks like a secret in it as ``***``; all of it where that cannot be told."""
    try:
        return _masked(BEARER.sub(rf"\1 {MASK}", TOKENS.sub(MASK, text)))
    except Exception:  # an error here must cost the text, never the mask
        return MASK


def _scrubbed(word: str) -> str:
    whole = _WHOLE.fullmatch(word)
    if whole and is_secret_name(whole[1]):
        return f"{whole[1]}={MASK}"
    return scrubbed(word)


def _masked(text: str, templates: bool = False) -> str:
    """*text* with the secrets that have a name in it as ``***``; with *templates* also those that are placeholders stay."""
    text = SPOKEN.sub(rf"\1 {MASK}", text)
    text = _HEADER.sub(rf"\1: {MASK}", SIGNED.sub(rf"\1{MASK}", USERINFO.sub(f"{MASK}@", text)))
    value_of = _FIELD if _FIELDS.match(text) else _VALUE
    kept, at = "", 0
    for found in _NAMED.finditer(text):
        name = found[1] or found[3] or found[4] or found[5]
        if found.start() < at or not is_secret_name(name) or (found[4] and name.lower() == "token"):
            continue
        value = (found[4] and _LINE.match(text, found.end())) or value_of.match(text, found.end())
        if value and not (templates and _TEMPLATE.match(text, found.end())):
            kept, at = kept + text[at : found.end()] + MASK, value.end()
    return kept + text[at:]
