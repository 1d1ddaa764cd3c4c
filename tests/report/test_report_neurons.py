"""Features against neurons in words and in the report: shares of what was measured, chance beside, the rest counted."""

import pandas as pd
import pytest
from report_builders import HOSTILE, Builder

from autointerp.analysis.against_neurons import against_neurons
from autointerp.metrics.intervals import wilson_interval
from autointerp.report.data import page_data
from autointerp.report.neurons import NeuronsFound, neuron_blocks
from autointerp.report.page import build_page
from autointerp.report.tables import RunTables
from autointerp.store.schemas import TABLES


def rows(*correlations: float | None, dictionary: str = "toy/8", status: str = "measured") -> pd.DataFrame:
    """Return one row a correlation; shifted ones are a tenth of it, None is a silent feature."""
    found = [
        (
            dictionary,
            i,
            "neurons.1",
            3,
            r,
            None if r is None else r / 10,
            40,
            900,
            128,
            "silent" if r is None else status,
        )
        for i, r in enumerate(correlations)
    ]
    return pd.DataFrame(found, columns=TABLES["neurons"].names).astype({"correlation": float, "shifted": float})


def test_shares_are_of_measured_features_alone() -> None:
    """|r| of either sign; 0.3 itself counts as weak; silent and rare ones are in no share and counted by reason."""
    rare = rows(0.9, 0.9, status="too_few_firings")
    (found,) = against_neurons(pd.concat([rows(0.3, -0.31, 0.1, -0.9, None), rare], ignore_index=True))
    assert (found.own.share, found.own.n) == (0.5, 4)
    assert (found.own.low, found.own.high) == wilson_interval(0.5, 4)
    assert found.shifted.share == 1.0
    assert found.left_out == (("silent", 1), ("too_few_firings", 2))
    assert found.own.quantiles[1] == pytest.approx(0.305)


def test_nothing_measured_is_said() -> None:
    """No share, no interval and no quantile where every feature is silent."""
    (found,) = against_neurons(rows(None, None))
    assert (found.own.share, found.own.low, found.own.quantiles) == (None, None, ())
    text = NeuronsFound((found,)).text()
    assert "of no feature" in text
    assert "2 silent" in text
    assert "nan" not in text.lower().replace("meaning", "")


def test_the_report_has_the_section_once_it_was_asked_for(build: Builder) -> None:
    """None before; then the same figures as the command prints, with chance, counts and caution beside."""
    run = build(widths=(512,), n_scored=2)
    assert list(neuron_blocks(run)) == []
    with_rows = RunTables({**run.tables, "neurons": rows(0.2, 0.8, None)}, run.manifest)
    (section,) = [s for s in page_data(build_page(with_rows))["sections"] if s["name"] == "neurons"]
    (table,) = [block for block in section["blocks"] if block["kind"] == "table"]
    (found,) = against_neurons(with_rows["neurons"])
    assert table["rows"][0][1] in NeuronsFound((found,)).text()
    assert table["rows"][0][-1] == "1 silent"
    assert "shifted" in str(section)


def test_hostile_names_are_only_shown() -> None:
    """A dictionary's name reaches the terminal without control characters."""
    text = NeuronsFound(against_neurons(rows(0.2, dictionary=HOSTILE))).text()
    assert "\x1b" not in text
    assert "\u202e" not in text
