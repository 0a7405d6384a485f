"""Targets that a record must never reach, one to a line, and the package through which some of them try."""

from __future__ import annotations

PYTHONS = """
os:system posix:system os:popen os:execv os:execvp os:spawnv os:fork os:kill os:_exit os:remove os:unlink os:rename os:chmod
os:putenv subprocess:Popen subprocess:run subprocess:call subprocess:check_output subprocess:getoutput pty:spawn shutil:rmtree
shutil:copyfile shutil:move builtins:eval builtins:exec builtins:compile builtins:__import__ builtins:open builtins:getattr
builtins:setattr builtins:type builtins:map builtins:input builtins:breakpoint importlib:import_module importlib:reload
importlib._bootstrap:_gcd_import runpy:run_path runpy:run_module code:InteractiveInterpreter code:interact pickle:loads
pickle:Unpickler marshal:loads shelve:open ctypes:CDLL socket:socket socket:create_connection urllib.request:urlopen
urllib.request:urlretrieve http.client:HTTPConnection ftplib:FTP smtplib:SMTP webbrowser:open tempfile:NamedTemporaryFile
pathlib:Path.write_text pathlib:Path.unlink io:FileIO io:open logging:FileHandler logging.config:dictConfig logging:os.system
sqlite3:connect zipfile:ZipFile tarfile:open gc:get_objects sys:exit sys:modules signal:signal threading:Thread
multiprocessing:Process concurrent.futures:ProcessPoolExecutor asyncio:create_subprocess_shell functools:partial
functools:reduce operator:attrgetter operator:methodcaller itertools:starmap types:FunctionType types:CodeType pydoc:locate
pkgutil:resolve_name timeit:timeit cProfile:run venv:create site:addsitedir antigravity:geohash this:s
""".split()

LIBRARIES = """
numpy:load numpy:fromfile numpy:save numpy.os:system sklearn.os:system torch:load torch.hub:load joblib:load
pandas:read_pickle pandas:eval sklearn.preprocessing._function_transformer:FunctionTransformer keras.utils:get_file
yaml:unsafe_load cloudpickle:loads dill:loads begat:rebuild begat.replay.resolver:Resolver begat.replay.door:DOOR
""".split()

THROUGH_WHAT_IS_ALLOWED = [
    "hostlib:os.system",
    "hostlib:system",
    "hostlib:alias",
    "hostlib:Popen",
    "hostlib:subprocess.Popen",
    "hostlib:builtins.eval",
    "hostlib:sys.modules",
    "hostlib.os:system",
    "hostlib:helper",
    "hostlib:Good.run",
    "hostlib:Good.build",
    "hostlib:Good.__init__",
    "hostlib:Good.__init__.__globals__",
    "hostlib:Good.__class__",
    "hostlib:Good.__base__",
    "hostlib:Good.__subclasses__",
    "hostlib:Good.Popen",
    "hostlib:Good.shell",
    "hostlib:instance",
    "hostlib:instance.run",
    "hostlib:Renamed",
    "hostlib:Liar",
    "hostlib:make.<locals>.Inner",
    "hostlib:<lambda>",
    "hostlib:__loader__",
    "hostlib:__builtins__",
    "hostlib:__getattr__",
    "hostlib:magic",
    "hostlib.sub:missing",
]

MALFORMED = [
    "",
    ":",
    "hostlib",
    "hostlib:",
    ":Good",
    "hostlib:Good:run",
    "hostlib..sub:Good",
    ".hostlib:Good",
    "hostlib:Good.",
    "hostlib/../os:system",
    "hostlib\n:Good",
    "hostlib :Good",
    "hostlib: Good",
    "hostlib:Good()",
    "hostlib:G\u043e\u043ed",  # two of the letters are Cyrillic
    "h\u043estlib:Good",
    "\uff48ostlib:Good",  # what NFKC makes equal is not equal
    "hostlib:Good\0",
    "hostlib:Good\u202e",
    "HOSTLIB:Good",
    "__main__:__builtins__",
    "__main__:Good",
]

TARGETS = [*PYTHONS, *LIBRARIES, *THROUGH_WHAT_IS_ALLOWED, *MALFORMED]

HOSTLIB = """
import builtins, os, subprocess, sys
from os import system
from subprocess import Popen

CALLS = []
alias = os.system


def helper(*args, **kwargs):
    CALLS.append(("helper", args))


class Good:
    shell = os.system
    Popen = subprocess.Popen

    def __init__(self, *args, **kwargs):
        CALLS.append(("Good", args))

    def run(self):
        CALLS.append(("run", ()))

    @classmethod
    def build(cls):
        CALLS.append(("build", ()))


class Plain:
    def __init__(self, *args, **kwargs):
        CALLS.append(("Plain", args))


instance = object.__new__(Good)
Renamed = Good


class Liar:
    def __init__(self, *args, **kwargs):
        CALLS.append(("Liar", args))


Liar.__qualname__ = "Plain"


def make():
    class Inner:
        def __init__(self, *args, **kwargs):
            CALLS.append(("Inner", args))

    return Inner


def __getattr__(name):
    CALLS.append(("__getattr__", name))
    return os.system
"""
