"""A run's widths matched: the pool is read as it stands, and the text, the table and the JSON agree."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tiny_world import WIDTHS, FinishedRun, World

from autointerp.analysis.change import ALL, Part
from autointerp.analysis.estimates import NOTHING
from autointerp.analysis.matching import KINDS
from autointerp.core.errors import ConfigError
from autointerp.pipeline.pooled import pool_activations, pool_tokens
from autointerp.report.matched import Change, Matched, match_run, rough
from autointerp.store.parts import read_table

NARROW, WIDE = (f"tiny/{width}" for width in WIDTHS)


@pytest.fixture(scope="module")
def copied(finished_run: FinishedRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run's folder in a home of its own, its harvest with it."""
    return finished_run.copied(tmp_path_factory.mktemp("matched"))


@pytest.fixture(scope="module")
def matched(copied: Path) -> Matched:
    (found,) = match_run(copied)
    return found


def test_pool_is_read_as_it_stands(copied: Path) -> None:
    """The matrix holds each stored activation at its feature and token, and nothing else."""
    (harvest,) = (copied.parents[1] / "cache" / "harvests").iterdir()
    tokens = pool_tokens(harvest)
    rows = read_table(harvest, "pool_activations", filters=[("dictionary", "==", WIDE)])
    matrix = pool_activations(harvest, WIDE, WIDTHS[1], tokens)
    assert matrix.nnz == len(rows) > 0
    assert tokens.n_kept <= tokens.n
    firsts = dict(zip(tokens.contexts.tolist(), tokens.first.tolist(), strict=True))
    places = [firsts[c] + p for c, p in zip(rows["context"], rows["position"], strict=True)]
    assert np.array_equal(matrix.toarray()[rows["feature"], places], rows["activation"])


def test_every_feature_is_counted(matched: Matched, copied: Path) -> None:
    """Kinds add up to both widths, and the table ``matches`` says the same."""
    assert (sum(matched.kinds_narrow.values()), sum(matched.kinds_wide.values())) == WIDTHS
    rows = read_table(copied, "matches")
    assert set(zip(rows["narrow"], rows["wide"], strict=True)) == {(NARROW, WIDE)}
    own = rows.dropna(subset=["child"]).drop_duplicates("child")
    assert {k: int((own["kind"] == k).sum()) for k in matched.kinds_wide} == matched.kinds_wide
    assert set(rows["kind"]) <= set(KINDS)


def test_a_dictionary_matches_itself(copied: Path) -> None:
    """Against itself, each feature that fires often enough has itself as its match, or a like one."""
    (found,) = match_run(copied, narrow=WIDE, wide=WIDE)
    assert found.kinds_narrow == found.kinds_wide
    assert set(found.kinds_wide) <= {"matched", "undecided"}
    assert found.kinds_wide["matched"] > WIDTHS[1] / 2


def test_text_and_json_say_the_same(matched: Matched) -> None:
    """Each kind and each measure's change stands in both, the counts beside it."""
    text, stored = matched.text(), json.loads(json.dumps(matched.as_dict(), allow_nan=False))
    assert stored["narrow"] in text
    for kind, n in stored["kinds_wide"].items():
        assert f"{kind:10}" in text
        assert f"{n} of {WIDTHS[1]} wide" in text
    assert stored["changes"]
    for change in stored["changes"]:
        assert change["measure"] in text
        parts = {part["kind"]: part["change"]["value"] for part in change["parts"]}
        assert sum(v for kind, v in parts.items() if kind != "all") == pytest.approx(parts["all"])


def part(kind: str, *, n: int) -> Part:
    return Part(kind, n, n + 1, 0.5, 0.6, NOTHING)


@pytest.mark.parametrize(("n", "is_rough"), [(9, True), (10, False)])
def test_few_scored_features_are_said_to_decide_nothing(n: int, is_rough: bool) -> None:
    """By what is scored on the poorer side in all; that one kind has few of many does not make the whole rough."""
    change = Change("detection", "examples", "j", (part("matched", n=1), part(ALL, n=n)), NOTHING)
    assert bool(rough([change])) is is_rough
    assert rough([]) == ""


def test_what_cannot_be_matched_says_why(copied: Path, world: World, tmp_path: Path) -> None:
    """An unknown dictionary and a harvest that is not there are named, with what to do."""
    with pytest.raises(ConfigError, match="no dictionary 'tiny/9'"):
        match_run(copied, narrow=NARROW, wide="tiny/9")
    with pytest.raises(ConfigError, match="--wide names no dictionary"):
        match_run(copied, narrow=NARROW)
    lone = tmp_path / "runs" / copied.name
    shutil.copytree(copied, lone)
    with pytest.raises(ConfigError, match="autointerp harvest"):
        match_run(lone)
    del world
