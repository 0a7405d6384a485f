"""What is known of a callable before it is called."""

from __future__ import annotations

import inspect

from hypothesis import given
from hypothesis import strategies as st

from begat.intercept.schema import Options, schema_of


@given(
    only=st.integers(0, 3),
    plain=st.integers(0, 3),
    keyword=st.lists(st.booleans(), max_size=3),
    star=st.booleans(),
    stars=st.booleans(),
    data=st.data(),
)
def test_agrees_with_inspect(only, plain, keyword, star, stars, data):
    """For any signature the answer is that of `inspect.signature`."""
    defaulted = data.draw(st.integers(0, only + plain))
    names = [f"p{i}" for i in range(only + plain)]
    first = len(names) - defaulted
    parts = [name if i < first else f"{name}={i}" for i, name in enumerate(names)]
    parts[only:only] = ["/"] * bool(only)
    parts += ["*args"] if star else ["*"] * bool(keyword)
    parts += [f"k{i}={i}" if has else f"k{i}" for i, has in enumerate(keyword)]
    parts += ["**kwargs"] * stars
    space = {}
    exec(f"def f({', '.join(parts)}):\n    inner = 1", space)

    f = space["f"]

    got = schema_of(
        f, "m:f", "function", f, f.__code__, f.__defaults__ or (), f.__kwdefaults__ or {},
        skip=0, options=Options(), notes=(),
    )  # fmt: skip

    expected = inspect.signature(f).parameters.values()
    by_kind = {kind: tuple(p.name for p in expected if p.kind is kind) for kind in inspect._ParameterKind}
    K = inspect.Parameter
    assert set(got.names) == {p.name for p in expected}
    assert got.names[: got.positional] == by_kind[K.POSITIONAL_ONLY] + by_kind[K.POSITIONAL_OR_KEYWORD]
    assert (got.starred[0],) == (by_kind[K.VAR_POSITIONAL] or (None,))
    assert (got.starred[1],) == (by_kind[K.VAR_KEYWORD] or (None,))
    assert got.defaults == {p.name: p.default for p in expected if p.default is not p.empty}
