"""The README says what the code says."""

import pytest
from readme_tables import ROOT, TABLES, explain, scorers, with_tables

from autointerp.pipeline.sections import BASELINES

README = (ROOT / "README.md").read_text("utf-8")


def test_tables_are_those_of_the_code():
    """Scorers, explainers and cost as in the code; ``python tests/readme_tables.py`` writes them."""
    assert with_tables(README) == README


@pytest.mark.parametrize("kind", [*BASELINES, "shuffled"])
def test_every_kind_of_baseline_is_named(kind):
    """Each has a row of its own, the trained one too."""
    assert f"| `{kind}` |" in README


@pytest.mark.parametrize("name", [*scorers(), *explain.EXPLAINERS, *explain.STEP_EXPLAINERS])
def test_everything_that_can_be_configured_is_named(name):
    """Each scorer and each explainer stands in a table of the README, with its own row."""
    assert any(f"| `{name}` |" in table() for table in TABLES.values())
    assert f"| `{name}` |" in README
