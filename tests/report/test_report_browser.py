"""The page in a real browser, opened from its file: nothing fetched, nothing run, readable anywhere.

Debian's chromium, driven by playwright. Without either the tests skip and say why; where
AUTOINTERP_REQUIRE_BROWSER=1 they fail instead.
"""

import os
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from report_builders import HOSTILE, Builder

from autointerp.report.page import build_page
from autointerp.report.render import html_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")
WIDTHS = (1200, 800, 390)
LONG = "Donaudampfschifffahrtsgesellschaft" * 20
ATTACK = f"{HOSTILE}</style></title><svg onload=alert(3)>\u202e\u05d0\u05d1{LONG}"
CONTRAST = 4.5
"""WCAG 2.2, 1.4.3: contrast of body text, minimum."""

pytestmark = pytest.mark.browser

Open = Callable[..., "Page"]


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """A browser without a network to speak of; absent, a reason to skip or to fail."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        stop(f"playwright is not installed ({error}): pip install -e '.[dev]'")
    if not CHROMIUM.exists():
        stop(f"no {CHROMIUM}: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def stop(reason: str) -> None:
    """Fail where a browser is required, else skip."""
    if os.environ.get("AUTOINTERP_REQUIRE_BROWSER") == "1":
        pytest.fail(f"AUTOINTERP_REQUIRE_BROWSER=1, but {reason}")
    pytest.skip(f"NO BROWSER TEST WAS RUN: {reason}")


@pytest.fixture(scope="module")
def files(build: Builder, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An ordinary report, one whose every text is an attack, one of Hebrew text, and what stands beside them."""
    folder = tmp_path_factory.mktemp("report")
    for beside in ("report.md", "scores.csv"):
        (folder / beside).write_text("", "utf-8")
    ordinary = build(widths=(512, 1024), n_scored=3)
    hostile = build(widths=(512,), n_scored=2, hostile=True, explainers=("examples",))
    hostile["explanations"]["text"] = ATTACK
    hebrew = build(widths=(512,), n_scored=2)
    hebrew["evidence"]["tokens"] = [[*"שלום", " ", "(", *"עולם", ")", " \u202e", "12", *" ab"] * 2] * len(
        hebrew["evidence"]
    )
    for name, run in (("ordinary", ordinary), ("hostile", hostile), ("hebrew", hebrew)):
        (folder / f"{name}.html").write_text(html_page(build_page(run)), "utf-8")
    return {name: folder / f"{name}.html" for name in ("ordinary", "hostile", "hebrew")}


@pytest.fixture
def open_page(browser: "Browser", files: dict[str, Path]) -> Iterator[Open]:
    """Open a report with everything unfolded; requests, console messages and dialogs are kept on the page."""
    contexts = []

    def open_it(name: str = "ordinary", *, width: int = 1200, **settings: Any) -> "Page":
        context = browser.new_context(viewport={"width": width, "height": 900}, **settings)
        context.set_default_timeout(5_000)  # milliseconds
        contexts.append(context)
        page = context.new_page()
        page.seen = {"requests": [], "complaints": [], "dialogs": []}
        page.on("request", lambda request: page.seen["requests"].append(request.url))
        page.on("console", lambda message: page.seen["complaints"].append(message.text))
        page.on("pageerror", lambda error: page.seen["complaints"].append(str(error)))
        page.on("dialog", lambda dialog: (page.seen["dialogs"].append(dialog.message), dialog.dismiss()))
        page.goto(files[name].as_uri())
        if settings.get("java_script_enabled", True):
            page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        return page

    yield open_it
    for context in contexts:
        context.close()


@pytest.mark.parametrize("name", ["ordinary", "hostile"])
def test_one_request_and_no_complaint(open_page: Open, name: str) -> None:
    """The file itself is all that is asked for; console, errors and dialogs stay empty, also of an attack."""
    page = open_page(name)
    page.wait_for_timeout(100)
    assert [url.rsplit("/", 1)[-1] for url in page.seen["requests"]] == [f"{name}.html"]
    assert page.seen["complaints"] == []
    assert page.seen["dialogs"] == []


