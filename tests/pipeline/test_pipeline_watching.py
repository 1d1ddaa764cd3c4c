"""Evaluations night after night: anchors and repeats asked afresh, baselines locked, runs held against them."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from scripted_world import Script
from tiny_world import World

from autointerp.analysis.watching import Verdict
from autointerp.core.errors import ConfigError
from autointerp.pipeline.baselining import find_baseline, list_baselines, run_of_baseline, set_baseline, unset_baseline
from autointerp.pipeline.config import Config, gate_rules
from autointerp.pipeline.forgetting import forget_failed
from autointerp.pipeline.planning import plan_run
from autointerp.pipeline.remeasuring import remeasure
from autointerp.pipeline.watch_config import GateSection
from autointerp.report.drifted import drift_frame
from autointerp.report.gated import gate
from autointerp.store.parts import part_paths, read_table, write_part

N_ANCHORS = 12


@dataclass(frozen=True)
class Nights:
    """Two evaluations of one configuration under two names, and what each asked the judge."""

    home: Path
    config: Config
    first: Path
    second: Path
    asked: tuple[int, int, int]


@pytest.fixture(scope="module")
def nights(
    world: World, script: Script, carry_out: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Nights:
    home = tmp_path_factory.mktemp("nights")
    judge = {"judge": "script:judge", "scorers": ["detection"], "n_shuffled": 0, "n_blank": 0}
    sections = {"score": judge, "anchors": {"n_items": N_ANCHORS}, "repeats": {"share": 0.5}}
    asked, folders = [], []
    for name in ("night-1", "night-2", "night-2"):
        before = script.asked.total()
        folders.append(carry_out(world.config(name=name, **sections), home, last="").run)
        asked.append(script.asked.total() - before)
    return Nights(home, world.config(name="night-2", **sections), folders[0], folders[1], tuple(asked))  # type: ignore[arg-type]


def test_only_anchors_and_repeats_are_asked_afresh(nights: Nights) -> None:
    """The second evaluation asks its anchors and its share again and nothing else; resumed, nothing at all."""
    repeats = read_table(nights.second, "repeats")
    assert len(repeats) > 0
    assert nights.asked[1:] == (N_ANCHORS + len(repeats), 0)
    assert nights.asked[0] > nights.asked[1]


def test_anchors_are_the_same_and_half_true(nights: Nights) -> None:
    """Both evaluations ask the same questions, half of them true; who answered stands beside."""
    first, second = (read_table(folder, "anchors") for folder in (nights.first, nights.second))
    assert set(first["anchor"]) == set(second["anchor"])
    assert len(set(first["anchor"])) == N_ANCHORS
    assert first["truth"].mean() == 0.5
    assert (set(first["evaluation"]), set(second["evaluation"])) == ({nights.first.name}, {nights.second.name})
    assert set(second["model"]) == {"script:judge"}
    assert drift_frame(nights.home)["run"].tolist() == [nights.first.name, nights.second.name]


def test_repeats_stand_beside_the_first_answers(nights: Nights) -> None:
    """``first`` is what the scores were made of; about the share of the items was asked again."""
    repeats, predictions = (read_table(nights.second, table) for table in ("repeats", "predictions"))
    own = predictions[predictions["control"] == "none"].set_index(["feature", "explanation", "item"])["guess"]
    names = repeats.set_index(["feature", "explanation", "item"])
    assert (own.loc[names.index] == names["first"]).all()
    assert 0.2 < len(repeats) / len(own) < 0.8
    assert (repeats["first"] != repeats["again"]).any()


def test_a_plan_counts_what_is_asked_afresh(nights: Nights, tmp_path: Path) -> None:
    """Anchors and the second asking stand in the plan, with no fewer calls than they took."""
    calls = plan_run(nights.config, home=tmp_path).as_dict()["calls"]
    assert calls["anchors"] == N_ANCHORS
    assert calls["detection again"] >= len(read_table(nights.second, "repeats"))


def test_retry_asks_failed_anchors_again(nights: Nights, tmp_path: Path) -> None:
    """Where an anchor failed that may go better all of them are asked again; replies already had are kept."""
    folder = tmp_path / "runs" / nights.second.name
    shutil.copytree(nights.second, folder)
    assert forget_failed(folder) == 0
    lost = [{"stage": "anchors", "about": "x", "reason": "timeout", "detail": ""}]
    write_part(folder, "failures", "anchors-script:judge", lost)
    assert forget_failed(folder) == 1
    assert part_paths(folder, "anchors") == []
    assert len(part_paths(folder, "repeats")) == len(part_paths(nights.second, "repeats"))


def test_a_baseline_is_locked(nights: Nights) -> None:
    """A name keeps its run until it is replaced by force; the same again is no change; unknown names are refused."""
    kept = set_baseline(nights.home, "good", nights.first)
    assert set_baseline(nights.home, "good", nights.first) == kept
    with pytest.raises(ConfigError, match="locked to"):
        set_baseline(nights.home, "good", nights.second)
    assert set_baseline(nights.home, "good", nights.second, replace=True).run == nights.second.name
    assert [b.name for b in list_baselines(nights.home)] == ["good"]
    with pytest.raises(ConfigError, match="did you mean 'good'"):
        find_baseline(nights.home, "goud")
    for name in ("../x", "", ".", "a/b"):
        with pytest.raises(ConfigError, match="a name"):
            set_baseline(nights.home, name, nights.first)
    unset_baseline(nights.home, "good")
    assert list_baselines(nights.home) == []


def test_a_changed_run_is_no_baseline_any_more(nights: Nights) -> None:
    """What was graded anew, or lost a part, is not what was locked."""
    kept = set_baseline(nights.home, "moving", nights.first)
    path = part_paths(nights.first, "scores")[0]
    content = path.read_bytes()
    path.write_bytes(content + b"x")
    with pytest.raises(ConfigError, match="was changed since"):
        run_of_baseline(nights.home, kept)
    path.write_bytes(content)
    assert run_of_baseline(nights.home, kept) == nights.first
    unset_baseline(nights.home, "moving")


def test_an_equal_run_passes(nights: Nights) -> None:
    """The same labels, judge and answers: every rule passes, no question is asked again."""
    found = gate(nights.second, nights.first, rules=GateSection(max_flip_rate=0.2))
    rules = {check.rule: check.verdict for check in found.checks}
    assert {"judge", "drift", "drop", "coverage"} <= set(rules)
    assert rules["judge"] is rules["drift"] is Verdict.PASS
    assert found.remeasured == ""
    assert found.exit_code in {0, 7}


def test_asked_again_before_it_fails(nights: Nights, script: Script) -> None:
    """Asking again puts every item of the labels' own once more, and the same repeat costs nothing twice."""
    own = read_table(nights.second, "predictions", filters=[("control", "==", "none")])
    for n_expected in (len(own), 0):
        before = script.asked.total()
        found = remeasure(nights.second, ["detection"], repeat="night-2 against x")
        assert script.asked.total() - before == n_expected
    assert set(found.predictions["item"]) == set(own["item"])
    assert set(found.scores["scorer"]) == {"detection"}
    with pytest.raises(ConfigError, match="by steps"):
        remeasure(nights.second, ["sequential"], repeat="x")


def test_rules_come_from_a_file(tmp_path: Path) -> None:
    """Only ``[gate]`` is read; an unknown rule is refused with the nearest name."""
    path = tmp_path / "rules.toml"
    path.write_text("[gate]\nmax_drop = 0.01\n[other]\nx = 1\n")
    assert gate_rules(path).max_drop == 0.01
    path.write_text("[gate]\nmax_dorp = 0.01\n")
    with pytest.raises(ConfigError, match="did you mean 'max_drop'"):
        gate_rules(path)
    path.write_text('[gate]\nwatched = ["no feature"]\n')
    with pytest.raises(ConfigError, match="watched"):
        gate_rules(path)
