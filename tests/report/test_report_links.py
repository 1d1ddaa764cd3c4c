"""Links of marks: each reads as a filter, finds exactly what its mark counts, and changes no number."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest
from dashboard_builders import changed, write_run
from hypothesis import given
from hypothesis import strategies as st
from report_builders import JUDGE, make_run

from autointerp.core.errors import ConfigError
from autointerp.dashboard.building import build_snapshot
from autointerp.dashboard.explorer import explore, stream
from autointerp.dashboard.filters import parse_filter
from autointerp.dashboard.shelf import Shelf
from autointerp.report.blocks import Figures, every_block
from autointerp.report.changes import change_blocks
from autointerp.report.charts import Picture
from autointerp.report.data import page_data
from autointerp.report.linking import Dashboard, dashboard_at, linking_to, rows_of
from autointerp.report.page import Page, build_page
from autointerp.report.render import html_page
from autointerp.report.sections import sections_of
from autointerp.report.tables import RunTables, load_run
from autointerp.report.terms import LONGEST, term
from autointerp.report.write import write_formats

URL = "http://127.0.0.1:8000"
OTHER = "openai:another"


@dataclass(frozen=True)
class Mark:
    """A link of a picture: what it is called, and where it leads."""

    title: str
    name: str
    href: str

    @property
    def q(self) -> str:
        return parse_qs(urlsplit(self.href).query)["q"][0]


def marks_of(pictures: Sequence[Picture]) -> list[Mark]:
    found = (
        (p.title, name, href)
        for p in pictures
        for href, name in re.findall(r'<a href="([^"]*)" aria-label="([^"]*)"', p.svg)
    )
    return [Mark(title, unescape(name), unescape(href)) for title, name, href in found]


def pictures_of(page: Page) -> list[Picture]:
    blocks = (block for section in sections_of(page) for block in every_block(section.blocks))
    return [picture for block in blocks if isinstance(block, Figures) for picture, _ in block.pictures]


def with_calls(run: RunTables) -> RunTables:
    """Return the run with a call of the judge for each of its own scores: without any, costs are not drawn."""
    own = run["scores"].loc[run["scores"]["control"] == "none", ["dictionary", "feature", "scorer"]]
    calls = pd.DataFrame(index=own.index, columns=run["calls"].columns, dtype=object)
    for name, value in {"model": JUDGE, "stage": "score", "question": "q", "cached": False, "tokens_in": 50}.items():
        calls[name] = value
    for name in ("tokens_out", "tokens_cached", "tries"):
        calls[name] = 1
    calls = calls.assign(seconds=0.1, question=[f"q{i}" for i in range(len(own))], **own)
    # As a run leaves them: whether they are scored is found out from their scores.
    features = run["features"].assign(status=run["features"]["status"].replace("scored", "pending"))
    return changed(run, calls=calls, features=features)


def with_another_judge(run: RunTables) -> RunTables:
    """Return the run with detection by a second judge, who scored all features but one of each dictionary."""
    mine = run["scores"][(run["scores"]["scorer"] == "detection") & (run["scores"]["feature"] > 0)]
    again = mine.assign(judge=OTHER, value=mine["value"].astype(float) - 0.05)
    return changed(run, scores=pd.concat([run["scores"], again], ignore_index=True))


def with_scores_of_features(run: RunTables) -> RunTables:
    """Return the run with scores of features judged without a label."""
    own = run["scores"][(run["scores"]["scorer"] == "detection") & (run["scores"]["metric"] == "auroc")]
    own = own[(own["control"] == "none")].drop_duplicates(["dictionary", "feature"])
    names = [f"bare {d} {f}" for d, f in zip(own["dictionary"], own["feature"], strict=True)]
    scores = own.assign(scorer="intruder", metric="accuracy", chance=0.2, explanation=names)
    bare = run["explanations"].drop_duplicates(["dictionary", "feature"]).reset_index(drop=True)
    keys = [f"bare {d} {f}" for d, f in zip(bare["dictionary"], bare["feature"], strict=True)]
    bare = bare.assign(explainer="control:unlabelled", text="", explanation=keys)
    return changed(
        run,
        scores=pd.concat([run["scores"], scores], ignore_index=True),
        explanations=pd.concat([run["explanations"], bare], ignore_index=True),
    )


def with_several_reasons(run: RunTables) -> RunTables:
    """Return the run with a feature whose two labels failed for two reasons, and one whose labels failed for one."""
    writers = run["explanations"].set_index("explanation")["explainer"]
    scores = run["scores"].copy()
    lost = (scores["control"] == "none") & (scores["feature"] < 2)
    refused = lost & (scores["feature"] == 0) & (scores["explanation"].map(writers) == "examples")
    scores.loc[lost, ["value", "status"]] = [None, "parse_failed"]
    scores.loc[refused, "status"] = "judge_refused"
    return changed(run, scores=scores)


RUNS = {
    "several reasons": lambda: with_several_reasons(make_run(widths=(512,), n_scored=5)),
    "two explainers": lambda: make_run(widths=(512, 1024), n_scored=5),
    "one explainer": lambda: make_run(widths=(512, 1024), n_scored=5, explainers=("examples",)),
    "two judges": lambda: with_another_judge(make_run(widths=(512, 1024), n_scored=5)),
    "without labels": lambda: with_scores_of_features(make_run(widths=(512,), n_scored=5)),
    "four widths": lambda: make_run(n_scored=4, explainers=("examples",)),
    "one feature": lambda: make_run(widths=(512,), n_scored=1),
    "nothing scored": lambda: make_run(widths=(512,), n_scored=2, scored=False, explainers=("examples",)),
}


@dataclass(frozen=True)
class World:
    """A run on disk, its report with links, and the snapshot of the same parts."""

    run: RunTables
    page: Page
    shelf: Shelf

    def rows(self, q: str) -> list[tuple[str, int]]:
        """Return the feature of each row the explorer finds."""
        with self.shelf.lease() as reader:
            rows = [(row.dictionary, row.feature) for row in stream(reader, q)]
            assert explore(reader, q).n == len(rows)
        return rows


@pytest.fixture(scope="module", params=sorted(RUNS))
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("home")
    folder = write_run(home, with_calls(RUNS[request.param]()), name="toy-1")
    write_run(home, make_run(widths=(512,), n_scored=7, seed=1), name="toy-2")
    build_snapshot(home)
    run = load_run(folder)
    shelf = Shelf(home)
    yield World(run, build_page(run, linking=linking_to(dashboard_at(URL, "toy-1"), run)), shelf)
    shelf.close()


def behind(mark: Mark) -> int | None:
    """Return how many features a mark says it stands for, None where it is about windows."""
    if "the link leads to" in mark.name:
        return None
    for pattern in (r"([\d,]+) (?:scored )?features", r"n = ([\d,]+)"):
        if found := re.search(pattern, mark.name):
            return int(found[1].replace(",", ""))
    raise AssertionError(mark)


def test_the_explorer_finds_what_a_mark_counts(world: World) -> None:
    """Every address is a filter of this run; it finds as many features as its mark says."""
    marks = marks_of(pictures_of(world.page))
    rows = rows_of(world.run)
    for mark in marks:
        assert mark.href.startswith(f"{URL}/features?q=")
        assert parse_filter(mark.q).values("run") == ("toy-1",)
        found = world.rows(mark.q)
        n = behind(mark)
        if n is None:
            words = re.search(r"the link leads to all ([\d,]+) labels with a score by (\w+)", mark.name)
            assert words
            assert len(found) == int(words[1])
            continue
        assert len(set(found)) == n, mark
        # A filter that names explainer and judge finds one row a feature; others list each label.
        most = 1 if "explainer:" in mark.q else max(1, len(rows.writers)) * max(1, len(rows.judges))
        assert len(found) <= n * most, mark


def test_each_chart_with_marks_has_links(world: World) -> None:
    """Where anything was scored bars, curves, densities, coverage, agreement, answers and costs all have links."""
    linked = {mark.title for mark in marks_of(pictures_of(world.page))}
    drawn = {p.title for p in pictures_of(world.page) if "Nothing to draw" not in p.description}
    is_scored = world.run["scores"]["value"].notna().any()
    assert linked == {title for title in drawn if is_scored or title.startswith("From all")}
    assert "From all features to the scored ones" in linked


def test_no_number_is_another(world: World) -> None:
    """Without links the page is the same but for the sentence about them, in every format."""
    bare, sentence = build_page(world.run), f" {world.page.linked}"
    assert URL not in html_page(bare)
    assert json.dumps(page_data(bare)) == json.dumps(page_data(world.page)).replace(sentence, "")
    assert without_pictures(html_page(bare)) == without_pictures(html_page(world.page)).replace(sentence, "")
    drawn = [[re.findall(r"<text[^>]*>([^<]*)", p.svg) for p in pictures_of(page)] for page in (bare, world.page)]
    assert drawn[0] == drawn[1]


def without_pictures(html: str) -> str:
    return re.sub(r"<svg.*?</svg>", "", html, flags=re.DOTALL)


def test_the_page_says_where_marks_lead(world: World) -> None:
    """In one sentence, with the address; nothing stands there without links."""
    assert f"the dashboard at {URL}" in html_page(world.page)
    assert "dashboard at" not in html_page(build_page(world.run))


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "file:///etc/passwd", "ftp://host/", "//host", "host:8000", "http://", "http://:80",
        "http://a b", 'http://a"onclick=x', "http://a/<script>", "http://me:secret@host", "http://host/?q=", "http://h#x",
        "http://host\n", " http://host", "http://host:99999", "http://[::1", "data:text/html,x", "http://\u0430.example",
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_one_is_refused(url: str, tmp_path: Path) -> None:
    """Anything but http and https with a host is an error that says what to write, before a file is read."""
    with pytest.raises(ConfigError, match="autointerp serve"):
        write_formats(tmp_path, ["html"], dashboard=url)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000", "https://host/", "HTTPS://host.example:1/a/b", "http://[::1]:80"]
)
def test_ordinary_addresses_are_taken(url: str) -> None:
    """A slash at the end is not doubled."""
    assert dashboard_at(url, "r").features("status:scored") == f"{url.rstrip('/')}/features?q=run%3Ar%20status%3Ascored"


@given(run=st.text(min_size=1).filter(str.strip), name=st.text(min_size=1).filter(str.strip))
def test_any_name_reads_back_from_its_link(run: str, name: str) -> None:
    """Whatever a run or an explainer is called, its link is one address whose filter asks for just that name."""
    href = Dashboard(URL, run).features(term("explainer", name))
    if not href:
        assert len(run) + len(name) > LONGEST / 3
        return
    assert re.fullmatch(r"[!-~]+", href)
    assert not set(href) & set("\"'<>")
    found = parse_filter(parse_qs(urlsplit(href).query, keep_blank_values=True)["q"][0])
    assert (found.values("run"), found.values("explainer")) == ((run,), (name,))


def test_hostile_names_stay_inside_their_links() -> None:
    """A run whose names are an attack makes links that are filters of that very name."""
    run = make_run(widths=(512,), n_scored=2, hostile=True)
    hostile = 'a" onmouseover="x <script> status:dead'
    own = run["explanations"]["explainer"] == "examples"
    run["explanations"].loc[own, "explainer"] = hostile
    page = build_page(run, linking=linking_to(Dashboard(URL, "toy-1"), run))
    filters = [parse_filter(mark.q) for mark in marks_of(pictures_of(page)) if "explainer" in mark.q]
    assert any(found.values("explainer") == (hostile,) for found in filters)
    assert not re.search(r"<a [^>]*onmouseover=", html_page(page))


def test_two_labels_of_one_explainer_make_no_link() -> None:
    """Where a feature has two labels by one explainer, the explorer has two rows for one mark: no link."""
    run = make_run(widths=(512,), n_scored=3)
    twice = run["explanations"].assign(explanation=[f"again {key}" for key in run["explanations"]["explanation"]])
    rows = rows_of(changed(run, explanations=pd.concat([run["explanations"], twice], ignore_index=True)))
    assert rows.within([("detection", "", "auroc")], "examples", JUDGE) is None
    assert rows_of(run).within([("detection", "", "auroc")], "examples", JUDGE) == "explainer:examples"


def test_differences_lead_to_both_runs(tmp_path: Path) -> None:
    """No filter knows a difference: bars lead to the two runs side by side, and say so."""
    folders = [
        write_run(tmp_path, make_run(widths=(512,), n_scored=6, value=value), name=name)
        for name, value in (("before-1", 0.5), ("after-2", 0.75))
    ]
    blocks = change_blocks(folders[1], folders[0], dashboard=dashboard_at(URL, "after-2"))
    marks = marks_of([p for b in blocks if isinstance(b, Figures) for p, _ in b.pictures])
    assert marks
    assert {mark.href for mark in marks} == {f"{URL}/compare?a=before-1&b=after-2"}
    assert all("both runs side by side" in mark.name for mark in marks)
    bare = change_blocks(folders[1], folders[0])
    assert not marks_of([p for b in bare if isinstance(b, Figures) for p, _ in b.pictures])


def test_written_with_links(tmp_path: Path) -> None:
    """The file has them under the run's own folder name; the other formats have the sentence alone."""
    folder = write_run(tmp_path, make_run(widths=(512,), n_scored=2), name="toy-1")
    html, text = write_formats(folder, ["html", "md"], dashboard=f"{URL}/")
    assert f'href="{URL}/features?q=run%3Atoy-1%20' in html.read_text()
    assert "features?q=" not in text.read_text()
