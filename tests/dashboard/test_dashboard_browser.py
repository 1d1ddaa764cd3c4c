"""The dashboard in a real browser: from a bar to the evidence, by keyboard, without JavaScript, on a small screen.

Debian's chromium, driven by playwright; without it the tests skip and say so (see tests/browsers.py).
"""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from browsers import launched
from dashboard_builders import toy_home, write_run
from report_builders import make_run

from autointerp.core.draws import content_key
from autointerp.dashboard.building import build_snapshot
from autointerp.dashboard.server import make_app

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

SCORE = f"/scores/toy-1/toy-l12/512/1/{content_key('toy-l12/512', 1, 'examples')}/detection"
PAGES = [
    "/", "/features?q=status:scored", "/f/toy-l12/512/1", "/f/toy-l12/512/5", "/runs/toy-1",
    "/dictionaries/toy-l12/512", "/ladders/toy-l12", SCORE, "/compare?a=toy-1&b=toy-1", "/agreement", "/cost",
    "/docs/scorers/detection", "/flows", "/review",
]  # fmt: skip

Open = Callable[..., "Page"]


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    yield from launched()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The dashboard on a free port, and its home."""
    import uvicorn

    home = toy_home(tmp_path_factory.mktemp("home"))
    build_snapshot(home)
    app = make_app(home)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}", home
    server.should_exit = True
    thread.join()
    app.state.shelf.close()


@pytest.fixture
def open_page(browser: "Browser", served: tuple[str, Path]) -> Iterator[Open]:
    """Open a page; requests to other hosts and complaints are kept and must be none at the end."""
    contexts, foreign, complaints = [], [], []

    def open_it(address: str, *, width: int = 1200, **settings: Any) -> "Page":
        context = browser.new_context(viewport={"width": width, "height": 900}, **settings)
        context.set_default_timeout(30_000)  # milliseconds; a busy machine is slow
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: foreign.append(request.url) if _is_foreign(request.url) else None)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(served[0] + address)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert foreign == []
    assert complaints == []


def _is_foreign(url: str) -> bool:
    return urlsplit(url).hostname != "127.0.0.1"


def test_from_a_bar_to_the_evidence_and_back(open_page: Open) -> None:
    """The overview leads to a bar, the bar to as many rows as it counts, a row to its feature and evidence; the
    address, opened anew, shows the same."""
    page = open_page("/")
    page.locator("th[scope=row] a", has_text="toy-l12/512").first.click()
    bar = page.locator("a.bar").first
    n = bar.inner_text()
    bar.click()
    assert page.locator("#count b").inner_text() == n
    assert page.locator("table.rows tbody tr").count() == int(n)
    page.locator("table.rows tbody th a").first.click()
    page.locator("a.evidence", has_text="detection").first.click()
    seen = page.locator("main").inner_text()
    assert "logprob" in seen
    again = open_page(page.url[page.url.index("/", 8) :])
    assert again.locator("main").inner_text() == seen


def test_every_page_can_be_toured_by_keyboard(open_page: Open) -> None:
    """Slash goes to the filter, j and k along the rows, enter opens, n and p step through features, t turns the
    theme, which stays."""
    page = open_page("/features?q=status:scored")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.press("Tab")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    first = page.locator("table.rows tbody th a").first
    assert first.evaluate("link => link === document.activeElement")
    page.keyboard.press("Enter")
    page.wait_for_url("**/f/toy-l12/512/0?*")
    page.keyboard.press("n")
    page.wait_for_url("**/f/toy-l12/512/1?*")
    page.keyboard.press("p")
    page.wait_for_url("**/f/toy-l12/512/0?*")
    page.keyboard.press("t")
    theme = page.evaluate("document.documentElement.dataset.theme")
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == theme == "dark"


def test_everything_works_without_javascript(open_page: Open) -> None:
    """A form filters, links sort, folds open by themselves, and no button promises what only a script does."""
    page = open_page("/features?q=", java_script_enabled=False)
    page.fill("#q", "status:scored explainer:lexical")
    page.locator("form button").click()
    assert page.locator("#count b").inner_text() == "8"
    page.get_by_role("link", name="detection").first.click()
    assert "sort:-detection" in page.input_value("#q")
    page.locator("table.rows tbody th a").first.click()
    assert not page.locator("button.copy").is_visible()
    fold = page.locator("details:has(dl.facts)").first
    assert not fold.locator("dl").is_visible()
    fold.locator("summary").click()
    assert fold.locator("dl").is_visible()


@pytest.mark.parametrize("address", PAGES)
def test_a_page_fits_a_small_screen(open_page: Open, address: str) -> None:
    """At 390 pixels nothing but tables in their boxes is wider than the screen."""
    page = open_page(address, width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_page: Open, scheme: str) -> None:
    """No page violates a rule of axe-core, in either theme."""
    from axe_playwright_python.sync_playwright import Axe

    found = {}
    for address in PAGES:
        page = open_page(address, color_scheme=scheme)
        violations = Axe().run(page).response["violations"]
        found[address] = [(one["id"], [node["html"][:120] for node in one["nodes"]][:3]) for one in violations]
    assert {address: rules for address, rules in found.items() if rules} == {}


def test_a_new_run_is_picked_up_under_load(served: tuple[str, Path]) -> None:
    """While others read, a run is written and its snapshot takes over: no error, no page of two snapshots, and the
    new run is there."""
    address, home = served
    statuses, mixed, is_over = [], [], threading.Event()

    def read() -> None:
        while not is_over.is_set():
            with urlopen(f"{address}/index.json") as answer:
                statuses.append(answer.status)
                page = answer.read().decode()
                mixed.append(('"run": "toy-2"' in page) != (f'"snapshot": "{first}"' not in page))

    first = build_snapshot(home).stem
    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    write_run(home, make_run(widths=(512,), n_scored=2), name="toy-2", created="2026-11-22T10:00:00Z")
    second = build_snapshot(home).stem
    with urlopen(f"{address}/index.json") as answer:
        assert second in answer.read().decode()
    is_over.set()
    for reader in readers:
        reader.join()
    assert set(statuses) == {200}
    assert not any(mixed)
