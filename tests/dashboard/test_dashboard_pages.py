"""Pages in their three formats: what is on them, what they cost to make, and what cannot get through."""

import csv
import json
import re
import shutil
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from urllib.parse import unquote, urlencode

import pandas as pd
import pytest
from dashboard_builders import Client, changed, open_app, toy_home, write_run
from report_builders import make_run
from tiny_world import FinishedRun

from autointerp.core.draws import content_key
from autointerp.dashboard.building import build_snapshot
from autointerp.dashboard.explorer import explore
from autointerp.dashboard.lines import main_lines
from autointerp.dashboard.pages import feature as feature_page
from autointerp.dashboard.pages import features, overview, runs
from autointerp.dashboard.pictures import ladder_pictures
from autointerp.dashboard.shelf import Shelf
from autointerp.dashboard.views import Asked
from autointerp.store.parts import read_table, write_part

FEATURE = "/f/toy-l12/512/1"
SCORE = f"/scores/toy-1/toy-l12/512/1/{content_key('toy-l12/512', 1, 'examples')}/detection"
ADDRESSES = [
    "/", "/features?q=status:scored", FEATURE, "/f/toy-l12/512/5", "/runs/toy-1", "/dictionaries/toy-l12/512",
    "/ladders/toy-l12", SCORE, "/compare", "/compare?a=toy-1&b=toy-1", "/agreement", "/cost", "/cost?run=toy-1",
    "/review", "/docs/scorers/detection", "/flows",
]  # fmt: skip
TOKEN = "a-secret-of-enough-letters"


