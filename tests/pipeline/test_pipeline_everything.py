"""Every scorer and every explainer in one run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripted_world import Script, everything
from tiny_world import World

from autointerp.score import SCORERS, STEP_SCORERS
from autointerp.store.parts import read_table

CarryOut = Callable[..., Any]


@pytest.fixture
def whole(world: World, carry_out: CarryOut, script: Script, tmp_path: Path) -> Path:
    """A run of everything over one dictionary, carried out to its scores."""
    outcome = carry_out(world.config(**everything(world)), tmp_path / "home")
    return Path(outcome.run)


def test_every_scorer_and_explainer_in_one_run(whole: Path) -> None:
    """All of them leave rows, scores have values, and nothing that was asked failed."""
    scores, labels, failures = (read_table(whole, name) for name in ("scores", "explanations", "failures"))
    print(failures.to_string())
    print(scores.groupby(["scorer", "variant", "metric", "control", "status"]).size().to_string())
    print(labels.groupby("explainer").size())
    assert set(scores["scorer"]) == {*SCORERS, *STEP_SCORERS}
    assert 0
