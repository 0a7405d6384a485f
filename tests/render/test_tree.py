"""`show`: the tree on a terminal and in a pipe."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from begat.record.graph import Run
from begat.record.model import CallSite, Environment, Header, Process
from begat.record.moments import span
from begat.record.values import Ref
from begat.render.outline import duration, where
from begat.render.tree import lines, tree
from handmade import given, node, run, training


def screen(shown, width=100, terminal=True, everything=False):
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=terminal, color_system="truecolor" if terminal else None)
    console.print(tree(shown, everything, width))
    return out.getvalue()


def test_a_pipe_gets_one_whole_line_for_each_object():
    """Without a terminal: full paths, nothing colored."""
    assert list(lines(training())) == [
        "# run: 20261122-104501-3fa9c2 baseline",
        "# outcome: finished in 12.5 s",
        "# script: train.py",
        "# git: 0123456789ab main dirty",
        "# python: 3.11.7 CPython",
        "# nodes: 8 shown of 248 (--all opens the rest)",
        "model = Net(enc=↓, hidden=256 (override, was 128)) dropout=0.1  train.py:31",
        "  model.enc = Encoder(dim=64) act=relu  train.py:31",
        "  model.dropout = Dropout(p=0.1)  train.py:14",
        "opt = AdamW(params=<generator>, lr=0.001, betas=(0.9, 0.98))  train.py:33",
        "pipe = Pipeline(steps=[('svc', ↓ steps.0.1)])  train.py:40",
        "  pipe.steps.0.1 = SVC(C=0.5)  train.py:40",
        "search = GridSearchCV(estimator=→ pipe, grid={'svc__C': [0.1, 1.0]})  train.py:41",
        "  240 × SVC by sklearn.base:clone",
        "broken = Broken(x='\\x1b[31m<b>')  raised ValueError: no  train.py:50",
    ]


def test_small_groups_of_a_library_are_one_line():
    """torch's switches of modes under a layer: what there are, and how many; larger groups have lines of their own."""
    made = [("no_grad", "uniform_", 1), ("set_grad_enabled", "__enter__", 2), ("set_grad_enabled", "__exit__", 2)]
    inside = [
        node(
            number,
            f"fc.{target}",
            f"lib:{target}",
            within=1,
            user=False,
            site=CallSite("/x/site-packages/lib.py", 1, by),
        )
        for number, (target, by) in enumerate([(t, by) for t, by, count in made for _ in range(count)], 2)
    ]
    many = [
        node(number, "fc.Part", "lib:Part", within=1, user=False, site=CallSite("/x/site-packages/lib.py", 2, "make"))
        for number in range(20, 29)
    ]

    told = list(lines(run(node(1, "fc", "lib:Linear"), *inside, *many)))

    assert told[-2:] == ["  9 × Part by lib:make", "  5 × no_grad, set_grad_enabled (--all)"]


def test_processes_are_told_apart():
    """Each but the first by its rank; a worker by its number; and where there is one, nobody speaks of it."""
    made = [Process(7), Process(9), Process(5, 0), Process(6, 0), Process(8, 1), Process(3, 1)]
    nodes = [node(number, f"cfg.{number}", process=process) for number, process in enumerate(made)]
    nodes.append(node(6, "bare", process=made[1], site=None))

    told = [line.partition(")  ")[2] for line in lines(run(*nodes)) if " = " in line]

    at = "/home/train.py:1"
    assert told == [
        at,
        f"{at} in process 9",
        f"{at} in rank 0",
        f"{at} in process 6",
        f"{at} in rank 1",
        f"{at} in process 3",
        "in process 9",
    ]
    assert "# processes: 6" in lines(run(*nodes))
    assert not [line for line in lines(run(*nodes[:1])) if "process" in line]


def test_all_opens_what_libraries_built():
    """With everything, folded objects have lines of their own."""
    opened = list(lines(training(), everything=True))

    assert "  search.SVC.239 = SVC(C=239)  sklearn/base.py:90" in opened
    assert not [line for line in opened if "×" in line]


def test_a_terminal_gets_segments_and_links():
    """On a terminal, nodes go by segment under guides, and call sites link to their file."""
    shown = screen(training())

    assert "├── \x1b[0m\x1b[1menc\x1b[0m" in shown
    assert "file:///home/train.py#31" in shown
    assert "model.enc" not in screen(training(), terminal=False)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_terminal_is_never_overrun(width):
    """No line is wider than the terminal, and what was given is never dropped for lack of room."""
    shown = screen(training(), width, terminal=False)

    assert max(map(len, shown.splitlines())) <= width
    assert "hidden=256" in shown.replace("\n", "").replace(" ", "").replace("│", "")


def test_defaults_make_room():
    """Defaults that do not fit on the line become a count."""
    many = node(
        1, "a", arguments=given(x=1) | {f"p{i}": type(given(x=1)["x"])(f"p{i}", i, "default") for i in range(99)}
    )

    assert "defaults" in screen(run(many), 80, terminal=False)
    assert "p98=98" in "".join(lines(run(many)))


def test_long_values_are_elided():
    """A megabyte of text, or a list of a thousand items, is a beginning: the data views have all of it."""
    long = run(node(1, "a", arguments=given(s="x" * 100_000, items=list(range(1000)))))

    assert len(screen(long, 80, terminal=False)) < 1000
    assert len("".join(lines(long))) < 1000
    assert "items=[0, 1, 2, " in "".join(lines(long))