class Seen(HTMLParser):
    """The elements of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def twin(address: str, ending: str) -> str:
    path, mark, names = address.partition("?")
    return f"{'/index' if path == '/' else path}.{ending}{mark}{names}"


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_page_has_its_twins(client: Client, address: str) -> None:
    """Each address answers as HTML, as JSON of the same snapshot, and as CSV with a head."""
    page, data, rows = client.get(address), client.get(twin(address, "json")), client.get(twin(address, "csv"))
    assert (page.status, data.status, rows.status) == (200, 200, 200)
    key = data.json()["snapshot"]
    assert key in page.text
    table = list(csv.reader(StringIO(rows.text)))
    assert table[0][0] == "snapshot"
    assert {row[0] for row in table[1:]} <= {key}
    links = [link["href"] for link in Seen(page.text).all("a")]
    assert {twin(address, ending) for ending in ("json", "csv")} <= {str(link).replace("%3A", ":") for link in links}


@pytest.mark.parametrize("address", [*ADDRESSES, "/nothing", "/features?q=what", "/static/style.css"])
def test_no_answer_lets_anything_else_in(client: Client, address: str) -> None:
    """Whatever is asked, scripts and styles are ours alone, nothing is inline, and no other site frames it."""
    found = client.get(address)
    policy = found.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert found.headers["x-content-type-options"] == "nosniff"
    seen = Seen(found.text)
    assert all(script.get("src", "").startswith("/static/") for script in seen.all("script"))
    assert not [
        attributes for _, attributes in seen.tags if "style" in attributes or any(a[:2] == "on" for a in attributes)
    ]
    assert not seen.all("style")


def test_rows_are_those_that_the_filter_holds_for(client: Client) -> None:
    """The count, the rows of all pages and the CSV agree; sorted rows come in order, unscored ones last."""
    q = "sort:-detection"
    first = client.get(f"/features.json?q={q}").json()
    table = list(csv.DictReader(StringIO(client.get(f"/features.csv?q={q}").text)))
    assert len(table) == first["n"] == 38
    values = [float(row["detection"]) if row["detection"] else None for row in table]
    scored = [value for value in values if value is not None]
    assert scored == sorted(scored, reverse=True)
    assert values[len(scored) :] == [None] * (38 - len(scored))


@pytest.mark.parametrize("q", ["", "sort:detection", "sort:-detection", "sort:-density status:scored"])
def test_pages_of_rows_miss_none_and_repeat_none(home: Path, q: str) -> None:
    """Page after page, in any order, with ties and missing values: every row once."""
    from autointerp.dashboard.explorer import explore, stream

    shelf = Shelf(home)
    with shelf.lease() as reader:
        seen, after = [], ""
        while True:
            found = explore(reader, q, after=after, size=3)
            seen += [(row.name, row.explainer) for row in found.rows]
            after = found.after
            if not after:
                break
        whole = [(row.name, row.explainer) for row in stream(reader, q)]
    shelf.close()
    assert seen == whole
    assert len(seen) == len(set(seen)) == found.n


@pytest.mark.parametrize("after", ["x", "bm9uZQ", "WzEsMiwzXQ", "W251bGwsICJhIl0"])
def test_a_foreign_place_is_refused(client: Client, after: str) -> None:
    """An address that was tampered with is an error in words, not a crash."""
    found = client.get(f"/features?q=sort:detection&after={after}")
    assert found.status == 400
    assert "begin at the first page" in found.text


def test_an_expression_that_cannot_be_read_is_explained(client: Client) -> None:
    """The page says what is wrong in all formats, with the nearest name, and shows how to filter."""
    found = client.get("/features?q=detecton%3C1")
    assert found.status == 400
    assert "did you mean detection?" in found.text
    assert client.get("/features.json?q=detecton%3C1").json()["error"].endswith("did you mean detection?")
    assert client.get("/features.csv?q=detecton%3C1").status == 400


def test_a_feature_without_a_score_says_why_and_what_to_do(client: Client) -> None:
    """Dead, too rare, not drawn or failed: the reason in words, and a command."""
    reasons = {4: "dead", 7: "too few examples", 9: "not sampled", 13: "explain failed"}
    for index, words in reasons.items():
        found = client.get(f"/f/toy-l12/512/{index}")
        assert found.status == 200
        assert words in found.text
        assert "Command: <code>autointerp " in found.text


@pytest.mark.parametrize(
    "address",
    [
        "/f/toy-l12/512/9999", "/f/toy-l12/999/1", "/f/toy-l12/512/1?run=none", "/runs/none", "/runs/..%2F..%2Fetc",
        "/f/../../../etc/passwd/1", "/static/../server.py", "/static/server.py", "/nothing", "/nothing.json",
    ],
)  # fmt: skip
def test_what_is_not_there_is_said(client: Client, address: str) -> None:
    """A name that does not exist, or tries to leave the data folder, is a page that says so."""
    found = client.get(address)
    assert found.status == 404
    assert "root:" not in found.text


def test_hostile_text_is_read_not_run(tmp_path: Path) -> None:
    """Labels, tokens, names and failures that attack stand on every page as text, and bring no element or formula."""
    home = toy_home(tmp_path, hostile=True, widths=(512,))
    build_snapshot(home)
    with open_app(home) as client:
        for address in ADDRESSES:
            text = client.get(address).text
            seen = Seen(text)
            assert "<script>alert" not in text
            assert "\u202e" not in text
            assert len(seen.all("script")) == 1
            assert not [a for _, a in seen.tags if "onerror" in a or "onload" in a]
        rows = client.get("/features.csv?q=status:scored").text
        assert json.dumps(client.get("/features.json?q=status:scored").json())
    assert all(not cell.startswith(("=", "+", "@")) for row in csv.reader(StringIO(rows)) for cell in row)


def test_a_page_may_be_embedded_where_it_says_so(client: Client) -> None:
    """The embedded form alone may stand in a frame, and has neither script nor navigation."""
    found = client.get(f"{FEATURE}?embed=1")
    assert "frame-ancestors *" in found.headers["content-security-policy"]
    assert not Seen(found.text).all("script")
    assert not Seen(found.text).all("nav")


def test_others_need_the_token(home: Path) -> None:
    """Without it nothing is told, not even a style sheet; with it once in the address a cookie carries on."""
    with open_app(home, token=TOKEN, hosts=("*",)) as client:
        assert client.get("/").status == 401
        assert client.get("/static/style.css").status == 401
        assert client.get("/?token=wrong-but-long-enough").status == 401
        brought = client.get(f"/features?q=status:scored&token={TOKEN}")
        assert brought.status == 303
        assert TOKEN not in brought.headers["location"]
        cookie = brought.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert client.get("/", cookie=cookie.partition(";")[0]).status == 200
        assert client.get("/", authorization=f"Bearer {TOKEN}").status == 200


def test_another_sites_name_is_refused(client: Client) -> None:
    """A name that somebody made lead here (DNS rebinding) is not answered."""
    assert client.get("/", host="evil.example").status == 400


QUERIES = {
    "overview": (overview.page, {}, {}, 2),
    "explorer": (features.page, {}, {"q": "detection>0 sort:-detection"}, 2),
    "feature": (feature_page.page, {"dictionary": "toy-l12/512", "index": "1"}, {}, 12),
    "run": (runs.page, {"run": "toy-1"}, {}, 6),
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_page_asks_no_more_queries_than_it_needs(home: Path, name: str) -> None:
    """The number of queries is fixed, whatever the number of features, labels or runs."""
    page, path, query, most = QUERIES[name]
    shelf = Shelf(home)
    with shelf.lease() as reader:
        page(reader, Asked(path, query))
        assert reader.n_queries <= most
    shelf.close()


def test_what_a_run_says_as_a_whole_is_looked_up_once(home: Path) -> None:
    """The second feature of a run costs its own rows only: neither the run nor its certificates are asked for again."""
    shelf = Shelf(home)
    counts = []
    for index in ("1", "2"):
        with shelf.lease() as reader:
            feature_page.page(reader, Asked({"dictionary": "toy-l12/512", "index": index}, {}))
            counts.append(reader.n_queries)
    assert counts == [counts[1] + 3, counts[1]]
    shelf.close()


def test_a_feature_that_the_newest_run_lacks_is_found_in_an_older_one(tmp_path: Path) -> None:
    """Without a run's name a feature's page is of the newest run that has it, though newer ones have its dictionary."""
    older, newer = (make_run(widths=(512,), n_scored=n) for n in (6, 2))
    write_run(tmp_path, older, name="older", created="2026-11-20")
    write_run(tmp_path, newer, name="newer", created="2026-11-21")
    build_snapshot(tmp_path)
    last = int(newer["features"]["feature"].max())
    with open_app(tmp_path) as client:
        found = {i: client.get(f"/f/toy-l12/512/{i}.json").json()["page"]["run"] for i in (0, last, last + 1)}
        assert found == {0: "newer", last: "newer", last + 1: "older"}
        assert client.get("/f/toy-l12/512/0.json?run=older").json()["page"]["run"] == "older"
        assert client.get("/f/toy-l12/512/999").status == 404
        history = client.get("/f/toy-l12/512/0.json").json()["history"]
    assert [row["run"] for row in history] == ["newer"] * 2 + ["older"] * 2


def test_a_relative_has_its_label(tmp_path: Path) -> None:
    """The label of a feature's relative at another width stands beside it; none is claimed only where there is none."""
    run = make_run(widths=(512, 1024), n_scored=2, explainers=("examples",))
    texts = run["explanations"]["dictionary"] + " " + run["explanations"]["feature"].astype(str)
    folder = write_run(tmp_path, changed(run, explanations=run["explanations"].assign(text=texts)), name="run")
    match = {"narrow": "toy-l12/512", "wide": "toy-l12/1024", "parent": 0, "kind": "split",
             "cosine": 0.7, "correlation": 0.4, "overlap": None}  # fmt: skip
    write_part(folder, "matches", "a", [match | {"child": child} for child in (1, 5)])
    build_snapshot(tmp_path)
    with open_app(tmp_path) as client:
        found = client.get("/f/toy-l12/512/0.json").json()["page"]["relatives"]
        assert client.get("/f/toy-l12/512/1.json").json()["page"]["relatives"] == []
    assert found == [
        "split: toy-l12/1024#1, cosine 0.70, correlation 0.40: toy-l12/1024 1",
        "split: toy-l12/1024#5, cosine 0.70, correlation 0.40: no label",
    ]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_is_light(client: Client, address: str) -> None:
    """Compressed it is at most 150 kB, it has at most 3,000 elements, and tokens that do not fire share a node."""
    found = client.get(address, accept_encoding="gzip")
    assert found.headers["content-encoding"] == "gzip"
    assert len(found.body) <= 150_000
    assert len(Seen(client.get(address).text).tags) <= 3_000


