"""Descriptions of numpy, torch, pandas and scipy values, and of the rarer standard ones.

Nothing is imported: a value of a library can only be there when the library is. A type counts as the library's own when
the library's module holds that very object under its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from begat.introspect.describe import Description, Handler
from begat.introspect.targets import contents, has_base, importable, module_of, name_of
from begat.record.values import Array, Opaque, Symbol, Typed

_STANDARD: dict[str, tuple[str, Handler]] = {}


def standard(module: str, name: str, handler: Handler) -> None:
    """Let *handler* describe the values of the class *name* of *module*, which need not be imported yet."""
    _STANDARD[module] = (name, handler)


def handler(kind: type) -> Handler | None:
    """What describes values whose type is exactly *kind*, if *kind* is a class of a library known here."""
    module = module_of(kind)
    choose = _LIBRARIES.get(module.partition(".")[0])
    if choose is not None:
        return choose(kind, name_of(kind).partition(":")[2])
    name, found = _STANDARD.get(module, ("", None))
    return found if found is not None and contents(module).get(name) is kind else None


def base(kind: type, module: str) -> Handler | None:
    """What describes values of subclasses of *kind* of *module* by the methods of *kind* itself, if it is a library's."""
    return _inherited if module == "numpy" and contents("numpy").get("ndarray") is kind else None


# --- numpy ------------------------------------------------------------------------------------------------------------
def _numpy(kind: type, name: str) -> Handler | None:
    space: Mapping[str, Any] = contents("numpy")
    if not space:
        return None
    if has_base(kind, space["dtype"]):
        return _numpy_dtype
    if name == "_ArrayFunctionDispatcher":
        return _named if type(space.get("mean")) is kind else None
    if space.get(name) is not kind:
        return None
    if kind is space["ndarray"]:
        return _ndarray
    if kind is space["ufunc"]:
        return _named
    return _numpy_scalar if has_base(kind, space["generic"]) else None


def _ndarray(value: Any, d: Description) -> object:
    dtype = value.dtype
    exact = (
        dtype.kind in "biuSU"
        or (dtype.kind == "f" and dtype.itemsize <= 8)
        or (dtype.kind == "c" and dtype.itemsize <= 16)
    )
    if not exact or value.nbytes > d.limits.text or not d.elements(value.size):
        return _inherited(value, d)
    return Array("numpy:ndarray", _dtype_name(dtype), value.shape, value.tolist())


def _inherited(value: Any, d: Description) -> Opaque:
    # Through the base type: a subclass may have made these properties of its own.
    array = contents("numpy")["ndarray"].__dict__
    shape, dtype, nbytes = (array[name].__get__(value) for name in ("shape", "dtype", "nbytes"))
    return Opaque(name_of(type(value)), {"shape": shape, "dtype": _dtype_name(dtype), "nbytes": nbytes})


def _numpy_scalar(value: Any, d: Description) -> object:
    kind = value.dtype.kind
    if kind == "V":
        return Opaque(name_of(type(value)), {"dtype": _dtype_name(value.dtype)})
    if kind in "mM":  # `item()` would lose the unit
        content: object = (
            str(value) if kind == "M" else value.astype("int64").item(),
            value.dtype.str[4:-1] or "generic",
        )
    else:
        content = value.item()
        if type(content) is type(value):  # no Python number holds a long double
            content = str(value)
    return Typed(name_of(type(value)), d.of(content))


def _numpy_dtype(value: Any, d: Description) -> object:
    if value.kind == "T":  # variable strings: the text of the type does not tell how they are set up
        return Opaque(name_of(type(value)))
    return Typed("numpy:dtype", d.part(value.descr, "") if value.names else _dtype_name(value))


def _dtype_name(dtype: Any) -> str:
    """``"float32"`` where the name says it all, else the short form with byte order and width: ``">f4"``, ``"<U7"``."""
    return str(dtype.name if dtype.isnative and dtype.kind in "biufcO" else dtype.str)


def _named(value: Any, d: Description) -> Symbol:
    # The functions of a numeric library that are objects of a class of its own.
    module = getattr(value, "__module__", None) or "numpy"
    target = f"{module}:{value.__name__}"
    return Symbol(target, "function", importable(target, value))


# --- torch ------------------------------------------------------------------------------------------------------------
def _torch(kind: type, name: str) -> Handler | None:
    space = contents("torch")
    if contents("torch.nn.parameter").get("Parameter") is kind:
        return _tensor
    return _TORCH.get(name) if space.get(name) is kind else None