def test_arguments_of_a_star_have_no_name():
    """They read as in the call: `Bag(↓, 20, key=↓)`."""
    arguments = given(first=1, items=(Ref(2), 20), more={"key": Ref(3), "0": 4})
    bag = run(node(1, "bag", "m:Bag", arguments, starred=("items", "more")), node(2, "bag.0"), node(3, "bag.key"))

    assert "bag = Bag(first=1, ↓, 20, key=↓, 0:2=4)  /home/train.py:1" in list(lines(bag))
    assert "bag = Bag(first=1, ↓, 20, key=↓, 0:2=4)" in screen(bag, terminal=False)


def test_what_is_not_known_is_told():
    """The notes of a node stand below it."""
    sub = run(node(1, "a", notes=("the arguments are those that Base saw",)), node(2, "b"))

    assert list(lines(sub))[-3:] == [
        "a = C()  /home/train.py:1",
        "  note: the arguments are those that Base saw",
        "b = C()  /home/train.py:1",
    ]
    assert "note: the arguments are those that Base saw" in screen(sub, terminal=False)


EVIL = "\x1b[2J\x07\x9b31m\u202e\r\n"


def test_no_control_character_of_a_record_reaches_the_output():
    """Whatever a record holds, only our own escape sequences are written."""
    bad = Run(
        Header(EVIL, EVIL, outcome=EVIL, error=EVIL, script=EVIL, result={EVIL: EVIL}, marks=(EVIL,)),
        (
            node(1, EVIL, f"{EVIL}:{EVIL}", given(**{EVIL: {EVIL: EVIL}}), outcome="raised", error=EVIL,
                 site=CallSite(EVIL, 1, EVIL)),
            node(2, "b", f"{EVIL}:{EVIL}", site=CallSite(EVIL, 1, EVIL), user=False),
        ),
        Environment(python=EVIL, git={"commit": EVIL, "branch": EVIL}),
    )  # fmt: skip

    for text in ("\n".join(lines(bad)), screen(bad, terminal=False)):
        assert not set(text) & set("\x1b\x07\x9b\u202e\r")
    assert "\x1b[2J" not in screen(bad)


def test_loops_are_counted():
    """Of objects made alike by one call, the first twenty are told and a count; `--all` tells them one by one."""
    loop = run(*(n for i in range(50) for n in (node(2 * i, f"layers.{i}"), node(2 * i + 1, f"layers.{i}.act", "m:A"))))

    several = run(*(node(i, f"m{i}", line=i) for i in range(50)))

    assert len(list(lines(several))) > 50
    assert "… 30 × C by train:main" in screen(loop, terminal=False)
    assert "layers.20" not in screen(loop, terminal=False)
    assert len([line for line in lines(loop) if line.startswith("layers.")]) == 20
    assert "… 30 × C by train:main (--all)" in list(lines(loop))
    assert len([line for line in lines(loop, everything=True) if line.startswith("layers.")]) == 50


def test_deep_trees_are_drawn():
    """5,000 objects nested in each other are shown without a recursion error, and the indentation has an end."""
    deep = run(*(node(i, "a" + ".a" * i, arguments=given(x=Ref(0)), line=i) for i in range(5000)))

    assert len(screen(deep, terminal=False).splitlines()) > 5000
    assert sum(1 for _ in lines(deep)) > 5000


def test_runs_inside_a_run_are_shown_below_it():
    """Child runs follow with their own heads."""
    inner = Run(Header("20261122-104502-aaaaaa", "fold 1"), (node(1, "clf"),))
    outer = Run(Header("20261122-104501-3fa9c2"), (node(1, "data"),), children=(inner,))

    assert "# inside: fold 1" in list(lines(outer))
    assert "clf = C()  /home/train.py:1" in list(lines(outer))
    assert "fold 1" in screen(outer)


@pytest.mark.parametrize(
    ("started", "ended", "text"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.250Z", "250 ms"),
        ("2026-01-01T00:00:00Z", "2026-01-01T01:02:03Z", "1 h 2 min"),
        ("2026-01-01T00:00:00Z", None, ""),
        ("2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z", ""),
        ("soon", "later", ""),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00", ""),
    ],
)
def test_durations(started, ended, text):
    """A duration is told as people write it, and not at all if the times are none, or the clock went back."""
    assert duration(started, ended) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 µs"),
        (2.2e-05, "22 µs"),
        (0.00138, "1.4 ms"),
        (9.96e-3, "10 ms"),
        (0.99949, "999 ms"),
        (0.9996, "1 s"),
        (2.54, "2.5 s"),
        (59.96, "1 min"),
        (180, "3 min"),
        (200.4, "3 min 20 s"),
        (3600, "1 h"),
        (90_061, "1 d 1 h"),
        (86_461, "1 d"),
    ],
)
def test_spans(seconds, text):
    """Two figures, and the unit in which they are small; nothing is rounded up to a thousand of one, or to 60 s."""
    assert span(seconds) == text


def test_call_sites_are_short():
    """Files go by their path in the run's folder, or in the installed packages."""
    assert where(CallSite("/home/src/a.py", 3, "f"), "/home") == "src/a.py:3"
    assert where(CallSite("C:\\work\\a.py", 3, "f"), "C:\\work") == "a.py:3"
    assert where(CallSite("/v/site-packages/lib/a.py", 3, "f"), "/home") == "lib/a.py:3"
    assert where(CallSite("<stdin>", None, "f"), "/home") == "<stdin>"
    assert where(None) == ""