def test_the_script_is_small(client: Client) -> None:
    """One script of our own: at most 150 lines and 12 kB."""
    found = client.get("/static/script.js")
    assert len(found.body) <= 12_000
    assert found.text.count("\n") <= 150


def test_every_bar_counts_what_its_link_finds(client: Client) -> None:
    """Of each bar the explorer shows exactly as many rows, and all bars together are all that is scored."""
    page = client.get("/dictionaries/toy-l12/512.json").json()
    for measure, explainer, bars in page["bars"]:
        assert sum(bar["n"] for bar in bars) == 4, (measure, explainer)
        for bar in bars:
            found = client.get("/features.json?" + urlencode({"q": bar["expression"]})).json()
            assert found["n"] == bar["n"]


def test_every_link_of_every_page_leads_somewhere(client: Client) -> None:
    """No page links to one that is not there; addresses stay on this server."""
    seen: set[str] = set()
    for address in ADDRESSES:
        seen |= {str(link["href"]) for link in Seen(client.get(address).text).all("a")}
    assert all(href.startswith(("/", "#")) for href in seen)
    pages = {href.partition("#")[0] for href in seen if href.startswith("/")}
    # The features before the first and after the last that were sampled are there, too: every feature has a page.
    assert {href: client.get(href).status for href in pages if client.get(href).status != 200} == {}


