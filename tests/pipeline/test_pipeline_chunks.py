"""Chunks of features: however the drawn features are cut, the same labels, draws and scores."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_world import FinishedRun, World

from autointerp.core.types import FeatureId
from autointerp.pipeline.chunks import cut_chunks
from autointerp.store.parts import has_part, part_path, read_table, write_part

CarryOut = Callable[..., Any]
SameTables = Callable[[Path, Path], None]


@given(st.sets(st.integers(0, 5000)), st.integers(1, 40), st.randoms())
def test_every_feature_is_in_one_chunk(features: set[int], size: int, randoms: Any) -> None:
    """Each feature once, no chunk beyond its size, names all different, whatever the order they come in."""
    given_in = sorted(features)
    randoms.shuffle(given_in)
    chunks = cut_chunks("tiny/16", given_in, size=size)
    assert [index for chunk in chunks for index in chunk.features] == sorted(features)
    assert all(len(chunk.features) <= size for chunk in chunks)
    assert len({chunk.name for chunk in chunks}) == len(chunks) >= 1
    assert chunks == cut_chunks("tiny/16", sorted(features), size=size)


@pytest.fixture(scope="module")
def cut_run(world: World, carry_out: CarryOut, tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """The finished run's configuration with chunks of one feature and of two: three features make two or three."""
    config = world.config(features={"chunk": 2})
    home = tmp_path_factory.mktemp("chunks")
    return FinishedRun(config, home, carry_out(config, home).run)


def test_chunks_decide_nothing(
    world: World,
    carry_out: CarryOut,
    finished_run: FinishedRun,
    cut_run: FinishedRun,
    same_tables: SameTables,
    tmp_path: Path,
) -> None:
    """One chunk a dictionary, two, or one a feature: the same tables, foreign labels of other chunks among them."""
    same_tables(cut_run.folder, finished_run.folder)
    single = carry_out(world.config(features={"chunk": 1}), tmp_path)
    same_tables(single.run, finished_run.folder)
    assert len(list((single.run / "scores").glob("*.parquet"))) == 6
    labels = read_table(single.run, "explanations").query("explainer == 'control:shuffled'")
    assert len(labels)


def test_a_chunk_reads_only_its_own_evidence(cut_run: FinishedRun) -> None:
    """Reading one chunk's evidence gives its features and their windows, no others."""
    from autointerp.pipeline.chunks import run_chunks
    from autointerp.pipeline.driver import opened
    from autointerp.pipeline.evidence import read_evidence

    with opened(cut_run.config, home=cut_run.home) as run:
        for chunk in run_chunks(run):
            evidence = read_evidence(run, chunk)
            assert [e.feature for e in evidence] == [FeatureId(chunk.dictionary, index) for index in chunk.features]
            assert all(e.shown and e.held_out for e in evidence)


def test_status_counts_chunks(world: World, carry_out: CarryOut, cut_run: FinishedRun, tmp_path: Path) -> None:
    """n of N chunks at every point: at most so many before the evidence stands, all of them at the end."""
    from autointerp.pipeline.status import status_of_run

    whole = status_of_run(cut_run.folder)
    assert whole.done == {"evidence": 2, "certify": 0, "explain": 4, "score": 4}
    assert whole.total == {"evidence": 2, "certify": 0, "explain": 4, "score": 4}
    assert whole.is_complete
    config = world.config(features={"chunk": 2, "n_per_dictionary": 5})
    harvested = status_of_run(carry_out(config, tmp_path, last="harvest").run)
    assert (harvested.done["explain"], harvested.total["explain"], harvested.is_complete) == (0, 6, False)
    folder = carry_out(config, tmp_path, last="explain").run
    explained = status_of_run(folder)
    assert explained.done["explain"] == explained.total["explain"]
    assert explained.done["score"] == 0
    assert f"score      0 of {explained.total['score']} chunks done" in explained.text()
    next((folder / "explanations").glob("*.parquet")).unlink()
    assert status_of_run(folder).done["explain"] == explained.done["explain"] - 1


def test_label_asked_again_is_scored_again_everywhere(
    cut_run: FinishedRun, carry_out: CarryOut, finished_run: FinishedRun, same_tables: SameTables
) -> None:
    """A label that failed may stand in for any other of its dictionary: ``retry`` forgets all its scores, no others."""
    from autointerp.pipeline.forgetting import forget_failed

    row = {"stage": "explain", "about": "tiny/32#3", "reason": "timeout", "detail": "no reply"}
    write_part(cut_run.folder, "failures", "explain-tiny/32 2 of 2", [row])
    other = part_path(cut_run.folder, "scores", "tiny/16 1 of 2").stat().st_mtime_ns
    assert forget_failed(cut_run.folder) == 1
    assert not any(has_part(cut_run.folder, "scores", f"tiny/32 {n} of 2") for n in (1, 2))
    assert has_part(cut_run.folder, "explanations", "tiny/32 1 of 2")
    assert not has_part(cut_run.folder, "explanations", "tiny/32 2 of 2")
    carry_out(cut_run.config, cut_run.home)
    assert part_path(cut_run.folder, "scores", "tiny/16 1 of 2").stat().st_mtime_ns == other
    same_tables(cut_run.folder, finished_run.folder)


def test_failed_labels_have_unscored_rows(world: World, carry_out: CarryOut, tmp_path: Path) -> None:
    """A feature whose explainer could not be asked has a row a scorer with the reason, and its name in ``failures``."""
    model = f"local:{world.model}"  # holds 256 tokens, fewer than the question takes
    config = world.config(explain={"explainers": ["examples"], "model": model})
    folder = carry_out(config, tmp_path).run
    failures = read_table(folder, "failures").query("stage == 'explain'")
    drawn = read_table(folder, "features").query("status == 'pending'")
    names = set(drawn["dictionary"] + "#" + drawn["feature"].astype(str))
    assert set(failures["about"]) == names
    scores = read_table(folder, "scores").query("control == 'none'")
    assert set(scores["dictionary"] + "#" + scores["feature"].astype(str)) == names
    assert set(scores["scorer"]) == {"simulation", "detection"}
    assert set(scores["status"]) == {"provider_error"}
    assert scores["value"].isna().all()


def test_dictionary_without_drawn_features(world: World, carry_out: CarryOut, tmp_path: Path) -> None:
    """Where nothing is drawn from a dictionary the run is complete nonetheless."""
    from autointerp.pipeline.status import status_of_run

    config = world.config(features={"only": ["tiny/32#9"]})
    state = status_of_run(carry_out(config, tmp_path).run)
    assert state.is_complete
    assert state.total["score"] == state.done["score"] == 2
