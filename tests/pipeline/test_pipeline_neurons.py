"""Features against earlier neurons: of the pool's own activations, as worked out plainly, and said in words."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tiny_world import DEAD, THREE_FIRINGS, WIDTHS, FinishedRun, World

from autointerp.core.errors import ConfigError, EnvironmentProblem
from autointerp.pipeline import neurons as module
from autointerp.pipeline.neurons import (
    NeuronFiles,
    check_room,
    choose_tokens,
    compare_with_neurons,
    offsets_of,
    on_chosen,
)
from autointerp.pipeline.pooled import pool_activations, pool_tokens
from autointerp.store.parts import read_table
from autointerp.subject.model import Site, Subject

N_TOKENS = 2_000
NARROW, WIDE = (f"tiny/{width}" for width in WIDTHS)


@pytest.fixture(scope="module")
def copied(finished_run: FinishedRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run's folder in a home of its own, its harvest with it."""
    return finished_run.copied(tmp_path_factory.mktemp("neurons"))


@pytest.fixture(scope="module")
def rows(copied: Path) -> pd.DataFrame:
    return compare_with_neurons(copied, n_tokens=N_TOKENS)


def harvest_of(copied: Path) -> Path:
    (harvest,) = (copied.parents[1] / "cache" / "harvests").iterdir()
    return harvest


def test_correlations_are_those_of_the_plain_way(rows: pd.DataFrame, copied: Path, subject: Subject) -> None:
    """Context by context through the subject, then numpy: the same neuron and the same r, to rounding."""
    harvest = harvest_of(copied)
    tokens = pool_tokens(harvest)
    chosen = choose_tokens(harvest, tokens, n_tokens=N_TOKENS, seed=0)
    sites = [Site("neurons", 1), Site("neurons", 2)]
    read = []
    for context, kept in zip(chosen.contexts, chosen.kept, strict=True):
        found = subject.vectors_at([context.token_ids], sites)
        read.append(np.concatenate([found[site][0].numpy() for site in sites], axis=1)[kept])
    neurons = np.concatenate(read).T
    assert neurons.shape == (128, chosen.n)
    features = on_chosen(pool_activations(harvest, WIDE, WIDTHS[1], tokens), chosen).toarray()
    mine = rows[rows["dictionary"] == WIDE].set_index("feature")
    measured = mine[mine["status"] == "measured"]
    assert len(measured) > WIDTHS[1] / 2
    for feature, row in measured.iterrows():
        r = np.corrcoef(np.concatenate([features[[feature]], neurons]))[0, 1:]
        strongest = int(np.abs(r).argmax())
        assert row["correlation"] == pytest.approx(r[strongest], abs=1e-4)
        assert (row["neuron_site"], row["neuron"]) == (f"neurons.{1 + strongest // 64}", strongest % 64)
        assert row["n_firings"] == (features[feature] > 0).sum()


def test_activations_are_the_pools_without_massive_norms(copied: Path) -> None:
    """Whole contexts, none twice, at most as many tokens as asked for; every activation at its token, as stored."""
    harvest = harvest_of(copied)
    tokens = pool_tokens(harvest)
    chosen = choose_tokens(harvest, tokens, n_tokens=N_TOKENS, seed=0)
    assert N_TOKENS - 128 < chosen.n <= N_TOKENS
    assert len(set(chosen.contexts)) == len(chosen.contexts)
    assert sum(int(kept.sum()) for kept in chosen.kept) == chosen.n
    stored = read_table(harvest, "pool_activations", filters=[("dictionary", "==", NARROW)])
    pool = read_table(harvest, "pool").set_index(["doc", "start"])
    matrix = on_chosen(pool_activations(harvest, NARROW, WIDTHS[0], tokens), chosen).toarray()
    first = 0
    for context, kept in zip(chosen.contexts, chosen.kept, strict=True):
        number = pool.loc[(context.doc, context.start), "context"]
        assert tuple(pool.loc[(context.doc, context.start), "token_ids"]) == context.token_ids
        dense = np.zeros((WIDTHS[0], len(kept)), np.float32)
        here = stored[stored["context"] == number]
        dense[here["feature"], here["position"]] = here["activation"]
        assert np.array_equal(matrix[:, first : first + int(kept.sum())], dense[:, kept])
        first += int(kept.sum())
    assert choose_tokens(harvest, tokens, n_tokens=10**9, seed=0).n == tokens.n_kept


def test_every_feature_has_a_row_and_a_reason(rows: pd.DataFrame, copied: Path) -> None:
    """Silent and rare features are there and not measured; the table is what was returned; nothing is left behind."""
    assert rows.groupby("dictionary").size().to_dict() == dict(zip((NARROW, WIDE), WIDTHS, strict=True))
    narrow = rows[rows["dictionary"] == NARROW].set_index("feature")
    assert narrow.loc[DEAD, "status"] == "silent"
    assert pd.isna(narrow.loc[DEAD, "correlation"])
    assert narrow.loc[THREE_FIRINGS, "status"] in {"too_few_firings", "silent"}
    assert (rows["n_neurons"] == 128).all()
    measured = rows[rows["status"] == "measured"]
    assert (measured["n_firings"] >= 10).all()
    assert (measured["shifted"].abs() < measured["correlation"].abs()).mean() > 0.8
    stored = read_table(copied, "neurons")
    assert len(stored) == len(rows)
    assert not list((copied.parents[1] / "cache").glob("neurons-*"))


