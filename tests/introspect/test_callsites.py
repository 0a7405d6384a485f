"""Names are read off real constructions: a class whose ``__init__`` keeps the code and the instruction that called it."""

from __future__ import annotations

import ast
import gc
import linecache
import subprocess
import sys
import textwrap
import zipfile

import pytest

from begat.introspect import callsites
from begat.introspect.callsites import Name
from begat.record.model import CallSite


class Built:
    """Remembers where it was built; bends to whatever the sources below do with it."""

    sites: list[tuple[object, int]] = []

    def __init__(self, *args, **kwargs):
        frame = sys._getframe(1)
        Built.sites.append((frame.f_code, frame.f_lasti))

    def fit(self, *args, **kwargs):
        return self

    set_params = requires_grad_ = score = fit

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return None

    def __await__(self):
        yield from ()
        return self

    def __call__(self, *args):
        return args[0] if args else self

    def __hash__(self):
        return id(self)


Built.Inner = Built  # what `nn.Linear` looks like


class Module:
    def __init__(self, *args, **kwargs):
        self.args = args


@pytest.fixture
def built(tmp_path):
    """Runs a source text from a file of its own and gives the sites of what it built, in order."""
    count = 0

    def run(source, **more):
        nonlocal count
        count += 1
        file = tmp_path / f"source_{count}.py"
        file.write_text(source, encoding="utf-8")
        Built.sites = []
        space = {"Built": Built, "Module": Module, "call": lambda *a, **k: a[0] if a else None, "__name__": "source"}
        exec(compile(source, str(file), "exec"), space | more)
        return Built.sites

    return run


def spelled(name):
    """``self.layers[]`` for a counted name on self, ``(enc)`` for an inline one."""
    if name is None:
        return None
    text = ".".join(("self",) * name.on_self + name.segments) + "[]" * name.counted
    return f"({text})" if name.inline else text


def names(sites):
    return [spelled(callsites.name(*site)) for site in sites]