def _tensor(value: Any, d: Description) -> object:
    # A function mode of the program (``with torch.device(…)`` is one) would see us read the shape.
    torch: Mapping[str, Any] = contents("torch")
    with torch["_C"].DisableTorchFunction():
        shape, dtype, device = tuple(value.shape), str(value.dtype).removeprefix("torch."), str(value.device)
        name = name_of(type(value))
        if not all(type(size) is int for size in shape):  # symbolic, while torch is tracing
            return Opaque(name, {"dtype": dtype, "device": device})
        # Only memory of this process is read: asking a device waits for all of its work.
        if (
            device == "cpu"
            and value.layout is torch["strided"]
            and type(value) is torch["Tensor"]  # a parameter is a weight: described, however small
            and not value.requires_grad
            and not value.is_quantized
            and d.elements(value.numel())
        ):
            try:
                return Array(name, dtype, shape, value.tolist())
            except RuntimeError:  # a tensor without memory of its own: functional, fake, under vmap
                pass
        facts: dict[str, object] = {"shape": shape, "dtype": dtype, "device": device}
        if value.layout is torch["strided"]:
            facts["nbytes"] = value.numel() * value.element_size()
        return Opaque(name, facts)


def _torch_name(value: Any, d: Description) -> Typed:
    return Typed(name_of(type(value)), str(value).removeprefix("torch."))


_TORCH: dict[str, Handler] = {
    "Tensor": _tensor,
    "Size": lambda value, d: Typed("torch:Size", tuple(d.parts(tuple(value)))),
    "dtype": _torch_name,
    "device": _torch_name,
    "layout": _torch_name,
    "memory_format": _torch_name,
}


# --- pandas, scipy, zoneinfo ------------------------------------------------------------------------------------------
def _pandas(kind: type, name: str) -> Handler | None:
    space = contents("pandas")
    for constant in ("NA", "NaT"):
        if kind is type(space.get(constant)):
            return lambda value, d: Typed(f"pandas:{constant}", None)
    if space.get(name) is not kind:
        return None
    if name in _PANDAS:
        return _PANDAS[name]
    return _index if has_base(kind, space["Index"]) else None  # type: ignore[arg-type]  # it is a class


def _frame(value: Any, d: Description) -> Opaque:
    # The head of the columns first: the dtypes of a frame of 100,000 columns take a while to list.
    head = value.iloc[:0, : min(d.limits.items, 100)]
    columns, dtypes = d.parts(head.columns.tolist()), [str(dtype) for dtype in head.dtypes.tolist()]
    return Opaque("pandas:DataFrame", {"shape": value.shape, "columns": columns, "dtypes": dtypes})


def _series(value: Any, d: Description) -> Opaque:
    return Opaque(
        "pandas:Series", {"length": len(value), "dtype": str(value.dtype), "name": d.part(value.name, "name")}
    )


def _index(value: Any, d: Description) -> Opaque:
    return Opaque(f"pandas:{type(value).__name__}", {"length": len(value), "dtype": str(value.dtype)})


def _timestamp(value: Any, d: Description) -> object:
    if value.tzinfo is None:
        return Typed("pandas:Timestamp", value.isoformat())
    if module_of(type(value.tzinfo)).partition(".")[0] not in ("datetime", "zoneinfo", "pytz", "dateutil"):
        return Opaque("pandas:Timestamp")  # a time zone of the program's own would be asked for its offset
    return Typed("pandas:Timestamp", {"wall": value.tz_localize(None).isoformat(), "zone": str(value.tzinfo)})


_PANDAS: dict[str, Handler] = {
    "DataFrame": _frame,
    "Series": _series,
    "Timestamp": _timestamp,
    "Timedelta": lambda value, d: Typed("pandas:Timedelta", value.isoformat()),
}


def _scipy(kind: type, name: str) -> Handler | None:
    return _sparse if contents("scipy.sparse").get(name) is kind and name.endswith(("_matrix", "_array")) else None


def _sparse(value: Any, d: Description) -> Opaque:
    return Opaque(
        f"scipy.sparse:{type(value).__name__}", {"shape": tuple(value.shape), "dtype": _dtype_name(value.dtype)}
    )


def _zone(kind: type, name: str) -> Handler | None:
    if contents("zoneinfo").get(name) is not kind:
        return None
    return lambda value, d: Typed("zoneinfo:ZoneInfo", d.of(value.key))


_LIBRARIES: dict[str, Callable[[type, str], Handler | None]] = {
    "numpy": _numpy,
    "torch": _torch,
    "pandas": _pandas,
    "scipy": _scipy,
    "zoneinfo": _zone,
}