def test_the_same_again_and_batches_do_not_matter(
    rows: pd.DataFrame, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keyed: once more gives the same rows, also where files hold few neurons and a pass few contexts."""
    monkeypatch.setattr(module, "CELLS_OF_A_BLOCK", 5 * N_TOKENS)
    monkeypatch.setattr(module, "CELLS_OF_A_BATCH", 1)
    again = compare_with_neurons(copied, dictionary=WIDE, n_tokens=N_TOKENS)
    mine = rows[rows["dictionary"] == WIDE].reset_index(drop=True)
    same = ["feature", "n_firings", "n_tokens", "status"]
    pd.testing.assert_frame_equal(again[same], mine[same])
    np.testing.assert_allclose(again["correlation"].astype(float), mine["correlation"].astype(float), atol=1e-4)


def test_offsets_stay_away_from_where_the_features_were() -> None:
    """Between a quarter and three quarters of the tokens, keyed by dictionary and feature; one token is no error."""
    offsets = offsets_of("a/1", 1000, 20_000, seed=0)
    assert (offsets.min() >= 5_000) & (offsets.max() < 15_000)
    assert len(set(offsets.tolist())) > 900
    assert (offsets_of("a/1", 10, 20_000, seed=0) == offsets[:10]).all()
    assert (offsets_of("b/1", 1000, 20_000, seed=0) != offsets).mean() > 0.9
    assert offsets_of("a/1", 3, 1, seed=0).tolist() == [0, 0, 0]


def test_neurons_as_a_baseline_are_scored_and_compared_like_a_dictionary(
    world: World, tmp_path: Path, carry_out: Callable[..., Any]
) -> None:
    """The same scorers with the same controls on both; a neuron is compared with layers before its own alone."""
    config = world.config(baselines=[{"kind": "neurons", "density": 0.02}])
    folder = carry_out(config, tmp_path, last="score").run
    scores = read_table(folder, "scores")
    asked = {
        name: set(zip(mine["scorer"], mine["metric"], mine["control"], strict=True))
        for name, mine in scores.groupby("dictionary")
    }
    assert asked["neurons/128"] == asked[WIDE]
    found = compare_with_neurons(folder, n_tokens=N_TOKENS)
    assert found.groupby("dictionary")["n_neurons"].first().to_dict() == {NARROW: 128, WIDE: 128, "neurons/128": 64}


def test_what_cannot_be_compared_says_why(copied: Path, tmp_path: Path) -> None:
    """An unknown dictionary, too few tokens, a harvest that is not there, a full disk: what, and what to do."""
    with pytest.raises(ConfigError, match="no dictionary 'tiny/9'"):
        compare_with_neurons(copied, dictionary="tiny/9")
    with pytest.raises(ConfigError, match="--tokens 3"):
        compare_with_neurons(copied, n_tokens=3)
    lone = tmp_path / "runs" / copied.name
    shutil.copytree(copied, lone)
    with pytest.raises(ConfigError, match="autointerp harvest"):
        compare_with_neurons(lone)
    with pytest.raises(EnvironmentProblem, match="lower --tokens"):
        check_room(NeuronFiles(tmp_path, 20_000, {Site("neurons", 1): 1536}), free=4 * 20_000 * 1536 - 1)
    check_room(NeuronFiles(tmp_path, 20_000, {Site("neurons", 1): 1536}), free=4 * 20_000 * 1536)


def test_the_command_says_share_interval_null_and_caution(
    copied: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One object with --json; in words the same share, with counts, the tokens read and what it cannot show."""
    from autointerp.cli import main

    def run(*more: str) -> str:
        home = str(copied.parents[1])
        arguments = ["autointerp", "features", "neurons", str(copied), "--tokens", str(N_TOKENS), "--home", home, *more]
        monkeypatch.setattr(sys, "argv", arguments)
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        assert not stop.value.code
        return capsys.readouterr().out

    found: dict[str, Any] = json.loads(run("--json"))
    text = " ".join(run("--dictionary", WIDE).split())
    assert [one["dictionary"] for one in found["dictionaries"]] == [NARROW, WIDE]
    own = found["dictionaries"][1]["own"]
    assert own["low"] <= own["share"] <= own["high"]
    assert f"{own['share']:.2f} [{own['low']:.2f}, {own['high']:.2f}] of {own['n']} features at most 0.3" in text
    assert "tokens shifted" in text
    assert "With few firings" in text or "From few firings" in text
    assert NARROW not in text
