"""Two finished runs beside each other, in words."""

import pandas as pd
import pytest
from tiny_world import FinishedRun

from autointerp.report.compared import compare, compare_sides, fingerprints_of, read_side

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_a_run_beside_itself(finished_run: FinishedRun) -> None:
    """No difference, no verdict turned, nothing that differs, and every number has its interval and counts."""
    found = compare(finished_run.folder, finished_run.folder)
    assert found.paired
    assert all(p.difference.value == 0 and p.scored_a == p.scored_b for p in found.paired if p.difference.n)
    assert all(f.rate == 0 for f in found.flips)
    assert found.changes == ()
    assert "nothing in the configuration differs" in found.text()


def test_other_scores_and_labels_are_told(finished_run: FinishedRun) -> None:
    """Scores lowered by 0.1 give that difference; new words are a change of the labels, and so attributable."""
    a = read_side(finished_run.folder)
    values = a.values.assign(value=a.values["value"].astype(float) - 0.1)
    b = type(a)(
        **{name: getattr(a, name) for name in a.__slots__}
        | {"values": values, "labels": a.labels.assign(text="\u202ehostile"), "name": "later"}
    )
    found = compare_sides(a, b)
    assert {round(p.difference.value or 0, 6) for p in found.paired if p.difference.n} == {-0.1}
    assert "labels in other words" in found.text()
    assert found.attribution == "Only what writes the labels differs: a difference is attributable to the labels."
    assert "not measured" in found.text()


def test_hostile_names_are_shown_harmless(finished_run: FinishedRun) -> None:
    """Bidi controls in a manifest reach no terminal."""
    a = read_side(finished_run.folder)
    config = a.manifest["config"]
    other = a.manifest | {"config": config | {"corpus": ["\u202etext"]}}
    b = type(a)(**{name: getattr(a, name) for name in a.__slots__} | {"manifest": other})
    assert "\u202e" not in compare_sides(a, b).text()


def test_fingerprints_are_the_judges(finished_run: FinishedRun) -> None:
    """Only stages in which the judge answers count; an explainer's system is not the judge's."""
    calls = pd.DataFrame(
        {"model": ["w", "j", "j"], "fingerprint": ["fp", "fp1", None], "stage": ["explain", "score", "score"]}
    )
    assert fingerprints_of(calls) == ("j", "j fp1")
    assert read_side(finished_run.folder).fingerprints == ("constant:0.3",)
