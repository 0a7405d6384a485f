"""The page of a run: what is in the file, and what a browser makes of it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from html.parser import HTMLParser

import pytest

from begat.record.graph import Run
from begat.record.model import Header
from begat.record.values import Ref
from begat.render.export import export
from begat.render.page import page
from handmade import default, given, node, run, training
from odd import ODD, odd


class Page(HTMLParser):
    """Collects tags, attributes, and what stands in each script and style."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.raw, self.inside = [], [], {}, None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.attributes += attrs
        self.inside = (dict(attrs).get("type") or tag) if tag in ("script", "style") else None

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside is not None:
            self.raw[self.inside] = self.raw.get(self.inside, "") + data


@pytest.mark.parametrize("make", [training, odd, run], ids=lambda make: make.__name__)
def test_the_file_needs_nothing_and_lets_nothing_in(make):
    """No address, no handler, no inline style; the policy in its head allows its own script and style by digest, nothing else."""
    text = export(make(), "html", against=make())
    found = Page(text)
    policy = next(
        a["content"] for tag, a in found.tags if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    )

    assert [tag for tag, _ in found.tags].count("script") == 2
    assert not {"link", "img", "iframe", "object", "embed", "base", "form", "a"} & {tag for tag, _ in found.tags}
    assert not [
        name for name, _ in found.attributes if name.startswith("on") or name in ("href", "src", "style", "srcdoc")
    ]
    assert policy.startswith("default-src 'none';")
    for part in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(found.raw[part].encode()).digest()).decode()
        assert f"{part}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    ours = text.replace(found.raw["application/json"], "")
    assert set(re.findall(r"https?:[^\"' ]*", ours)) == {
        "http://www.w3.org/2000/svg"
    }  # the name of SVG, which nobody fetches


