"""What limits a table stands at the table: certified or not, same family, few features, raw widths, items read."""

from typing import Any

import pytest
from report_builders import Builder

from autointerp.analysis.certificates import read_certificates
from autointerp.analysis.summary import Line, summary_lines
from autointerp.report.cards import build_cards, predicted_scale
from autointerp.report.choice import choose_features
from autointerp.report.grids import metrics_grid, scores_grid
from autointerp.report.limits import limits
from autointerp.report.tables import RunTables, values_of


def lines_of(run: RunTables, metric: str = "auroc") -> tuple[Line, ...]:
    found = summary_lines(values_of(run), run["features"], run["dictionaries"])
    return tuple(line for line in found if line.metric == metric)


def said(run: RunTables, tone: str = "") -> str:
    found = limits(run, lines_of(run), read_certificates(run["certificates"]))
    return "\n".join(s.text for s in found if not tone or s.tone == tone)


def with_config(run: RunTables, **sections: dict[str, Any]) -> RunTables:
    return RunTables(run.tables, {**run.manifest, "config": sections})


def test_each_table_says_who_judged_and_how_far_to_trust(build: Builder) -> None:
    """Judge, standing and family, in the tone of a warning; certified by another family is the good case."""
    failed, passed = build(widths=(512,), n_scored=2), build(widths=(512,), n_scored=12, certified=True)
    assert "uncertified (failed); explainer and judge are of the same model family" in said(failed, "warning")
    other = RunTables(passed.tables, {**passed.manifest, "same_family": False})
    assert said(other, "good") == "Judge local:judge: certified."
    never = RunTables({**passed.tables, "certificates": passed["certificates"].iloc[:0]}, passed.manifest)
    assert "uncertified (never examined)" in said(never, "warning")


def test_no_family_is_claimed_where_no_model_wrote(build: Builder) -> None:
    """A lexical label has no family, whatever model the configuration names."""
    run = build(widths=(512,), n_scored=2, explainers=("lexical",))
    run["explanations"]["model"] = run["explanations"]["explainer"]
    assert run.writes_without_model
    assert run.same_family is None
    assert "same model family" not in said(run)


def test_few_features_and_raw_widths_are_said(build: Builder) -> None:
    """Below ten features and above one width there is a sentence each."""
    few, many = build(widths=(512, 1024), n_scored=3), build(widths=(512,), n_scored=10)
    assert "Each mean is over 3 features: intervals over so few are too narrow." in said(few)
    assert "firing density is not held fixed" in said(few)
    assert "Each mean" not in said(many)
    assert "density" not in said(many)


def test_items_read_are_counted(build: Builder) -> None:
    """A score over few readable items is a score, but the table says over how few."""
    run = build(widths=(512,), n_scored=2, explainers=("examples",))
    own = (run["scores"]["control"] == "none") & (run["scores"]["metric"] == "auroc")
    run["scores"].loc[own & (run["scores"]["feature"] == 1), "n_read"] = 11
    assert "Items read: 31/40; the least of one scored feature 11/20." in said(run, "warning")


def test_a_shared_control_is_named(build: Builder) -> None:
    """With two explainers the shuffled label is by the first of them, for both."""
    run = build(widths=(512,), n_scored=2)
    both = with_config(run, explain={"explainers": ["examples", "lexical"]})
    assert "share one shuffled control: labels by the first of the configuration, examples." in said(both)
    assert "share" not in said(build(widths=(512,), n_scored=2, explainers=("examples",)))


def test_tables_hold_what_belongs_to_a_score(build: Builder) -> None:
    """Source of the labels, standing, both means, counts, single-token share and each control, before and apart."""
    run = build(widths=(512,), n_scored=3)
    certificates = read_certificates(run["certificates"])
    for grid in (scores_grid(lines_of(run), certificates), metrics_grid(lines_of(run), certificates)):
        assert [row[1] for row in grid.rows] == ["examples", "lexical"]
        assert all("uncertified" in " ".join(row[: grid.n_names]) for row in grid.rows)
        assert len([name for name in grid.head if "control" in name]) == 3
    heads = scores_grid(lines_of(run), certificates).head
    order = ["labels by", "judge is", "features [95%]", "firings [95%]", "scored", "single", "chance", "shuffled"]
    places = [next(i for i, head in enumerate(heads) if word in head) for word in order]
    assert places == sorted(places)
    (share,) = {line.single_token for line in lines_of(run)}
    assert share == pytest.approx(0.4)


def test_unread_predictions_are_counted_beside_the_window(build: Builder) -> None:
    """A window on which nothing could be read looks like a prediction of silence: it is said not to be one."""
    run = build(widths=(512,), n_scored=1)
    simulated = run["predictions"]["scorer"] == "simulation"
    run["predictions"].loc[simulated, "guess"] = None
    order = ["toy-l12/512"]
    chosen = choose_features(run["features"], values_of(run), writer="examples", order=order).random
    (card, *_) = [c for c in build_cards(run, chosen) if c.windows]
    assert {window.unread for window in card.windows} == {"64 of 64 tokens without a readable prediction"}
    assert "6 windows from 6 documents" in card.tested_on
    assert all(score.standing == "uncertified (failed)" for score in card.scores)


def test_predictions_are_shown_on_the_scale_they_were_asked_on(build: Builder) -> None:
    """The scale is the run's own; 9 where the manifest is silent."""
    run = build(widths=(512,), n_scored=1)
    assert predicted_scale(run.manifest) == 9
    ten = with_config(run, score={"scale": 10})
    chosen = choose_features(run["features"], values_of(run), writer="examples", order=["toy-l12/512"]).best
    for shown, top in ((run, "of 9"), (ten, "of 10")):
        (card,) = build_cards(shown, chosen[:1])
        titles = [piece.title for window in card.windows for piece in window.predicted if piece.title]
        assert titles
        assert all(title.endswith(top) for title in titles)
