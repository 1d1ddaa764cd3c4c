"""Two runs side by side: the dashboard, ``autointerp diff`` and the report's section on change say the same numbers."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from dashboard_builders import changed, open_app, write_run
from report_builders import JUDGE, make_run

from autointerp.analysis.estimates import Estimate
from autointerp.analysis.figures import count, with_interval
from autointerp.analysis.paired import Paired, whole
from autointerp.analysis.values import is_main, measure_name
from autointerp.core.draws import content_key
from autointerp.dashboard.building import build_snapshot
from autointerp.dashboard.pages.compare import compare as compare_in_snapshot
from autointerp.dashboard.shelf import Shelf
from autointerp.report.blocks import Prose, Table
from autointerp.report.changes import change_blocks
from autointerp.report.compared import compare
from autointerp.report.tables import RunTables

OTHER = "local:other"
Change = Callable[[RunTables], RunTables]


def varied(seed: int, *, n_scored: int = 8, widths: tuple[int, ...] = (512, 1024)) -> RunTables:
    """A run with all that may stand beside plain scores.

    Scores that failed, a label never written, a second judge by one scorer, a scorer that needs no label, one with
    a judge of its own, two labels by one explainer of one feature, an explainer that never wrote.
    """
    run = make_run(widths=widths, n_scored=n_scored, seed=seed)
    scores, labels = run["scores"], run["explanations"]
    own = scores[scores["control"] == "none"]
    other = own[own["scorer"] == "detection"].assign(judge=OTHER, value=own["value"] / 2)
    free = own.drop_duplicates(["dictionary", "feature"])
    keys = [content_key(d, int(f), "free") for d, f in zip(free["dictionary"], free["feature"], strict=True)]
    asked = free.assign(explanation=keys, scorer="intruder", variant="", metric="accuracy", value=free["value"] + 0.2)
    bare = labels.drop_duplicates(["dictionary", "feature"]).assign(
        explanation=keys, explainer="control:unlabelled", text=""
    )
    embedded = own[(own["scorer"] == "detection") & (own["metric"] == "auroc")].assign(
        scorer="embedding", judge="encoder"
    )
    twice = labels[(labels["explainer"] == "examples") & (labels["feature"] == 1)]
    second = own[own["explanation"].isin(twice["explanation"])]
    again = {key: f"{key}2" for key in twice["explanation"]}
    found = pd.concat(
        [
            scores, other, asked, embedded,
            second.assign(explanation=second["explanation"].map(again), value=second["value"] / 3),
        ],
        ignore_index=True,
    )  # fmt: skip
    # Others fail in the other run: there are features with a score in one of them alone.
    fails = (found["control"] == "none") & (found["feature"] % 4 == seed % 4) & (found["scorer"] != "intruder")
    found.loc[fails, ["value", "status", "reason"]] = [None, "parse_failed", "no digit"]
    gone = labels[(labels["explainer"] == "lexical") & (labels["feature"] == 3)]["explanation"]
    is_lost = found["explanation"].isin(gone)
    found.loc[is_lost, ["value", "status"]] = [None, "explain_failed"]
    found.loc[is_lost, "explanation"] = ""
    written = pd.concat([labels, bare, twice.assign(explanation=twice["explanation"].map(again))], ignore_index=True)
    written = written[~written["explanation"].isin(gone)]
    manifest = {
        **run.manifest,
        "seed": seed,
        "config": {"explain": {"explainers": ["examples", "lexical", "contrast"]}},
    }
    return RunTables(changed(run, scores=found, explanations=written).tables, manifest)


def one_judge(run: RunTables) -> RunTables:
    return changed(run, scores=run["scores"][run["scores"]["judge"] != OTHER])


def another_judge(run: RunTables) -> RunTables:
    scores = one_judge(run)["scores"]
    return changed(run, scores=scores.assign(judge=scores["judge"].replace(JUDGE, "local:newer")))


def only(explainer: str, name: str) -> Change:
    def change(run: RunTables) -> RunTables:
        labels = run["explanations"]
        others = labels[labels["explainer"].isin({"examples", "lexical"} - {explainer})]["explanation"]
        left = labels[~labels["explanation"].isin(others)]
        scores = run["scores"][~run["scores"]["explanation"].isin([*others, ""])]
        named = left.assign(explainer=left["explainer"].replace(explainer, name))
        return changed(run, scores=scores, explanations=named)

    return change


def as_it_is(run: RunTables) -> RunTables:
    return run


CHANGES = {
    "as they are": (as_it_is, as_it_is),
    "another judge": (one_judge, another_judge),
    "another explainer": (only("examples", "examples"), only("lexical", "contrast")),
    "several judges against one": (as_it_is, one_judge),
}


def write_both(home: Path, first: RunTables, then: RunTables) -> tuple[Path, Path]:
    a = write_run(home, first, name="before", created="2026-11-20")
    b = write_run(home, then, name="after")
    build_snapshot(home)
    return a, b


def said(one: dict[str, Any]) -> tuple[Any, ...]:
    return one["measure"], one["explainer"], one["judge"]


def then(a: str, b: str) -> str:
    return a if a == b else f"{a}, then {b}"


def by_name(found: list[Paired]) -> dict[tuple[str, str, str], Paired]:
    return {
        (measure_name(p.scorer, p.variant, p.metric), then(p.explainer, p.explainer_b), then(p.judge, p.judge_b)): p
        for p in found
    }


def assert_same(one: dict[str, Any], p: Paired) -> None:
    """Means, difference, interval, what could have been found, and every count."""
    assert one["difference"]["n"] == p.difference.n
    assert (one["n_a"], one["n_b"]) == (p.scored_a, p.scored_b)
    here = [one["mean_a"], one["mean_b"], *(one["difference"][part] for part in ("value", "low", "high", "sd"))]
    there = [p.mean_a.value, p.mean_b.value, p.difference.value, p.difference.low, p.difference.high, p.difference.sd]
    assert [value is None for value in here] == [value is None for value in there]
    np.testing.assert_allclose([v for v in here if v is not None], [v for v in there if v is not None], atol=1e-12)
    assert one["detectable"] == (None if p.detectable is None else pytest.approx(p.detectable))


@pytest.mark.parametrize(("name", "widths"), [("as they are", (512, 1024)), *((name, (512,)) for name in CHANGES)])
def test_three_places_say_the_same(tmp_path: Path, name: str, widths: tuple[int, ...]) -> None:
    """The same comparisons under the same names, each with the same n, means, interval and counts."""
    first, second = CHANGES[name]
    a, b = write_both(tmp_path, first(varied(1, widths=widths)), second(varied(2, widths=widths)))
    found = by_name([p for p in whole(compare(a, b).paired) if is_main(p.scorer, p.variant, p.metric)])
    with open_app(tmp_path) as client:
        answer = client.get("/compare.json?a=before&b=after").json()
    beside = {said(one): one for one in answer["compared"]}
    assert beside.keys() == found.keys()
    assert len(beside) == len(answer["compared"]) >= 2
    assert any(p.difference.n for p in found.values())
    for key, p in found.items():
        assert_same(beside[key], p)
    (table,) = (block for block in change_blocks(b, a) if isinstance(block, Table))
    rows = {(*row[1:3], row[5], row[7]) for row in table.grid.rows}
    for one in answer["compared"]:
        difference = with_interval(Estimate(**one["difference"]), digits=3)
        names = (one["explainer"].partition(", then")[0], one["measure"])
        assert (*names, difference, count(one["difference"]["n"])) in rows
    assert_extremes(answer)


def test_no_page_prints_the_stars_of_a_terminal(tmp_path: Path) -> None:
    """What a change may be put down to is said in plain words where nothing makes stars bold."""
    one, other = (
        replace(run, manifest={**run.manifest, "config": {**run.manifest.get("config", {}), "seed": seed}})
        for seed, run in enumerate((varied(1, widths=(512,)), varied(2, widths=(512,))))
    )
    a, b = write_both(tmp_path, one, other)
    with open_app(tmp_path) as client:
        page = client.get("/compare?a=before&b=after").text
    told = " ".join(block.text for block in change_blocks(b, a) if isinstance(block, Prose))
    for text in (page, told):
        assert "not to the labels" in text
        assert "**" not in text


def assert_extremes(answer: dict[str, Any]) -> None:
    """Those that differ most are of a comparison above them, each with its own difference, the largest first."""
    moved = [abs(row["difference"]) for row in answer["extremes"]]
    assert moved == sorted(moved, reverse=True)
    assert all(row["b"] - row["a"] == pytest.approx(row["difference"]) for row in answer["extremes"])
    (names,) = {(row["explainer"], row["judge"]) for row in answer["extremes"]}
    assert names in {(one["explainer"], one["judge"]) for one in answer["compared"]}


def test_of_many_pairs_too(tmp_path: Path) -> None:
    """Sums in the snapshot give the normal interval that ``estimate_mean`` gives of so many values."""
    write_both(tmp_path, varied(1), varied(2))
    shelf = Shelf(tmp_path)
    with shelf.lease() as reader:
        drawn = compare_in_snapshot(reader, "before", "after", seed=1)
        normal = compare_in_snapshot(reader, "before", "after", seed=1, most_drawn=1)
    shelf.close()
    compared = [(x.difference, y.difference) for x, y in zip(drawn, normal, strict=True) if x.difference.n > 1]
    assert compared
    for bootstrap, law in compared:
        assert (law.n, law.sd) == (bootstrap.n, pytest.approx(bootstrap.sd))
        assert law.value == pytest.approx(bootstrap.value)
        assert law.sd is not None
        assert law.half_width == pytest.approx(1.959964 * law.sd * np.sqrt((law.n - 1) / law.n) / np.sqrt(law.n))