CASES = {
    # assignments
    "model = Built()": ["model"],
    "model: object = Built()": ["model"],
    "model = (\n    Built(\n        1,\n    )\n)": ["model"],
    "model = Built(**{})": ["model"],
    "model = Built(*[1], a=2, **{})": ["model"],
    "model = Built(1, a=2)": ["model"],
    "first = second = Built()": ["first"],
    "_ = named = Built()": ["named"],
    "_ = Built()": [None],
    "if (model := Built()): pass": ["model"],
    "call(model := Built())": ["model"],
    "a = call\na.b = call\na.b.c = Built()": ["a.b.c"],
    "a, b = Built(), Built()": ["a", "b"],
    "(a, [b, c]), d = (Built(), (Built(), Built())), Built()": ["a", "b", "c", "d"],
    "a, *b, c = Built(), Built(), Built(), Built()": ["a", "b.0", "b.1", "c"],
    "a, *b, c = Built(), Built()": ["a", "c"],
    "a, b = call([Built(), 1])": ["(#0.0)"],
    "cfg = {}\ncfg['opt'] = Built()": ["cfg.opt"],
    "cfg = {}\ncfg['two words'] = Built()": ["cfg[]"],
    "layers = [1]\nlayers[0] = Built()": ["layers.0"],
    "layers = [1]\nlayers[-1] = Built()": ["layers[]"],
    "d = {}\nfor k in 'ab': d[k] = Built()": ["d[]", "d[]"],
    "layers = []\nlayers += [Built(), Built()]": ["layers[]", "layers[]"],
    "d = {}\nd |= {'svm': Built()}": ["d.svm"],
    "größe = Built()": ["gr__e"],
    "text = 'äöü漢字'; model = Built(); other = [text, Built()]": ["model", "other.1"],
    "def f():\n    global model\n    model = Built()\nf()": ["model"],
    # what keeps the name and what takes it
    "model = Built().fit(1).fit()": ["model"],
    "model = Built(1).fit(Built())": ["model", "(#0)"],
    "model = Built().set_params(a=1).requires_grad_()": ["model"],
    "score = Built().fit(1).score(2)": [None],
    "model = Built.Inner(1)": ["model"],
    "model = (Built\n  .Inner(\n1,\n2))": ["model"],
    "model = (Built()\n  .fit()\n  .fit(\n1))": ["model"],
    "model = Built(\n).fit(a=Built.\\\nInner())": ["model", "(a)"],
    "model = Built() if True else 1": ["model"],
    "model = 1 if Built() else 2": [None],
    "model = None or Built()": ["model"],
    "x = Built()(5)": [None],
    "kind = Built(1).__class__": [None],
    "x = [Built(), Built()][0]": [None, None],
    "async def main():\n    model = await Built()\ntry: main().send(None)\nexcept StopIteration: pass": ["model"],
    # arguments
    "model = Module(enc=Built(64))": ["(enc)"],
    "model = Module(Built(), 2, Built())": ["(#0)", "(#2)"],
    "model = Module(enc=Module(Built()))": ["(#0)"],
    "model = Built(enc=Built(Built()))": ["(#0)", "(enc)", "model"],
    "model = call(Built())": ["(#0)"],
    "model = Module(steps=[('a', Built()), ('b', Built())])": ["(steps.0.1)", "(steps.1.1)"],
    "model = Module(parts={'a': Built()})": ["(parts.a)"],
    "model = Module(*[Built(), Built()], Built())": ["(#0)", "(#1)", "(#2)"],
    "model = Module(*[Built() for _ in 'ab'], Built())": ["(#0[])", "(#0[])", "(#0[])"],
    "model = Module([Built() for _ in 'ab'])": ["(#0[])", "(#0[])"],
    "model = Module(**{'enc': Built()})": ["(enc)"],
    "model = Module(enc=Built().fit())": ["(enc)"],
    "call(Built())": ["(#0)"],
    # containers
    "layers = [Built(), Built()]": ["layers.0", "layers.1"],
    "layers = (Built(), Built())": ["layers.0", "layers.1"],
    "layers = {Built(): 1}": [None],
    "layers = [*[1, 2], Built(), Built()]": ["layers[]", "layers[]"],
    "models = {'svm': Built(), 'rf': Built(), 3: Built()}": ["models.svm", "models.rf", "models.3"],
    "k = 'a'\nmodels = {k: Built(), 'no.dots': Built(), **{'z': Built()}}": ["models.0", "models.1", "models.z"],
    "steps = [('scale', Built()), ('svm', Built())]": ["steps.0.1", "steps.1.1"],
    "models = dict(svm=Built(), rf=Built())": ["models.svm", "models.rf"],
    "models = dict([('svm', Built()), ('rf', Built())], knn=Built())": ["models.svm", "models.rf", "models.knn"],
    "models = dict(call([('svm', Built())]))": ["(#0.0.1)"],
    "layers = list([Built(), Built()])": ["layers.0", "layers.1"],
    "layers = [Built()] + [Built() for _ in 'ab']": ["layers[]", "layers[]", "layers[]"],
    "layers = [Built()] * 3": ["layers[]"],
    # many from one call
    "layers = [Built(i) for i in range(3)]": ["layers[]", "layers[]", "layers[]"],
    "layers = {Built(i) for i in range(1)}": ["layers[]"],
    "layers = tuple(Built(i) for i in range(2))": ["layers[]", "layers[]"],
    "models = {i: Built(i) for i in range(2)}": ["models[]", "models[]"],
    "layers = [Built(Built()) for i in range(1)]": ["(#0)", "layers[]"],
    "layers = [[Built(), Built()] for i in range(1)]": ["layers[]", "layers[]"],
    "layers = [Built(i).fit() for i in range(1)]": ["layers[]"],
    "layers = list(map(Built, 'ab'))": ["layers[]", "layers[]"],
    "layers = []\nfor i in 'ab': layers.append(Built())": ["layers[]", "layers[]"],
    "layers = set()\nlayers.add(Built())": ["layers[]"],
    "layers = []\nlayers.extend([Built(), Built()])": ["layers[]", "layers[]"],
    "layers = []\nlayers.extend(Built() for _ in 'ab')": ["layers[]", "layers[]"],
    "layers = []\nlayers.insert(0, Built())": ["layers[]"],
    "np = Module()\nnp.append = call\nnp.append(1, Built())": ["(#1)"],
    "d = {}\nd.setdefault('opt', Built())": ["d.opt"],
    "d = {}\nk = 'opt'\nd.setdefault(k, Built())": ["d[]"],
    "d = {}\nd.update({'a': Built()}, b=Built())": ["d.a", "d.b"],
    "for clf in Built(), Built(): pass": ["clf.0", "clf.1"],
    "for name, clf in [('a', Built()), ('b', Built())]: pass": ["clf.0", "clf.1"],
    "fits = [clf.fit() for clf in (Built(), Built())]": ["clf.0", "clf.1"],
    "for i in range(2): model = Built()": ["model", "model"],
    "import functools\nmake = functools.partial(Built, 1)\nmodel = make()": ["model"],
    # no name
    "Built()": [None],
    "Built().fit()": [None],
    "def f():\n    return Built()\nmodel = f()": [None],
    "def f():\n    return [Built() for _ in 'ab']\nf()": [None, None],
    "def f():\n    yield Built()\nmodel = next(f())": [None],
    "make = lambda: Built()\nmodel = make()": [None],
    "def f(x=Built()): pass": [None],
    "@Built(1).fit\ndef f(): pass": [None],
    "@Built\ndef f(): pass": [None],
    "assert Built()": [None],
    "text = f'{Built()} and {str(Built(1)):>{len(str(Built()))}}'": [None, "(#0)", "(#0)"],
    "text = f'''\n  {call(\nBuilt())}\n'''": ["(#0)"],
    "class P:\n    @property\n    def made(self): return Built()\nmodel = P().made": [None],
    # with
    "with Built() as f: model = Built()": ["f", "model"],
    "with Built(): pass": [None],
    "with Built() as a, Built().fit() as b: pass": ["a", "b"],
    # classes
    "class Cfg:\n    opt = Built()\n    class Deep:\n        opt = [Built()]": ["Cfg.opt", "Cfg.Deep.opt.0"],
}