def test_the_same_run_does_not_differ_from_itself(client: Client) -> None:
    """Compared with itself every difference is 0, on all pairs, and nothing is put down to anything."""
    found = client.get("/compare.json?a=toy-1&b=toy-1").json()
    assert {(one["difference"]["value"], one["difference"]["n"]) for one in found["compared"]} == {(0.0, 8)}
    assert found["changes"] == []


def test_a_difference_is_that_of_the_pairs(tmp_path: Path) -> None:
    """Runs whose scores differ by a constant differ by that constant, with no room around it."""
    run = make_run(widths=(512,), n_scored=4, explainers=("examples",))
    write_run(tmp_path, run, name="before", created="2026-11-20T10:00:00Z")
    scores = run["scores"]
    moved = scores.assign(value=scores["value"].where(scores["control"] != "none", scores["value"] + 0.125))
    write_run(tmp_path, changed(run, scores=moved), name="after")
    build_snapshot(tmp_path)
    with open_app(tmp_path) as client:
        found = client.get("/compare.json?a=before&b=after").json()["compared"]
    assert len(found) == 2
    for one in found:
        assert one["difference"]["value"] == pytest.approx(0.125)
        assert one["difference"]["high"] - one["difference"]["low"] == pytest.approx(0)


def test_scores_of_two_judges_are_not_mixed(tmp_path: Path) -> None:
    """Where a second judge scored the same labels otherwise, each judge is held against itself alone."""
    run = make_run(widths=(512,), n_scored=4, explainers=("examples",))
    own = run["scores"][run["scores"]["control"] == "none"]
    other = own.assign(judge="local:other", value=own["value"] - 0.5)
    later = other.assign(value=other["value"] + 0.25)
    write_run(tmp_path, changed(run, scores=pd.concat([run["scores"], other])), name="before", created="2026-11-20")
    write_run(tmp_path, changed(run, scores=pd.concat([run["scores"], later])), name="after")
    build_snapshot(tmp_path)
    with open_app(tmp_path) as client:
        found = client.get("/compare.json?a=before&b=after").json()["compared"]
    assert {(one["judge"], round(one["difference"]["value"], 9)) for one in found} == {
        ("local:judge", 0.0), ("local:other", 0.25),
    }  # fmt: skip


def test_a_review_is_blind_and_kept(world_review: tuple[Client, Path]) -> None:
    """The page tells neither score nor truth; an answer is on the disk when the next window is shown, once."""
    client, folder = world_review
    first = client.get("/review.json?rater=ann").json()
    assert set(first) == {"snapshot", "title", "run", "rater", "case", "n_done"}
    assert set(first["case"]) == {"label", "text", "explanation", "item"}
    body = urlencode({"run": first["run"], "rater": "ann", "answer": "yes", **first["case"], "began": "0"})
    origin = {"origin": "http://127.0.0.1"}
    assert client.post("/review", body).status == 400
    assert client.post("/review", body, origin="http://evil.example").status == 400
    assert client.post("/review", body, **origin).status == 303
    assert client.post("/review", body, **origin).status == 303
    ratings = read_table(folder, "ratings")
    assert list(ratings["item"]) == [first["case"]["item"]]
    assert client.get("/review.json?rater=ann").json()["case"] != first["case"]
    assert client.post("/review", "x" * 20_000, **origin).status == 400


