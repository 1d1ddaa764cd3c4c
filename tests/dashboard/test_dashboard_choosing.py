"""The filter language on the command line."""

from pathlib import Path

import pytest
from dashboard_builders import toy_home

from autointerp.dashboard.choosing import chosen_lines
from autointerp.dashboard.filters import FilterError
from autointerp.report.listing import feature_lines


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_home(tmp_path_factory.mktemp("home")) / "runs" / "toy-1"


def value(line: object, measure: str) -> float:
    return next(score.value for score in line.scores if score.measure == measure)


def test_lines_are_those_that_hold_in_the_order_asked_for(run: Path) -> None:
    """What is left out does not hold, what is listed does, and it comes sorted."""
    lines = feature_lines(run)
    found = chosen_lines(lines, run, "detection<0.8 explainer:examples sort:-detection")
    values = [value(line, "detection, AUROC") for line in found]
    wanted = [line for line in lines if line.explainer == "examples" and value(line, "detection, AUROC") < 0.8]
    assert 0 < len(found) < len(lines)
    assert values == sorted(values, reverse=True)
    assert {line.feature for line in found} == {line.feature for line in wanted}


def test_features_without_a_label_are_no_lines(run: Path) -> None:
    """The list is one of labels: what holds for a feature without one adds nothing."""
    assert chosen_lines(feature_lines(run), run, "status:dead") == []


def test_what_cannot_be_read_is_an_error(run: Path) -> None:
    """A wrong name is refused as in the dashboard."""
    with pytest.raises(FilterError, match="did you mean detection"):
        chosen_lines([], run, "detecton<1")