@pytest.mark.parametrize("source", CASES, ids=lambda source: source.replace("\n", "; "))
def test_name_of_what_a_call_builds(built, source):
    """A construction has the name that its source gives to the result of the call."""
    sites = built(source)

    assert names(sites) == CASES[source]


def test_names_inside_the_scopes_of_functions(built):
    """Locals are plain names: neither the function nor a class around it takes part."""
    sites = built("class C:\n    def f(x):\n        model = Built()\n        x = Built()\nC.f(1)")

    assert names(sites) == ["model", "x"]


OTHERWISE = {
    "body = Sequential(Built(), Built())": ["body.0", "body.1"],
    "body = Sequential([Built(), Built()])": ["body.0", "body.1"],
    "body = Sequential(*[Built(), Built()])": ["body.0", "body.1"],
    "body = Sequential(*[Built() for _ in 'ab'])": ["body[]", "body[]"],
    "body = Sequential(dict(a=Built(), b=Built()))": ["body.a", "body.b"],
    "body = Sequential(ModuleList([Built()]), ModuleDict({'a': Built()}))": ["body.0.0", "body.1.a"],
    "layers = nn.ModuleList([Built() for _ in 'ab'])": ["layers[]", "layers[]"],
    "layers = nn.ModuleList(list(Built() for _ in 'ab'))": ["layers[]", "layers[]"],
    "heads = ModuleDict({'a': Built()})": ["heads.a"],
    "heads = ModuleDict({k: Built() for k in 'ab'})": ["heads[]", "heads[]"],
    "nets = [Sequential(Built()), Sequential(Built())]": ["nets.0.0", "nets.1.0"],
    "trainer = Module(callbacks=[Built(), Built()], data=Built())": [
        "trainer.callbacks.0",
        "trainer.callbacks.1",
        "trainer.data",
    ],
    "trainer = Module(callbacks=list([Built()]))": ["trainer.callbacks.0"],
    # Nobody knows what these make of it.
    "trainer = Module(Built(), [Built()])": [None, None],
    "loss = call(a=Built())": [None],
    "Sequential(Built())": [None],
    "x = Sequential(call(Built()))": [None],
}


@pytest.mark.parametrize("source", OTHERWISE)
def test_name_of_what_goes_into_a_call_that_nobody_knows(built, source):
    """Parts of an object that was not recorded itself go by index, key or keyword, from the name of that object."""
    containers = {"Sequential": Module, "ModuleList": Module, "ModuleDict": Module, "nn": Module}
    Module.ModuleList = Module

    found = [callsites.name(*site) for site in built(source, **containers)]

    assert all(name.inline for name in found)
    assert [spelled(name.otherwise) for name in found] == OTHERWISE[source]


