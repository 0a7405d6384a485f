"""What begat costs before anything is built: importing it, its import hook, and tracking all of a library.

python benchmarks/startup.py
"""

from __future__ import annotations

import subprocess
import sys

BARE = "pass"
IMPORT = "import begat"
USE = "import begat; C = type('C', (), {'__init__': lambda self: None}); begat.trackable(C)\nwith begat.capture(): C()"
MODULES = (
    "import sys, os, time, tempfile, importlib\n"
    "sys.dont_write_bytecode = True\n"
    "folder = tempfile.mkdtemp(); sys.path.insert(0, folder)\n"
    "for number in range(300): open(os.path.join(folder, f'made_{number}.py'), 'w').write('class C:\\n    def __init__(self, a): self.a = a\\n')\n"
    "importlib.invalidate_caches()\n"
    "SETUP\n"
    "begin = time.process_time()\n"
    "for number in range(300): importlib.import_module(f'made_{number}')\n"
    "print((time.process_time() - begin) / 300)\n"
)
LIBRARY = (
    "import time\n{loading}\nimport begat\n"
    "begin = time.process_time(); watch = begat.watch({name!r}); spent = time.process_time() - begin\n"
    "from begat.intercept.plans import TRACKED\n"
    "print(spent, len(TRACKED), len(watch.skipped))\n"
)


def processor_time(code: str) -> float:
    """Seconds of processor time of a whole interpreter that runs *code*, without site packages' start-up files."""
    probe = f"import sys; sys.path[:] = {[path for path in sys.path if path]!r}\n{code}\nimport time; print(time.process_time())"
    return float(output(probe).split()[-1])


def output(code: str, *options: str) -> str:
    options = options or ("-I", "-S")
    return subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True, check=True).stdout


def least(code: str, times: int = 11) -> float:
    return min(processor_time(code) for _ in range(times))


def main() -> None:
    print(f"CPython {sys.version.split()[0]}, processor time")
    bare = least(BARE)
    print(f"{'bare interpreter':56}{1000 * bare:8.1f} ms")
    print(f"{'import begat':56}{1000 * (least(IMPORT) - bare):+8.1f} ms")
    print(f"{'import begat, track a class, open and close a scope':56}{1000 * (least(USE) - bare):+8.1f} ms")
    plain = min(float(output(MODULES.replace("SETUP", ""), "-B")) for _ in range(5))
    for name, setup in {
        "a small module imported, nobody watching it": "import begat; begat.watch('other.*')",
        "a small module imported and its class tracked": "import begat; begat.watch('made_*')",
    }.items():
        spent = min(float(output(MODULES.replace("SETUP", setup), "-B")) for _ in range(5))
        print(f"{name:56}{1e6 * (spent - plain):+8.0f} µs (plain {1e6 * plain:.0f})")
    for name, loading in {
        "torch.nn": "import torch.nn",
        "sklearn": "from sklearn.utils import all_estimators; all_estimators()",
    }.items():
        try:
            spent, tracked, skipped = output(LIBRARY.format(name=name, loading=loading), "-W", "ignore").split()
        except subprocess.CalledProcessError:
            continue
        label = f"watch({name!r}), loaded already: {tracked} tracked, {skipped} skipped"
        print(f"{label:56}{1000 * float(spent):8.0f} ms")


if __name__ == "__main__":
    main()