def test_hostile_text_is_read_not_run(open_page: Open) -> None:
    """The attack stands on the page as written, hidden characters as escapes, and makes no element of its own."""
    page = open_page("hostile")
    text = page.locator("#random .label").first.inner_text()
    assert "<script>alert(1)</script>" in text
    assert "</style></title><svg onload=alert(3)>\\u202e" in text
    assert page.locator("script, img, iframe, [onload], [onerror]").count() == 0
    assert page.evaluate("[...document.styleSheets].length") == 1


@pytest.mark.parametrize(("name", "direction"), [("ordinary", "ltr"), ("hebrew", "rtl")])
def test_windows_run_as_their_text_does(open_page: Open, name: str, direction: str) -> None:
    """Right-to-left text is set from the right, marked tokens in their order; what stands around it is not turned."""
    page = open_page(name)
    window = page.locator("#random .win").first
    assert window.evaluate("e => getComputedStyle(e).direction") == "ltr"
    assert window.locator("p").first.evaluate("e => getComputedStyle(e).direction") == direction
    assert window.locator("p").first.evaluate("e => getComputedStyle(e).unicodeBidi") == "isolate"
    assert window.locator(".soft").first.evaluate("e => getComputedStyle(e).direction") == "ltr"


def test_marked_letters_stay_in_their_order(open_page: Open) -> None:
    """Of a Hebrew word each letter stands left of the one before it, marked or not; a bidi control is an escape."""
    window = open_page("hebrew").locator("#random .win p").first
    places = window.evaluate(
        """p => { const walk = document.createTreeWalker(p, NodeFilter.SHOW_TEXT), found = [];
           for (let node; node = walk.nextNode(); ) [...node.data].forEach((letter, i) => {
             const range = document.createRange(); range.setStart(node, i); range.setEnd(node, i + 1);
             found.push([letter, range.getBoundingClientRect().x]); });
           return found.filter(([letter]) => letter.trim()).slice(0, 4); }"""
    )
    assert "".join(letter for letter, _ in places) == "שלום"
    assert [x for _, x in places] == sorted((x for _, x in places), reverse=True)
    assert "\\u202e" in window.inner_text()


def test_everything_is_there_without_javascript(open_page: Open) -> None:
    """The page has no script to lose: sections, tables and pictures are visible, and folds open by themselves."""
    page = open_page(java_script_enabled=False)
    assert page.locator("section > h2").count() == 16
    assert page.locator("#scores table").first.is_visible()
    assert page.locator("#scores svg").first.is_visible()
    fold = page.locator("article:has(.win)").nth(1)
    assert not fold.locator(".win").first.is_visible()
    fold.locator("summary").first.click()
    assert fold.locator(".win").first.is_visible()