METHODS = {
    "self.head = Built()": ["self.head"],
    "self.a = self.b = Built()": ["self.a"],
    "self.layers = [Built() for _ in 'ab']": ["self.layers[]", "self.layers[]"],
    "self.layers = []\nself.layers.append(Built())": ["self.layers[]"],
    "self.parts = {}\nself.parts['enc'] = Built()": ["self.parts.enc"],
    "self.add_module('head', Built())": ["self.head"],
    "self.register_module('head', Built())": ["self.head"],
    "setattr(self, 'head', Built())": ["self.head"],
    "for i in range(2): setattr(self, f'head{i}', Built())": ["self[]", "self[]"],
    "self.append(Built())": ["self[]"],
    "def later():\n    self.head = Built()\nlater()": ["self.head"],
    "def other(self):\n    self.head = Built()\nother(self)": ["self.head"],
    "def other(it):\n    it.head = Built()\nother(self)": ["it.head"],
    "self.__dict__['head'] = Built()": ["self.__dict__.head"],
    "self.__secret = Built()": ["self.__secret"],
    "self.net = self.__make(1)": ["self.net"],
    "super().__init__(Built(), enc=Built())": ["self.0", "self.enc"],
    "super().__init__(*[Built() for _ in 'ab'])": ["self[]", "self[]"],
    "self = Built()": ["self"],
    "self.a, b = Built(), Built()": ["self.a", "b"],
}


@pytest.mark.parametrize("body", METHODS, ids=lambda source: source.replace("\n", "; "))
def test_name_on_self(built, body):
    """What a method puts on its first parameter is named from that object."""
    source = (
        "class Net(Module):\n  _Net__make = Built\n"
        "  def add_module(self, *a): pass\n  register_module = append = add_module\n"
        f"  def __init__(self):\n{textwrap.indent(body, '    ')}\nNet()"
    )

    assert names(built(source)) == METHODS[body]


def test_first_parameters_that_are_no_instance(built):
    """In a class method the first parameter is the class; in a static method and a plain function it is a parameter."""
    sites = built(
        "class Cfg:\n"
        "    @classmethod\n    def make(cls): cls.opt = Built()\n"
        "    @staticmethod\n    def fill(other): other.opt = Built()\n"
        "    def __init_subclass__(cls): cls.opt = Built()\n"
        "    def this(me): me.opt = Built()\n"
        "def build(cfg): cfg.opt = Built()\n"
        "def patch(self): self.opt = Built()\n"
        "Cfg.make(); Cfg.fill(Cfg); type('Sub', (Cfg,), {}); Cfg().this(); build(Cfg()); patch(Cfg())\n"
    )

    assert names(sites) == ["Cfg.opt", "other.opt", "Cfg.opt", "self.opt", "cfg.opt", "self.opt"]


def test_calls_of_one_line_keep_apart(built):
    """Calls on the same line are told apart by their columns."""
    sites = built("a = Built(); b = Built(); c = [Built(), Built(Built())]")

    assert names(sites) == ["a", "b", "c.0", "(#0)", "c.1"]


def test_locate_gives_the_exact_place(built):
    """The site is where the call begins in the file, and the function around it."""
    source = "def main():\n    x = 'ä'; model = Built(\n        1)\nmain()\n"
    code, lasti = built(source)[0]

    site = callsites.locate(code, lasti)

    call = next(n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Call) and n.args)
    assert site == CallSite(code.co_filename, call.lineno, "main", call.col_offset)
    assert callsites.locate(code, lasti) is site


def test_locate_at_module_level_and_nowhere(built):
    """Module level is called ``<module>``; a frame that has not begun has no position."""
    code, lasti = built("model = Built()")[0]

    assert callsites.locate(code, lasti).function == "<module>"
    assert callsites.locate(code, -1) == CallSite(code.co_filename, None, "<module>")
    assert callsites.locate(code, 10_000).line is None
    assert callsites.name(code, -1) is None


def test_no_source_no_name():
    """Code without source has a site and no name."""
    Built.sites = []
    exec("model = Built()", {"Built": Built})
    code, lasti = Built.sites[0]

    assert callsites.name(code, lasti) is None
    assert callsites.locate(code, lasti).file == "<string>"


def test_source_known_to_linecache_only():
    """Notebook cells and doctests have their source in `linecache`; a file name used again is read again."""
    for source, expected in (("model = Built()", "model"), ("other = Built()", "other")):
        linecache.cache["<cell>"] = (len(source), None, [source + "\n"], "<cell>")
        Built.sites = []
        exec(compile(source, "<cell>", "exec"), {"Built": Built})

        assert names(Built.sites) == [expected]
    del linecache.cache["<cell>"]


def test_source_inside_a_zip_file(tmp_path, monkeypatch):
    """A module imported from a zip file is read through its loader."""
    with zipfile.ZipFile(tmp_path / "zipped.zip", "w") as archive:
        archive.writestr("zipped_module.py", "def make(kind):\n    model = kind()\n    return model\n")
    monkeypatch.syspath_prepend(str(tmp_path / "zipped.zip"))
    import zipped_module

    Built.sites = []
    zipped_module.make(Built)

    assert names(Built.sites) == ["model"]