def test_the_script_has_no_way_from_text_to_html():
    """Nothing in the page's script parses HTML or runs text."""
    script = Page(export(run(), "html")).raw["script"]

    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|DOMParser|\beval\b|new Function|setTimeout\(\s*[\"'`]",
        script,
    )
    assert not re.search(r"\bfetch\b|XMLHttpRequest|WebSocket|import\s*\(|\.src\b|localStorage", script)


def test_no_tag_begins_or_ends_in_the_island():
    """The data is JSON in which `<` does not occur, and it is the data."""
    island = Page(export(odd(), "html")).raw["application/json"]

    assert not set(island) & set("<>&")
    assert island.isascii()
    assert json.loads(island) == json.loads(json.dumps(page(odd())))


def test_the_page_has_what_the_record_says():
    """Objects in the order of the tree, arguments with source and what they replaced, edges, what is folded."""
    data = page(training())
    paths = [node["path"] for node in data["nodes"]]
    model = data["nodes"][paths.index("model")]

    assert paths[:3] == ["model", "model.enc", "model.dropout:2"] or "model.enc" in paths
    assert model["args"][1] == ["hidden", "256", "override", "int", "128", True]
    assert model["args"][0][:2] == ["enc", "→ model.enc"]
    assert model["args"][0][5] is False  # its object is a row of its own
    assert data["nodes"][paths.index("model.enc")]["parent"] == paths.index("model")
    assert [paths.index("model.enc"), paths.index("model"), "enc"] in data["edges"]
    assert data["nodes"][paths.index("search")]["hidden"] == 240


def test_what_differs_is_on_the_page():
    """Against another run, changed, added and removed arguments are rows."""
    before = run(node(1, "m", "t:Net", given(a=1, b=2, gone=3)))
    after = run(node(1, "m", "t:Net", given(a=1, b=4) | default(new=5)))
    rows = page(after, against=before)["difference"]["rows"]

    assert {tuple(row[:4]) for row in rows} >= {("changed", "m.b", "2", "4")}
    assert any("gone" in row[1] for row in rows)
    assert any("new" in row[1] for row in rows)
    assert page(after, against=after)["difference"]["rows"] == []


def test_a_very_large_run_is_told_in_part(monkeypatch):
    """Past the limit, objects made alike by one call are counted; the file stays small."""
    many = run(*(node(i, f"n.{i}", arguments=default(x=i)) for i in range(30_000)))
    data = page(many)

    assert len(data["nodes"]) == 20
    assert len(export(many, "html")) < 200_000
    assert "29,980 × C" in json.dumps(data, ensure_ascii=False)


# --- in a browser -------------------------------------------------------------------------------------------------------
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def browser():
    """A real browser; what cannot be had here is not pretended."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def visit(browser, tmp_path):
    """Open the page of a run; any error, dialog, refused part or request to the network fails the test."""
    troubles = []

    def opened(made, **options):
        path = tmp_path / "run.html"
        export(made, "html", path, **options)
        tab = browser.new_page(viewport={"width": 1200, "height": 800})
        tab.on("pageerror", lambda error: troubles.append(str(error)))
        tab.on(
            "console", lambda message: troubles.append(message.text) if message.type in ("error", "warning") else None
        )
        tab.on("dialog", lambda dialog: (troubles.append(dialog.message), dialog.dismiss()))
        tab.on("request", lambda asked: None if asked.url.startswith("file:") else troubles.append(asked.url))
        tab.goto(path.as_uri())
        tab.wait_for_selector("#tree .row, #tree .none")
        return tab

    yield opened
    assert troubles == []


def rows(tab, host):
    return tab.locator(f"#{host} .row:visible").all_inner_texts()


TABS = ("objects", "graph", "parameters", "sites", "environment", "difference")


def test_hostile_names_are_text(visit):
    """Whatever a record says is shown as it is written, in every view, and makes no element of its own."""
    tab = visit(odd(), against=training())

    for name in TABS:
        tab.click(f"#tab-{name}")
    tab.click("#tab-objects")
    for at in range(12):
        tab.locator("#tree .row").nth(at).click()
    assert tab.locator("img, iframe, object").count() == 0
    assert tab.locator("script").count() == 2
    assert tab.locator("#title").inner_text() == ODD[0]
    shown = tab.evaluate("() => document.body.innerText")
    assert "\u202e" not in shown
    assert "<img src=x onerror=alert(1)>" in shown


def test_the_tree_is_walked_with_the_keyboard(visit):
    """Arrows move, open and close; the selected object is described; `/` searches and Escape leaves."""
    tab = visit(training())

    tab.focus("#tree")
    tab.keyboard.press("Home")
    assert tab.locator("#detail h3").inner_text() == "model"
    tab.keyboard.press("ArrowLeft")
    assert not any("enc =" in row for row in rows(tab, "tree"))
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowRight")
    assert tab.locator("#detail h3").inner_text() == "model.enc"
    assert "dim" in tab.locator("#detail").inner_text()
    tab.keyboard.press("/")
    tab.keyboard.type("gridsearch")
    tab.wait_for_function("() => document.querySelectorAll('#tree .row').length === 1")
    tab.keyboard.press("Escape")
    assert len(rows(tab, "tree")) > 5
    assert tab.evaluate("() => document.activeElement.id") == "tree"


def test_tabs_are_tabs(visit):
    """Arrows change the view; exactly one is shown, and the tab says which."""
    tab = visit(training())

    tab.focus("#tab-objects")
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate("() => document.activeElement.id") == "tab-graph"
    assert tab.locator("section:visible").count() == 1
    assert tab.locator("#tab-graph").get_attribute("aria-selected") == "true"
    assert not tab.locator("#tab-difference").count()


def test_parameters_are_searched_and_lead_to_their_object(visit):
    """Words narrow the rows; defaults can be left out; a row leads to its object."""
    tab = visit(training())

    tab.click("#tab-parameters")
    everything = len(rows(tab, "rows"))
    tab.check("#chosen")
    assert len(rows(tab, "rows")) == everything - 2  # act and dropout
    tab.fill("#search", "model hidden")
    tab.wait_for_function("() => document.querySelectorAll('#rows .row').length === 1")
    assert "256 (was 128)" in rows(tab, "rows")[0].replace("\n", " ")
    tab.locator("#rows .row").click()
    assert tab.locator("#detail h3").inner_text() == "model"


def test_the_graph_draws_boxes_and_arrows(visit):
    """Every object has a box, no two overlap; a circle of references is drawn too; a selected box lights its arrows."""
    circle = run(
        node(1, "a", arguments=given(x=Ref(2))),
        node(2, "b", arguments=given(x=Ref(3))),
        node(3, "c", arguments=given(x=Ref(1))),
    )
    for made, arrows in ((training(), 4), (circle, 3)):
        tab = visit(made)
        tab.click("#tab-graph")
        boxes = [box.bounding_box() for box in tab.locator(".drawing .frame").all()]

        assert len(boxes) == sum(node.user for node in made.nodes)
        assert tab.locator(".drawing path").count() == arrows
        for number, one in enumerate(boxes):
            for other in boxes[number + 1 :]:
                apart = (
                    one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
                    or one["y"] + one["height"] <= other["y"] or other["y"] + other["height"] <= one["y"]
                )  # fmt: skip
                assert apart, (one, other)
        tab.locator(".drawing .box").first.focus()
        tab.keyboard.press(" ")
        assert tab.locator(".drawing .selected").count() == 1
        assert tab.locator(".drawing path.lit").count() >= 1


def test_closed_boxes_open(visit):
    """In a run that is too large to be drawn whole, a box says how much is inside, and opens."""
    parts = [node(100 + i, f"net.{i}", arguments=given(x=i), within=1) for i in range(200)]
    tab = visit(run(node(1, "net", "m:Net"), *parts))

    tab.click("#tab-graph")
    assert tab.locator(".drawing .box").count() == 1
    assert "200 inside" in tab.locator(".drawing").inner_text()
    tab.locator(".drawing .box").dblclick()
    assert tab.locator(".drawing .box").count() > 100


def test_two_thousand_objects_open_in_a_second_and_stay_quick(visit):
    """The page of a large run is there in under a second, and only the rows in sight are on it."""
    nodes = []
    for i in range(200):
        nodes.append(node(10 * i, f"net.{i}", "m:Net", given(width=i, depth=3), i))
        nodes += [
            node(
                10 * i + k,
                f"net.{i}.layer{k}",
                "torch.nn:Linear",
                given(a=1, b="x" * 50) | default(c=None, d=0.1),
                k,
                within=10 * i,
            )
            for k in range(1, 10)
        ]
    tab = visit(run(*nodes))

    spent = tab.evaluate("() => performance.timing.domContentLoadedEventEnd - performance.timing.navigationStart")
    assert spent < 1000, spent
    tab.focus("#tree")
    tab.keyboard.press("End")
    assert "net.199" in rows(tab, "tree")[-1]
    tab.keyboard.press("ArrowRight")
    for name in ("parameters", "sites", "graph", "objects"):
        begin = tab.evaluate("() => performance.now()")
        tab.click(f"#tab-{name}")
        assert tab.evaluate("() => document.querySelectorAll('.row, .box').length") < 400
        assert tab.evaluate("() => performance.now()") - begin < 1000
    tab.fill("#search", "layer9 net.77")
    tab.wait_for_function(
        "() => document.querySelector('#tree').innerText.includes('net.77') && document.querySelectorAll('#tree .row').length === 2"
    )


def test_it_reads_on_dark_and_on_light(visit, browser):
    """The button turns the page over; text and ground are far apart in both."""
    tab = visit(training())

    def contrast():
        return tab.evaluate(
            """() => {
              const light = (color) => { const [r, g, b] = color.match(/[\\d.]+/g).map((c) => { c /= 255; return c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
              const ground = light(getComputedStyle(document.querySelector('#tree')).backgroundColor);
              return ['.name', '.given', '.class', '.bad'].map((one) => { const own = light(getComputedStyle(document.querySelector('#tree ' + one)).color); return (Math.max(own, ground) + .05) / (Math.min(own, ground) + .05); });
            }"""
        )

    first = contrast()
    tab.click("#theme")
    tab.wait_for_timeout(250)
    second = contrast()
    assert min(first + second) > 4.5, (first, second)
    assert first != second


def test_printing_has_all_of_it(visit):
    """On paper there are all views, all rows, and no buttons."""
    many = run(*(node(i, f"n{i}", arguments=given(x=i)) for i in range(300)))
    tab = visit(many)

    tab.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    tab.emulate_media(media="print")
    assert len(rows(tab, "tree")) == 300
    assert len(rows(tab, "rows")) == 600
    assert tab.locator("#search").is_hidden()
    assert tab.locator("#environment").is_visible()
    tab.emulate_media(media="screen")
    tab.evaluate("() => dispatchEvent(new Event('afterprint'))")
    assert len(rows(tab, "tree")) < 100


def test_a_run_without_anything_says_so(visit):
    """No object: the page says that, and every view opens."""
    tab = visit(Run(Header("empty")), against=training())

    assert "nothing that was recorded" in tab.locator("#tree").inner_text()
    for name in TABS:
        tab.click(f"#tab-{name}")
    assert rows(tab, "changed")


def test_an_address_leads_to_an_object(visit):
    """The part behind `#` is a path: a link into the page opens there, also one that somebody cut."""
    tab = visit(training())
    url = tab.url.partition("#")[0]

    tab.goto("about:blank")
    tab.goto(f"{url}#pipe.steps.0.1")
    assert tab.locator("#detail h3").inner_text() == "pipe.steps.0.1"
    tab.goto("about:blank")
    tab.goto(f"{url}#%E0%A4%A")
    assert tab.locator("#detail h3").inner_text() == "model"
