"""Charts: always chance and controls, always words and numbers, never an exception on poor data."""

import pytest
from report_builders import Builder

from autointerp.analysis.summary import Line, summary_lines
from autointerp.report.charts import Picture, means_table, score_distribution, width_curve
from autointerp.report.tables import RunTables, values_of

CASES = {
    "four widths": ({}, True, True),
    "one row": ({"widths": (512,), "n_scored": 1}, True, False),
    "all equal": ({"value": 0.5}, True, True),
    "all unscored": ({"scored": False}, False, False),
    "one width": ({"widths": (512,)}, True, False),
}


def pictures(run: RunTables) -> tuple[Picture, Picture, tuple[Line, ...]]:
    lines = summary_lines(values_of(run), run["features"], run["dictionaries"])
    lines = tuple(line for line in lines if (line.explainer, line.metric) == ("examples", "auroc"))
    values = values_of(run)
    mine = values[(values["explainer"] == "examples") & (values["metric"] == "auroc")]
    means = means_table(lines)
    return score_distribution(mine, means, title="t"), width_curve(means, title="t"), lines


@pytest.mark.parametrize(("settings", "has_strip", "has_curve"), CASES.values(), ids=CASES.keys())
def test_poor_data_says_so(build: Builder, settings: dict[str, object], has_strip: bool, has_curve: bool) -> None:
    """Each picture is drawn or says that there is nothing to draw; both have a name and a description."""
    strip, curve, _ = pictures(build(**settings))
    assert ("Nothing to draw" not in strip.svg) == has_strip
    assert ("Nothing to draw" not in curve.svg) == has_curve
    for picture in (strip, curve):
        assert picture.svg.startswith("<svg")
        assert "<title>" in picture.svg
        assert "<desc>" in picture.svg
        assert "http" not in picture.svg


def test_no_rows_is_a_picture() -> None:
    """No line at all: an honest empty frame."""
    strip, curve, lines = pictures(RunTables({}))
    assert lines == ()
    assert "Nothing to draw" in strip.svg
    assert "Nothing to draw" in curve.svg


def test_chance_and_controls_are_always_drawn(build: Builder) -> None:
    """The legend, the description and the marks hold chance and every control; the table has the numbers."""
    strip, curve, _ = pictures(build(widths=(512, 1024), n_scored=3))
    for picture in (strip, curve):
        for name in ("chance", "shuffled", "blank", "lookup"):
            assert name in picture.description
            assert f"▬ {name}" in picture.svg
            assert name in picture.table.columns
        assert picture.svg.count('stroke="#d55e00"') == 2


def test_a_missing_control_is_named(build: Builder) -> None:
    """Without controls the picture says that there are none."""
    run = build(widths=(512,), n_scored=3)
    bare = RunTables({**run.tables, "scores": run["scores"][run["scores"]["control"] == "none"]})
    strip, _, _ = pictures(bare)
    assert "no control scored" in strip.description
    assert "no control" in strip.svg


def test_same_frame_same_picture(build: Builder) -> None:
    """The picture is a function of the frame."""
    first, second = (pictures(build(widths=(512,), n_scored=4))[0].svg for _ in range(2))
    assert first == second
