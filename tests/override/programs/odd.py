import collections
import dataclasses
import functools
import sys


class Act:
    def __init__(self, slope=0.1):
        self.slope = slope


class Layer:
    def __init__(self, dim, drop=0.1, act=None):
        self.dim, self.drop, self.act = dim, drop, act or Act()


class Enc:
    def __init__(self, n, dim=8):
        self.layers = [Layer(dim + i) for i in range(n)]
        self.head = Layer(dim, drop=0.5)
        self.extra = {"a": Act(0.2), "b": Act(0.3)}
        for i in range(2):
            setattr(self, f"x{i}", Act(i + 0.5))


class Model:
    def __init__(self, enc, dec=None, *, width=4):
        self.enc, self.dec, self.width = enc, dec, width


class Opt:
    def __init__(self, params, lr=0.1, **kw):
        self.lr, self.kw = lr, kw


@dataclasses.dataclass
class Cfg:
    act: Act = dataclasses.field(default_factory=Act)
    lr: float = 0.1
    tags: list = dataclasses.field(default_factory=list)


class Sub(Layer):
    def __init__(self, dim, k=3, **kw):
        super().__init__(dim, **kw)
        self.k = k


class Pos:
    def __init__(self, a, /, b, *rest, c=1):
        self.a, self.b, self.rest, self.c = a, b, rest, c


P = collections.namedtuple("P", "x y")


def helper(dim):
    return Layer(dim, act=Act(0.9))


def outer(dim):
    lay = helper(dim)
    return Model(lay, width=dim)


def pick(flag):
    return Layer(1) if flag else Layer(2)


class Factory:
    @classmethod
    def make(cls, n):
        return cls(n)

    def __init__(self, n):
        self.n = n


class Registry:
    table = {"layer": Layer, "act": Act}

    @staticmethod
    def build(name, **kw):
        return Registry.table[name](**kw)


AT_IMPORT = Act(0.77)
model = Model(Enc(2), dec=Enc(1, dim=16), width=7)
m2 = outer(3)
m3 = helper(5)
m4, m5 = Layer(10), Layer(11)
cond = Layer(1) if len(sys.argv) > 5 else Layer(2, drop=0.3)
p = pick(True)
q = pick(False)
items = [Act(s) for s in (0.1, 0.2)]
table = {k: Layer(v) for k, v in {"u": 1, "v": 2}.items()}
disp = {"one": Layer(1), "two": [Layer(2), Layer(3)]}
cfg = Cfg()
cfg2 = Cfg(act=Act(0.4), lr=0.2)
opt = Opt([model], lr=0.01, momentum=0.9)
sub = Sub(3, k=5, drop=0.25)
pos = Pos(1, 2, 3, 4, c=5)
fac = Factory.make(4)
reg = Registry.build("layer", dim=9)
part = functools.partial(Layer, 6)
pp = part(drop=0.8)
mapped = list(map(Layer, [4, 5]))
for k in range(3):
    loop = Layer(k)
stack = []
for k in range(2):
    stack.append(Model(Layer(k), width=k))
var = Act(0.6)
holder = Layer(2, act=var)
nested = Model(enc=Model(enc=Model(enc=Layer(1), dec=Act())), dec=[Act(0.5), (Act(0.6), Act(0.7))])
(wal := Layer(12))
with_star = Model(*[Layer(1), Layer(2)])
kw = Model(**{"enc": Layer(3), "width": 9})
Layer(99)
chain = Layer(1).act
ifs = None
if not ifs:
    ifs = Layer(14)
lam = (lambda d: Layer(d))(15)
try:
    tr = Layer(16)
finally:
    pass
a = b = Layer(17)


class Holder:
    pass


h = Holder()
h.layer = Layer(18)
h.list = [Layer(19)]


class Held:
    def __init__(self, first=0, parts=(), **more): ...


class Unpacked:
    def __init__(self, sizes=(1, 2)):
        self.blocks = Chain(*[Chain(Act(size)) for size in sizes])
        self.mixed = Chain(Act(), *(Act(size) for size in sizes), Chain(), *[Act() for _ in sizes])
        self.held = Held(Act(), [Act(size) for size in sizes], more=[Act() for _ in sizes])
        self.nested = [Chain(*[Act() for _ in sizes], Act()) for _ in sizes]


class Chain:
    def __init__(self, *parts): ...


unpacked = Unpacked()
unpackeds = [Unpacked((3, 4)) for _ in range(2)]
