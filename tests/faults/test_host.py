"""The host is untouched: with begat on, who looks at the program sees what he would have seen without."""

from __future__ import annotations

import pytest

from harness import WAYS, same

CLASSES = """\
import portrait_of_host as portrait
import random, sys, warnings
random.seed(0)

class Net:
    '''A net.'''
    def __init__(self, width, depth=2, *, rate: float = 0.1, names=()):
        self.width, self.noise = width, random.random()

class Slim:
    __slots__ = ("a",)
    def __init__(self, a=[1]):
        self.a = a
"""

PROGRAMS = {
    "state": "net = Net(3, names=['a']); slim = Slim()\nportrait.show(portrait.of_process(), portrait.of_class(Net, net))\n",
    "state at exit": "import atexit\natexit.register(lambda: portrait.show(portrait.of_process()))\nnets = [Net(i) for i in range(9)]\n",
    "random numbers": "import numpy as np\nrandom.seed(1); np.random.seed(2)\nnets = [Net(i).noise for i in range(99)]\n"
    "print(nets[-1], np.random.rand(), np.random.default_rng(3).random())\nportrait.show(portrait.of_process())\n",
    "uncaught exception": "class Bad:\n    def __init__(self, x):\n        raise ValueError(f'no {x}')\nBad(3)\n",
    "chained exception": "class Bad:\n    def __init__(self, x):\n        try:\n            {}[x]\n        except KeyError as error:\n"
    "            raise RuntimeError('wrapped') from error\ndef outer():\n    Bad(3)\nouter()\n",
    "wrong arguments": "Net()\n",
    "too many arguments": "Slim(1, 2)\n",
    "exception group": "class Bad:\n    def __init__(self):\n        raise ExceptionGroup('two', [ValueError(1), TypeError(2)])\nBad()\n",
    "exit with text": "Net(1)\nsys.exit('that is all')\n",
    "exit with code": "Net(1)\nsys.exit(7)\n",
    "syntax error in an import": "open('broken.py', 'w').write('def (')\nimport broken\n",
    "recursion": "class Deep:\n    def __init__(self, n):\n        self.n = n\n        if n: Deep(n - 1)\n"
    "Deep(100)\ntry:\n    Deep(10**6)\nexcept RecursionError as error:\n    print('deep', error)\n",
    "warnings": "class Old:\n    def __init__(self, a):\n        warnings.warn('old', DeprecationWarning, stacklevel=2)\n"
    "        warnings.warn('here')\ndef make():\n    return Old(1)\nmake()\nOld(2)\n",
    "own excepthook": "def hook(kind, error, trace):\n    import traceback\n    print('hook', kind.__name__, error, [f.name for f in traceback.extract_tb(trace)][-2:])\n"
    "sys.excepthook = hook\nclass Bad:\n    def __init__(self): 1 / 0\nBad()\n",
    "error in a thread": "import threading\nclass Bad:\n    def __init__(self): raise OSError(5, 'io')\n"
    "t = threading.Thread(target=Bad, name='worker'); t.start(); t.join(); print('on')\n",
    "error in __del__": "class Dying:\n    def __init__(self, a): self.a = a\n    def __del__(self):\n        Net(1); raise ValueError('dying')\nd = Dying(1)\ndel d\nprint('on')\n",
    "error at exit": "import atexit\n@atexit.register\ndef end():\n    Net(1); raise KeyError('end')\n",
    "logging": "import logging\nlogging.getLogger('x').warning('heard')\nNet(1)\nlogging.info('unheard')\nlogging.basicConfig(format='%(lineno)d %(funcName)s %(message)s')\n"
    "class Loud:\n    def __init__(self): logging.warning('loud')\nLoud()\n",
    "frames": "class Looks:\n    def __init__(self, a=1):\n        f = sys._getframe(1)\n        print(f.f_code.co_name, f.f_lineno, sorted(sys._getframe().f_locals))\n"
    "def make():\n    return Looks()\nmake()\nLooks(a=2)\n",
    "descriptors": "import os\nfirst = os.open('/dev/null', os.O_RDONLY)\nnets = [Net(i) for i in range(5000)]\nprint(os.open('/dev/null', os.O_RDONLY) - first)\n",
    "deep copies": "import copy\nnet = Net(1)\nprint(sorted(vars(copy.deepcopy(net))), copy.copy(net).width)\n",
    "asyncio": "import asyncio\nasync def work(i):\n    Net(i); await asyncio.sleep(0); return i\n"
    "async def main():\n    return await asyncio.gather(*map(work, range(50)))\nprint(sum(asyncio.run(main())))\nasyncio.run(main(), debug=True)\n",
    "garbage": "import gc\ngc.collect()\nnets = [Net(i) for i in range(2000)]\ndel nets\nprint(gc.collect() < 50, gc.garbage, gc.get_threshold(), gc.isenabled(), gc.get_freeze_count())\n",
    "stdin": "print(repr(sys.stdin.read()))\nNet(1)\n",
    "doctest": "import doctest\ndef f():\n    '''\n    >>> Net(1).width\n    1\n    >>> Net()\n    Traceback (most recent call last):\n    TypeError: Net.__init__() missing 1 required positional argument: 'width'\n    '''\n"
    "print(doctest.testmod(sys.modules[__name__]))\n",
    "tracing": "lines = []\ndef trace(frame, event, arg):\n    if frame.f_code.co_filename.endswith('program.py'): lines.append((event, frame.f_lineno))\n    return trace\n"
    "sys.settrace(trace)\nclass T:\n    def __init__(self, a, b=2):\n        self.a = a\n        self.b = b\nT(1)\nsys.settrace(None)\nprint(lines)\n",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_program_looks_the_same(name, way, tmp_path):
    """Output, exit code, tracebacks, warnings and everything that the program can ask of its process."""
    seen = same(tmp_path, CLASSES + PROGRAMS[name], way, env={"BEGAT_STRICT": "1"})

    assert seen.record is not None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "options", [("-W", "error"), ("-X", "dev"), ("-O",), ("-OO",), ("-B",), ("-s",), ("-u",)], ids=" ".join
)
def test_options_of_the_interpreter(options, way, tmp_path):
    """Warnings as errors, development mode and optimisation see nothing more than they would have seen."""
    text = CLASSES + "nets = [Net(i) for i in range(9)]\nslim = Slim()\nprint(len(nets), sys.flags)\n"

    same(tmp_path, text, way, python=options, env={"BEGAT_STRICT": "1"})


@pytest.mark.heavy
@pytest.mark.parametrize("way", WAYS)
def test_torch_draws_the_same_numbers(way, tmp_path):
    """Weights, generators and thread counts of torch are those of the plain program."""
    text = (
        CLASSES
        + "import numpy, torch\ntorch.manual_seed(1); numpy.random.seed(2)\nclass M(torch.nn.Module):\n    def __init__(self, n):\n        super().__init__()\n"
        "        self.head = torch.nn.Linear(n, n)\nm = M(8)\nprint(float(m.head.weight.sum()), float(torch.rand(1)), m)\nportrait.show(portrait.of_process())\n"
    )

    same(tmp_path, text, way)