@pytest.mark.parametrize(
    "edited", ["", "# nothing\n", "model = 'text only'", "model = Other(1)", "model = Built(", "x = [Built(1)]", "\0"]
)
def test_file_edited_since(tmp_path, edited):
    """Where another text, or no call, stands at the position now, there is no name rather than a wrong one."""
    file = tmp_path / "edited.py"
    code = compile("model = Built(1)", str(file), "exec")
    file.write_text(edited)
    Built.sites = []
    exec(code, {"Built": Built})

    assert names(Built.sites) == [None]


def test_equal_code_of_two_files_keeps_apart(built):
    """Code objects compare equal across files; their sites do not mix."""
    first, second = built("def f():\n    model = Built()\nf()")[0], built("def f():\n    model = Built()\nf()")[0]

    assert callsites.locate(*first).file != callsites.locate(*second).file


def test_caches_stay_bounded(built, monkeypatch):
    """A program that executes new code for ever does not grow for ever."""
    monkeypatch.setattr(callsites, "_BOUND", 4)
    sites = built("a = [Built(), Built(), Built(), Built(), Built(), Built(), Built()]")

    assert names(sites) == [f"a.{i}" for i in range(7)]
    assert len(callsites._names) <= 4


def test_warnings_of_the_source_are_not_repeated(built, recwarn):
    """Parsing the user's file a second time says nothing a second time."""
    with pytest.warns((DeprecationWarning, SyntaxWarning)):
        sites = built("text = '\\d'\nmodel = Built()")

    assert names(sites) == ["model"]
    assert not recwarn.list


@pytest.mark.parametrize("source", ["x = " + " + ".join(["1"] * 900), "x = " + "a." * 500 + "b", "y = 0\n" * 20_000])
def test_deep_and_long_sources(built, source):
    """A deep expression or a long file neither fails nor hides the names beside it."""
    sites = built(f"def never():\n    {source.splitlines()[0]}\nmodel = Built()\n" + source.partition("\n")[2])

    assert names(sites) == ["model"]


def test_names_while_something_else_is_parsed(built):
    """CPython 3.11 counts the depth of all trees in one place, and refuses a sound text when another is begun meanwhile."""
    sites = [site for i in range(5) for site in built("model = Built()\n" + "len(())\n" * (1000 + i))]

    class Dropped:
        def __del__(self):
            ast.parse("another")  # by the collector, in the middle of a tree; or by another thread

    found = []
    for site in sites:
        for _ in range(100):
            dropped = Dropped()
            dropped.itself = dropped
        found += names([site])
    gc.collect()

    assert found == ["model"] * len(sites)


def test_what_could_not_be_read_deep_in_a_recursion_is_read_later(built):
    """A name that nobody could find with no stack left is found afterwards."""
    site = built("model = Built()")[0]

    def deep():
        try:
            return deep()
        except RecursionError:
            return callsites.name(*site)

    assert deep() in (None, Name(("model",)))
    assert callsites.name(*site) == Name(("model",))


def test_every_position_of_real_files_is_the_compilers():
    """Each call instruction of real modules is at the position of a call in the tree, unless it is none in the source."""
    import argparse
    import dis
    import inspect

    from begat.introspect.callnames import _positions

    source = inspect.getsource(argparse)
    known = {p for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Call) for p in _positions(n)}
    todo = [compile(source, "argparse", "exec", dont_inherit=True)]
    found = missed = 0
    while todo:
        code = todo.pop()
        todo += [const for const in code.co_consts if hasattr(const, "co_code")]
        for instruction in dis.get_instructions(code):
            if instruction.opname in ("CALL", "CALL_KW", "CALL_FUNCTION_EX"):
                line, end_line, column, end_column = list(code.co_positions())[instruction.offset // 2]
                hit = (line, column, end_line, end_column) in known
                found += hit
                missed += not hit
    # The rest are class statements, decorators, comprehensions (3.11), `with` exits and assertions.
    assert found > 500
    assert missed < found / 6


def test_names_are_plain_data():
    """A name is frozen, hashable and small."""
    assert Name(("a",)) == Name(("a",), on_self=False, counted=False, inline=False)
    assert hash(Name(("a",))) == hash(Name(("a",)))
    with pytest.raises(AttributeError):
        Name(("a",)).segments = ()


def test_parser_is_loaded_on_the_first_question_only():
    """Importing the module does not load the parser of names."""
    code = "import sys, begat.introspect.callsites; print('begat.introspect.callnames' in sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert loaded.strip() == "False"
