"""Secrets among the arguments: what is masked before anything of a record leaves the process."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

from begat.introspect.environment import _TOKENS, _USERINFO, _WORDS
from begat.record.values import Cut, Redacted
from begat.record.walk import children

_WORDS_OF_SECRETS = frozenset(
    ["password", "passwd", "passphrase", "pwd", "secret", "secrets", "apikey", "credential", "credentials"]
)
_PAIRS = frozenset({("api", "key"), ("access", "key"), ("secret", "key"), ("private", "key"), ("account", "key")})
# In this field most tokens are words of a vocabulary (pad_token, unk_token): only these companions make one a secret.
_KEEPERS = frozenset(
    [
        "auth",
        "access",
        "api",
        "hf",
        "hub",
        "bearer",
        "refresh",
        "github",
        "gitlab",
        "personal",
        "login",
        "session",
        "wandb",
        "slack",
        "bot",
    ]
)
_SHORTEST = 16  # the shortest token that any pattern finds


def redacted(name: str, value: object, names: frozenset[str] = frozenset()) -> object:
    """*value*, or a `Redacted` in its place: *names* always, others by name or, for strings, by shape."""
    if name in names:
        return Redacted(type(value).__name__, "asked")
    kind = type(value)
    if kind is str or kind is bytes or kind is Cut:
        if is_secret_name(name):
            return Redacted(kind.__name__ if kind is not Cut else value.type, "name")  # type: ignore[attr-defined]
        return _by_shape(value) if kind is str else value
    if kind is dict:
        return {key: redacted(key if type(key) is str else "", item, names) for key, item in value.items()}  # type: ignore[attr-defined]
    if (kind is list or kind is tuple) and any(type(item) not in _PLAIN for _, item in children(value)):
        return kind(redacted(name, item, names) for item in value)  # type: ignore[attr-defined]
    return value


_PLAIN = (type(None), bool, int, float)


def _by_shape(value: object) -> object:
    text = str(value)
    if len(text) < _SHORTEST:
        return value
    if _TOKENS.search(text):
        return Redacted("str", "shape")
    return _USERINFO.sub("***@", text) if "://" in text else value


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether a parameter of this *name* takes a secret: by whole words, for ``max_tokens`` and ``pad_token`` hide nothing."""
    words = [part.lower() for part in _WORDS.findall(name)]
    if not _WORDS_OF_SECRETS.isdisjoint(words) or any(pair in _PAIRS for pair in pairwise(words)):
        return True
    return "token" in words and (len(words) == 1 or not _KEEPERS.isdisjoint(words))