@pytest.fixture
def world_review(finished_run: FinishedRun, tmp_path: Path) -> Iterator[tuple[Client, Path]]:
    home = tmp_path / "home"
    shutil.copytree(finished_run.folder, home / "runs" / finished_run.folder.name)
    build_snapshot(home)
    with open_app(home) as client:
        yield client, home / "runs" / finished_run.folder.name


def test_labels_that_were_never_written_break_no_page(tmp_path: Path) -> None:
    """A run in which an explainer failed on a feature has all its pages, and the feature a row with the reason."""
    run = make_run(widths=(512,), n_scored=4)
    lost = run["explanations"]["explanation"] == content_key("toy-l12/512", 1, "lexical")
    scores = run["scores"]
    gone = scores["explanation"] == content_key("toy-l12/512", 1, "lexical")
    failed = scores.assign(
        explanation=scores["explanation"].where(~gone, "never"),
        value=scores["value"].where(~gone),
        status=scores["status"].where(~gone, "explain_refused"),
        reason=scores["reason"].where(~gone, "it would not"),
    )
    write_run(tmp_path, changed(run, scores=failed, explanations=run["explanations"][~lost]), name="toy-1")
    build_snapshot(tmp_path)
    with open_app(tmp_path) as client:
        assert {address: client.get(address).status for address in ADDRESSES} == dict.fromkeys(ADDRESSES, 200)
        rows = client.get("/features.json?q=feature:1").json()["rows"]
    assert {(row["explainer"], row["status"]) for row in rows} == {
        ("examples", "scored"),
        ("lexical", "explain_refused"),
    }


def test_a_ladder_is_drawn_and_its_marks_count(client: Client) -> None:
    """Of each main measure bars and a curve stand on the page; what a mark names the explorer finds."""
    page = client.get("/ladders/toy-l12").text
    found = re.findall(r'<a href="(/features\?q=[^"]*)" aria-label="[^"]*: (\d+) (?:scored )?features"', page)
    assert len(found) > 8
    for href, n in found:
        sheet = client.get(href.replace("/features?", "/features.csv?").replace("&amp;", "&")).text
        assert len(list(csv.reader(StringIO(sheet)))) - 1 == int(n), href


def test_means_over_few_features_say_what_their_intervals_are_worth(client: Client, tmp_path: Path) -> None:
    """Below ten features a bootstrap interval is too narrow, and every page with such means says so; above, none."""
    warned = "fewer than 10 features (the smallest over "
    pages = ("/", "/runs/toy-1", "/ladders/toy-l12", "/dictionaries/toy-l12/512")
    assert all(warned in client.get(address).text for address in pages)
    build_snapshot(toy_home(tmp_path, n_scored=12, widths=(512,)))
    with open_app(tmp_path) as many:
        assert warned not in many.get("/runs/toy-1").text


def test_a_ladder_draws_what_a_judge_of_its_own_scored(tmp_path: Path) -> None:
    """Scores of one judge stand in the rows of the run's: its pictures hold them, with bars that find them all."""
    run = make_run(widths=(512, 1024), n_scored=4)
    scores = run["scores"].copy()
    scores.loc[(scores["scorer"] == "detection") & (scores["control"] == "none"), "judge"] = "encoder:small"
    write_run(tmp_path, changed(run, scores=scores), name="toy-1")
    build_snapshot(tmp_path)
    shelf = Shelf(tmp_path)
    with shelf.lease() as reader:
        lines = [one for one in main_lines(reader, "toy-1") if (one.scorer, one.explainer) == ("detection", "examples")]
        assert {line.judge for line in lines} == {"encoder:small"}
        bars, curve = ladder_pictures(reader, lines)
        hrefs = re.findall(r'<a href="/features\?q=([^"]*)"', bars.svg)
        assert sum(explore(reader, unquote(unescape(href))).n for href in hrefs) == 8
        assert "Nothing to draw" not in curve.description
    shelf.close()