@pytest.mark.parametrize("name", ["ordinary", "hostile"])
@pytest.mark.parametrize("width", WIDTHS)
def test_only_tables_scroll_sideways(open_page: Open, name: str, width: int) -> None:
    """At any width the page is as wide as the window; what sticks out is a table in a box that scrolls."""
    page = open_page(name, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    outside = page.evaluate(
        """width => [...document.querySelectorAll('main *, header *, nav *')]
           .filter(e => !e.closest('.scroll') && !e.closest('svg') && e.getBoundingClientRect().right > width + 1)
           .map(e => e.outerHTML.slice(0, 80))""",
        width,
    )
    assert outside == []


def test_a_score_table_shows_all_of_itself_on_a_desk(open_page: Open) -> None:
    """At 1200 pixels no column of a main score table is cut off: controls stand on the right."""
    page = open_page(width=1200)
    cut = page.evaluate(
        "[...document.querySelectorAll('#scores > .scroll')].filter(e => e.scrollWidth > e.clientWidth).length"
    )
    assert page.locator("#scores > .scroll").count() >= 2
    assert cut == 0


def test_pictures_have_words(open_page: Open) -> None:
    """Each image has a name and a description for those who do not see it."""
    page = open_page()
    pictures = page.locator("svg, img, canvas")
    assert pictures.count() >= 4
    assert page.get_by_role("img").count() == page.locator("svg[role=img][aria-label]").count() == pictures.count()
    assert all(len(words) > 30 for words in page.locator("svg > desc").all_text_contents())


def test_headings_are_in_order(open_page: Open) -> None:
    """One first heading, and no level is left out on the way down."""
    levels = open_page().evaluate("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(deeper <= level + 1 for level, deeper in pairwise(levels))


def test_tokens_tell_their_value(open_page: Open) -> None:
    """Every shaded token says on hover what it stands for: its activation, or what was predicted of what."""
    page = open_page()
    truth, predicted = (page.locator(f".win i[class^={letter}]") for letter in "ap")
    for tokens, said in ((truth, r"activation [\d.]+"), (predicted, r"predicted [\d.]+ of 9")):
        titles = tokens.evaluate_all("tokens => tokens.map(t => t.title)")
        assert titles
        assert all(re.fullmatch(said, title) for title in titles)


LUMINANCE = """element => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const over = (top, below) => {
    const alpha = top.length > 3 ? top[3] : 1;
    return [0, 1, 2].map(i => alpha * top[i] + (1 - alpha) * below[i]);
  };
  const layers = [];
  for (let e = element; e; e = e.parentElement) layers.unshift(rgb(getComputedStyle(e).backgroundColor));
  const paper = layers.reduce((below, layer) => over(layer, below), [255, 255, 255]);
  const ink = over(rgb(getComputedStyle(element).color), paper);
  const light = c => c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4;
  const luminance = c => 0.2126 * light(c[0]) + 0.7152 * light(c[1]) + 0.0722 * light(c[2]);
  const [high, low] = [luminance(ink), luminance(paper)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}"""
READ = (
    "#verdict li",
    ".soft",
    ".limits .warning",
    "td",
    "thead th",
    "nav a",
    ".label",
    ".win p",
    ".win .soft",
    "footer",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_dark(open_page: Open, scheme: str) -> None:
    """Contrast of each kind of text, and of tokens in every shade, is at least 4.5 to 1."""
    page = open_page(color_scheme=scheme)
    shades = [f".win .{letter}{level}" for letter in "ap" for level in range(1, 17)]
    found = {kind: page.locator(kind).first for kind in (*READ, *shades)}
    ratios = {kind: element.evaluate(LUMINANCE) for kind, element in found.items() if element.count()}
    assert len(ratios) >= len(READ) + 24
    assert {kind: round(value, 2) for kind, value in ratios.items() if value < CONTRAST} == {}


def test_links_lead_somewhere(open_page: Open, files: dict[str, Path]) -> None:
    """A link goes to an id of the page or to a file beside it; no id stands twice."""
    page = open_page()
    links = page.locator("a").evaluate_all("links => links.map(a => a.getAttribute('href'))")
    ids = page.locator("[id]").evaluate_all("elements => elements.map(e => e.id)")
    assert len(links) > 10
    assert len(ids) == len(set(ids))
    for link in links:
        assert (link.startswith("#") and link[1:] in ids) or (files["ordinary"].parent / link).is_file()


def test_it_prints_with_its_folds_open(open_page: Open) -> None:
    """Paper has no folds to open: the windows of a closed card are on it, and the PDF is made."""
    page = open_page(java_script_enabled=False)
    assert page.pdf(format="A4").startswith(b"%PDF")
    fold = page.locator("article:has(.win)").nth(1)
    assert not fold.locator(".win").first.is_visible()
    page.emulate_media(media="print")
    assert fold.locator(".win").first.is_visible()
