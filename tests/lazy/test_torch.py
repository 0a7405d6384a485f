"""Modules that wait: registered unbuilt, built in place, and then what an eager module is."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import pytest

import begat

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

pytestmark = pytest.mark.heavy


def make(defer: bool, module: Any = None) -> Any:
    """A network with all its layers waiting, or none, from the same seed."""
    torch.manual_seed(3)
    if not defer:
        return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    with begat.deferred(nn.Linear, nn.ReLU, rng="order"):
        return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))


def layer(*args: Any) -> Any:
    with begat.deferred(nn.Linear):
        made = nn.Linear(*args)
    assert begat.is_lazy(made)
    return made


DATA = torch.arange(8.0).reshape(2, 4)


def same(left: Any, right: Any) -> bool:
    mine, its = left.state_dict(), right.state_dict()
    return list(mine) == list(its) and all(torch.equal(a, b) for a, b in zip(mine.values(), its.values(), strict=True))


def test_submodules_are_registered_unbuilt():
    """By assignment, in Sequential, ModuleList, ModuleDict and add_module."""
    made = make(True)
    assert [begat.is_lazy(made._modules[key]) for key in made._modules] == [True] * 3

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.part = layer(2, 2)
            self.list = nn.ModuleList([layer(2, 2), layer(2, 2)])
            self.dict = nn.ModuleDict({"a": layer(2, 2)})
            self.add_module("b", layer(2, 2))

    net = Net()
    parts = [net._modules["part"], *net.list._modules.values(), net.dict._modules["a"], net._modules["b"]]
    assert all(begat.is_lazy(part) for part in parts)
    assert len(net.state_dict()) == 10
    assert all(type(part) is nn.Linear for part in parts)


def test_the_whole_waits():
    """Its parts are built first, as its arguments."""
    with begat.deferred(nn.Sequential, nn.Linear):
        net = nn.Sequential(nn.Linear(4, 8))
    assert begat.is_lazy(net)
    assert net(DATA).shape == (2, 8)


USES = {
    "forward": lambda net: net(DATA),
    "state_dict": lambda net: list(net.state_dict().values()),
    "parameters": lambda net: list(net.parameters()),
    "named_modules": lambda net: [name for name, _ in net.named_modules()],
    "to": lambda net: net.to(torch.float64)(DATA.double()),
    "apply": lambda net: net.apply(lambda m: [p.data.fill_(0.5) for p in m.parameters()])(DATA),
    "repr": lambda net: repr(begat.materialize(net, deep=True)),
    "train": lambda net: [m.training for m in net.eval().modules()],
    "deepcopy": lambda net: copy.deepcopy(net)(DATA),
    "grad": lambda net: [net(DATA).sum().backward(), *[p.grad for p in net.parameters()]][1:],
    "compile": lambda net: torch.compile(net, fullgraph=True, backend="eager")(DATA),
    "compile touched": lambda net: (net(DATA), torch.compile(net, fullgraph=True, backend="eager")(DATA))[1],
    "script": lambda net: torch.jit.script(net)(DATA),
    "trace": lambda net: torch.jit.trace(net, DATA)(DATA),
    "fx": lambda net: torch.fx.symbolic_trace(net)(DATA),
    "export": lambda net: torch.export.export(net, (DATA,)).module()(DATA),
    "functional": lambda net: torch.func.functional_call(net, dict(net.named_parameters()), (DATA,)),
    "optimizer": lambda net: (torch.optim.SGD(net.parameters(), 0.1).zero_grad(), net(DATA))[1],
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_whatever_is_done_with_it_is_what_an_eager_one_gives(use):
    """Bit by bit, from the same seed."""
    late, eager = use(make(True)), use(make(False))

    assert type(late) is type(eager)
    for mine, its in zip(*[x if isinstance(x, list) else [x] for x in (late, eager)], strict=True):
        assert torch.equal(mine, its) if isinstance(its, torch.Tensor) else mine == its


def test_one_layer_by_itself():
    """Every use of one layer that waits."""
    for name, use in USES.items():
        if name in ("named_modules", "deepcopy"):  # their copy is built
            continue
        use_it = layer(4, 2)
        use(use_it)
        assert type(use_it) is nn.Linear, name


def test_load_state_dict_save_and_load():
    """Into what waits, and of what waits."""
    eager, late = make(False), make(True)
    torch.manual_seed(99)
    assert late.load_state_dict(eager.state_dict()).missing_keys == []
    assert same(late, eager)
    file = io.BytesIO()
    torch.save(make(True), file)
    file.seek(0)
    assert len(list(torch.load(file, weights_only=False).parameters())) == 4


def test_what_a_checkpoint_cannot_hold_is_named():
    """Of an argument of what waits, as `pickle.dumps` names it."""
    made = begat.lazy(nn.Softmax)(dim=[lambda: 0])

    for zipped in (True, False):
        with pytest.raises((AttributeError, pickle.PicklingError)) as raised:
            torch.save({"model": made}, io.BytesIO(), _use_new_zipfile_serialization=zipped)
        assert "argument dim of Softmax" in raised.value.__notes__[0]
    assert begat.is_lazy(made)


def test_hooks():
    """They are registered on what is built then."""
    net, seen = make(True), []
    net[0].register_forward_hook(lambda module, args, output: seen.append(output.shape))
    net.register_forward_pre_hook(lambda module, args: seen.append("pre"))
    net(DATA)
    assert seen == ["pre", (2, 8)]


def test_transformers():
    """A tiny model from its configuration as a ghost; `from_pretrained` as a proxy."""
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, vocab_size=16
    )
    ids = torch.tensor([[1, 2, 3]])

    def build(defer):
        torch.manual_seed(5)
        if not defer:
            return transformers.BertModel(config).eval()
        with begat.deferred(transformers.BertModel):
            made = transformers.BertModel(config)
        assert begat.is_lazy(made)
        return made.eval()

    assert torch.equal(build(True)(ids).last_hidden_state, build(False)(ids).last_hidden_state)


def test_from_pretrained(tmp_path):
    """Loaded where it is touched; isinstance, forward and state_dict are those of the model."""
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, vocab_size=16
    )
    eager = transformers.BertModel(config).eval()
    eager.save_pretrained(tmp_path)
    made = begat.lazy(transformers.AutoModel.from_pretrained)(tmp_path)
    assert begat.is_lazy(made)
    ids = torch.tensor([[1, 2, 3]])
    assert torch.equal(made.eval()(ids).last_hidden_state, eager(ids).last_hidden_state)
    assert isinstance(made, transformers.BertModel)
    holder = nn.Sequential(made)
    assert len(holder.state_dict()) == len(eager.state_dict())
    assert type(begat.materialize(made)) is transformers.BertModel


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_torchs_own_modules():
    """torch's module database: state, text and outputs as eager, with every module deferred."""
    common = pytest.importorskip("torch.testing._internal.common_modules")
    compared = 0
    for info in common.module_db:
        try:
            inputs = info.module_inputs_func(
                info, device="cpu", dtype=torch.float32, requires_grad=False, training=True
            )
        except Exception:
            continue
        for case in inputs:
            args, kwargs = case.constructor_input.args, case.constructor_input.kwargs
            if case.forward_input is None:
                continue

            def run(cls, args=args, kwargs=kwargs, case=case):
                torch.manual_seed(1)
                made = cls(*args, **kwargs)
                assert made.training  # built here, from the same seed
                forward = copy.deepcopy((case.forward_input.args, case.forward_input.kwargs))
                torch.manual_seed(2)
                output = made(*forward[0], **forward[1])
                return made, repr(made), output

            try:
                eager = run(info.module_cls)
            except Exception:
                continue
            with begat.deferred(info.module_cls):
                late = run(info.module_cls)
            assert type(late[0]) is type(eager[0])
            assert late[1] == eager[1]
            assert same(late[0], eager[0]), late[1]
            torch.testing.assert_close(late[2], eager[2], rtol=0, atol=0, equal_nan=True)
            compared += 1
    assert compared > 500, compared
