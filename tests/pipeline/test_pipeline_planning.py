"""The plan of a run: a bound at first, its real questions once they are known, nothing once they are answered."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from scripted_world import Script
from tiny_world import World

from autointerp.pipeline.planning import Plan, plan_run
from autointerp.store.parts import read_table

CarryOut = Callable[..., Any]
SCORERS = ("simulation", "detection")
PRICES = """
date = 2026-11-21
source = ["a test"]
["http://127.0.0.1:9/v1"]
"m" = { input = 1.0, cached = 0.5, output = 4.0, batch = 0.5 }
"""


def calls(plan: Plan) -> dict[str, int]:
    return {part.name: part.estimate.n_calls for part in plan.parts}


def test_a_plan_comes_down_to_what_is_asked(
    world: World,
    carry_out: CarryOut,
    script: Script,  # noqa: ARG001 (answers)
    tmp_path: Path,
) -> None:
    """Bounds at first; with labels exactly the calls that follow; none when they are made; nothing is written."""
    config, home = world.config(score={"judge": "script:judge"}), tmp_path / "home"
    first = plan_run(config, home=home)
    assert all(part.is_bound for part in first.parts)
    assert not home.exists()

    run = carry_out(config, home, last="explain").run
    known = plan_run(config, home=home)
    exact = {part.name for part in known.parts if not part.is_bound}
    assert set(SCORERS) <= exact
    assert all(calls(known)[name] <= calls(first)[name] for name in SCORERS)
    assert all(low <= likely <= high for part in known.parts for low, likely, high in [part.estimate.tokens_in])

    carry_out(config, home)
    asked = read_table(run, "calls").query("stage == 'score' and not cached")
    assert sum(calls(known)[name] for name in SCORERS) == len(asked)
    done = plan_run(config, home=home)
    assert set(calls(done).values()) == {0}
    stored = {part.name: part.estimate.n_stored for part in done.parts}
    assert sum(stored[name] for name in SCORERS) >= len(asked)


def test_an_unknown_price_is_unknown(world: World, tmp_path: Path) -> None:
    """A server's model without a price has none, not 0; with a table of one's own it is low, expected, high."""
    judged = {"score": {"scorers": ["detection"], "judge": "openai:m"}}
    server = {"base_url": "http://127.0.0.1:9/v1"}
    unknown = plan_run(world.config(**judged, openai=server), home=tmp_path)
    assert unknown.usd is None
    assert "unknown" in unknown.text()
    (tmp_path / "prices.toml").write_text(PRICES)
    priced = world.config(**judged, openai=server | {"prices": [str(tmp_path / "prices.toml")]})
    plan = plan_run(priced, home=tmp_path)
    assert plan.usd is not None
    low, expected, high = plan.usd
    assert 0 < low <= expected <= high
    batched = world.config(**judged, openai=server | {"prices": [str(tmp_path / "prices.toml")], "batch": True})
    assert plan_run(batched, home=tmp_path).usd == tuple(0.5 * usd for usd in plan.usd)
