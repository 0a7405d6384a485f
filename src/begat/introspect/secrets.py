"""Secrets, among the arguments of calls and on the command line: masked before anything of a record leaves the process."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

from begat.record.values import NUMBERS, Cut, Redacted
from begat.record.walk import rebuilt

MASK = "***"
_SECRETS = frozenset("password passwd passphrase pwd secret secrets apikey credential credentials".split())  # noqa: SIM905
_PAIRS = frozenset({("api", "key"), ("access", "key"), ("secret", "key"), ("private", "key"), ("account", "key")})
# In this field most tokens are words of a vocabulary (pad_token, unk_token): only these companions make one a secret.
_KEEPERS = frozenset(
    "auth access api hf hub bearer refresh github gitlab personal login session wandb slack bot".split()  # noqa: SIM905
)
# On a command line, where nobody passes a vocabulary, one word too many is better than one too few.
_SECRET_OPTIONS = _SECRETS | frozenset(
    "pass token auth authorization bearer cred creds private session sessionid cookie cookies".split()  # noqa: SIM905
)
_SHORTEST = 16  # the shortest token that any pattern finds
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NAMED = re.compile(r"""([\w.-]+)["']?\s*[=:]\s*""")
_VALUE = re.compile(
    r"""(["'])(?:\\.|(?!\1).)*\1?|(?:(?:bearer|basic|token)\s+)?[^\s"'&,;}\]]+""", re.DOTALL | re.IGNORECASE
)
_WHOLE = re.compile(r"(-{0,2}[\w.-]+)(=)(.*)", re.DOTALL)
_TOKENS = re.compile(
    r"\b(?:A3T[A-Z0-9]|AKIA|ASIA|AGPA|AIDA|AROA|ANPA)[A-Z0-9]{16}\b"  # AWS
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{20,}"  # GitHub, GitLab
    r"|\bhf_[A-Za-z0-9]{20,}|\bsk-[\w-]{20,}|\bAIza[\w-]{35}|\bxox[a-z]-[A-Za-z0-9-]{10,}"  # HF, OpenAI, Google, Slack
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"  # JWT
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",  # PEM
    re.DOTALL,
)
_USERINFO = re.compile(r"(?<=://)[^\s/?#]*@")
_BEARER = re.compile(r"(?i)\b(bearer)\s+[\w.~+/=-]{8,}")


# --- arguments --------------------------------------------------------------------------------------------------------
def redacted(name: str, value: object, names: frozenset[str] = frozenset()) -> object:
    """*value*, or a `Redacted` in its place: *names* always, others by name or, for strings, by shape."""
    if name in names:
        return Redacted(type(value).__name__, "asked")
    kind = type(value)
    if kind is str or kind is bytes or kind is Cut:
        if is_secret_name(name):
            return Redacted(kind.__name__ if kind is not Cut else value.type, "name")  # type: ignore[attr-defined]
        if kind is str:
            return _by_shape(value)
    if (kind is list or kind is tuple) and all(type(item) in NUMBERS for item in value):  # type: ignore[attr-defined]
        return value  # the common case, told fast
    return rebuilt(value, lambda key, part: redacted(name if key is None else key, part, names))


def _by_shape(value: object) -> object:
    text = str(value)
    if len(text) < _SHORTEST:
        return value
    if _TOKENS.search(text):
        return Redacted("str", "shape")
    return _USERINFO.sub(f"{MASK}@", text) if "://" in text else value


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether a parameter of this *name* takes a secret: by whole words, for ``max_tokens`` and ``pad_token`` hide nothing."""
    words = _words(name)
    return _among(words, _SECRETS) or ("token" in words and (len(words) == 1 or not _KEEPERS.isdisjoint(words)))


def _words(name: str) -> list[str]:
    return [part.lower() for part in _WORDS.findall(name)]


def _among(words: list[str], secrets: frozenset[str]) -> bool:
    return not secrets.isdisjoint(words) or any(pair in _PAIRS for pair in pairwise(words))


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
            shown, awaited = _scrubbed(word), is_option and "=" not in word and _is_secret_option(word)
        except Exception:  # an error here must cost the value, never the mask
            shown, awaited = MASK, is_option
        found.append(shown)
    return tuple(found)


def _scrubbed(word: str) -> str:
    whole = _WHOLE.fullmatch(word)
    if whole and _is_secret_option(whole[1]):
        return f"{whole[1]}={MASK}"
    word = _USERINFO.sub(f"{MASK}@", _TOKENS.sub(MASK, word))
    word = _BEARER.sub(rf"\1 {MASK}", word)
    kept, at = "", 0
    for name in _NAMED.finditer(word):
        value = _VALUE.match(word, name.end())
        if name.start() >= at and value and _is_secret_option(name[1]):
            kept, at = kept + word[at : name.end()] + MASK, value.end()
    return kept + word[at:]


def _is_secret_option(name: str) -> bool:
    return _among(_words(name), _SECRET_OPTIONS)
