"""The score stage: labels and controls put to the judge, its answers graded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autointerp.core.protocols import Scorer, StepScorer
from autointerp.core.types import Evidence, Explanation, FeatureId, Labelled, Reason, Score
from autointerp.pipeline.asking import ask
from autointerp.pipeline.chunks import Chunk, chunk_named, chunks_without, run_chunks
from autointerp.pipeline.evidence import draw_features, feature_rows, read_evidence, read_features
from autointerp.pipeline.explaining import names_of_explainers
from autointerp.pipeline.judging import (
    Graded,
    Item,
    Pair,
    Trial,
    configured,
    grade_items,
    grade_one,
    judge_of,
    pairs_for,
    scorers_of,
    step_scorers_of,
    without_label,
)
from autointerp.pipeline.rationing import ask_in_rounds
from autointerp.pipeline.run import Run
from autointerp.pipeline.stepping import Models, drive
from autointerp.score.lookup import predict_by_lookup
from autointerp.score.sequential import Sequential
from autointerp.score.tiles import lacks_tiles
from autointerp.store.convert import (
    Row,
    explanation_from,
    explanation_row,
    failure_row,
    prediction_row,
    rows_of,
    score_row,
)
from autointerp.store.parts import read_part, write_part
from autointerp.trust.controls import blank_explanation, shuffled_explanation


def score_chunks(run: Run) -> list[str]:
    """Return the chunks whose labels are still to be scored."""
    return chunks_without(run, "scores")


def score_chunk(run: Run, chunk: str) -> None:
    """Put the labels and controls of a chunk's features to the configured scorers and judge."""
    try_chunk(run, chunk, configured(run))


def try_chunk(run: Run, chunk: str, trial: Trial) -> None:
    """Put the labels and controls of a chunk's features to the test and grade what is said."""
    mine = chunk_named(run, chunk)
    evidence = read_evidence(run, mine)
    labels = labels_to_test(run, mine, evidence)
    at_once, by_steps = _judge_at_once(run, trial, labels, evidence), _judge_by_steps(run, trial, labels, evidence)
    graded = at_once.graded + by_steps.graded + _looked_up(run, evidence, trial)
    scores = [score for _, scores in graded for score in scores]
    scores += _never_labelled(run, chunk, evidence, trial) + _never_explained(run, mine, trial)
    shuffled = [labelled.explanation for _, labelled in labels if labelled.control == "shuffled"]
    part = trial.part(chunk)
    if not trial.suffix:  # what is added later is put to the same foreign labels
        write_part(run.directory, "explanations", shuffled_part(chunk), _unique_rows(shuffled))
    write_part(run.directory, "failures", f"score-{part}", at_once.failures + by_steps.failures)
    rows = [prediction_row(prediction) for predictions, _ in graded for prediction in predictions]
    write_part(run.directory, "predictions", part, rows)
    write_part(run.directory, "scores", part, [score_row(score) for score in scores])


@dataclass(frozen=True)
class _Judged:
    """What came of the labels under some scorers, and rows of what was lost."""

    graded: list[Graded]
    failures: list[Row]


def _judge_at_once(run: Run, trial: Trial, labels: Sequence[Pair], evidence: Sequence[Evidence]) -> _Judged:
    """Put all questions of the scorers that know them all beforehand."""
    scorers = scorers_of(run, trial.scorers)
    labelled = [(s, *pair) for pair in labels for s in scorers if s.uses_label]
    unlabelled = [(s, *pair) for s in scorers if not s.uses_label for pair in pairs_for(s, labels, evidence)]
    items = [Item(s, e, label, s.questions(e, label)) for s, e, label in labelled + unlabelled]
    asked = ask(run, run.judge(trial.judge), [q for item in items for q in item.questions], stage="score")
    return _Judged(grade_items(items, asked.replies, judge=trial.judge), asked.failures)


def _judge_by_steps(run: Run, trial: Trial, labels: Sequence[Pair], evidence: Sequence[Evidence]) -> _Judged:
    """Carry out the scorers whose next step depends on the last answer."""
    scorers = step_scorers_of(run, trial.scorers)
    rationed = [s for s in scorers if isinstance(s, Sequential) and run.config.score.sequential_calls]
    free = [s for s in scorers if s not in rationed]
    trials = [(s, *pair, judge_of(run, s, trial.judge)) for s in free for pair in pairs_for(s, labels, evidence)]
    generators = [scorer.steps(e, labelled, judge) for scorer, e, labelled, judge in trials]
    driven = drive(run, generators, models=Models.of(run, judge=trial.judge), stage="score")
    graded = [
        (predictions, grade_one(scorer, e, labelled, predictions, judge=judge))
        for (scorer, e, labelled, judge), predictions in zip(trials, driven.results, strict=True)
    ]
    done = [_Judged(graded, [failure_row(failure) for failure in driven.failures])]
    done += [_judge_rationed(run, scorer, trial, labels) for scorer in rationed]
    return _Judged([g for one in done for g in one.graded], [row for one in done for row in one.failures])


def _judge_rationed(run: Run, scorer: Sequential, trial: Trial, labels: Sequence[Pair]) -> _Judged:
    """Carry out the scorer under its ceiling of questions; a label nobody came to ask about is not decided."""
    n_calls = run.config.score.sequential_calls
    driven = ask_in_rounds(run, scorer, labels, judge=trial.judge, n_calls=n_calls)
    status, reason = Reason.UNDECIDABLE, f"not asked: sequential_calls = {n_calls} went to other labels"
    graded: list[Graded] = []
    for (e, labelled), predictions in zip(labels, driven.results, strict=True):
        if predictions or lacks_tiles(e, run.score_settings):
            scores = grade_one(scorer, e, labelled, predictions, judge=trial.judge)
        else:
            scores = scorer.unscored(e, labelled, judge=trial.judge, status=status, reason=reason)
        graded.append((predictions, scores))
    return _Judged(graded, [failure_row(failure) for failure in driven.failures])


def shuffled_part(chunk: str) -> str:
    """Return the name of the part that holds the foreign labels a chunk's features were given."""
    return f"{chunk}-shuffled"


def _unique_rows(explanations: Sequence[Explanation]) -> list[dict[str, Any]]:
    return [explanation_row(e) for e in {e.key: e for e in explanations}.values()]


# ---- what is put to the judge


def labels_to_test(run: Run, chunk: Chunk, evidence: Sequence[Evidence]) -> list[Pair]:
    """Return every label to be judged with its evidence: real ones, other features' and the blank one."""
    real = own_labels(run, chunk)
    pairs = [(e, Labelled(label)) for e in evidence for label in real if label.feature == e.feature]
    donors = donors_of(run, chunk.dictionary)
    for e in evidence:
        if e.feature in donors.labels:
            pairs += [(e, labelled) for labelled in _controls(run, e.feature, donors)]
    return pairs


def own_labels(run: Run, chunk: Chunk) -> list[Explanation]:
    """Return the labels that explainers wrote for a chunk's features."""
    stored = [explanation_from(row) for row in rows_of(read_part(run.directory, "explanations", chunk.name))]
    return [label for label in stored if not label.explainer.startswith("control:")]


@dataclass(frozen=True)
class Donors:
    """The features of one dictionary whose labels stand in for another's: first explainer's label, and density."""

    labels: Mapping[FeatureId, Explanation]
    densities: Mapping[FeatureId, float]


def donors_of(run: Run, dictionary: str) -> Donors:
    """Return the donors of the whole dictionary, whatever chunk they are in: chunks decide no draw."""
    return run.once(f"donors {dictionary}", lambda: _read_donors(run, dictionary))


def _read_donors(run: Run, dictionary: str) -> Donors:
    first = names_of_explainers(run)[0]
    chunks = [chunk for chunk in run_chunks(run) if chunk.dictionary == dictionary]
    labels = [label for chunk in chunks for label in own_labels(run, chunk) if label.explainer == first]
    drawn = [("status", "==", Reason.PENDING.value)]
    rows = read_part(run.directory, "features", dictionary, columns=["feature", "density"], filters=drawn)
    densities = {FeatureId(dictionary, int(row["feature"])): float(row["density"]) for row in rows_of(rows)}
    return Donors({label.feature: label for label in labels}, densities)


def _controls(run: Run, feature: FeatureId, donors: Donors) -> list[Labelled]:
    """Return the labels that deserve no credit, as the feature's own."""
    found = [
        (number, shuffled_explanation(feature, donors.labels, donors.densities, seed=run.config.seed, draw=number))
        for number in range(run.config.score.n_shuffled)
    ]
    shuffled = [Labelled(other, "shuffled", number) for number, other in found if other is not None]
    blank = [Labelled(blank_explanation(feature), "blank", number) for number in range(run.config.score.n_blank)]
    return shuffled + blank


def _looked_up(run: Run, evidence: Sequence[Evidence], trial: Trial) -> list[Graded]:
    """Return what a table of mean activations per token predicts and scores, in the judge's place."""
    return [
        (predictions, scorer.grade(e, predictions))
        for e in evidence
        for scorer in scorers_of(run, trial.scorers)
        if (predictions := predict_by_lookup(scorer, e))
    ]


# ---- what has no score


def _never_labelled(run: Run, chunk: str, evidence: Sequence[Evidence], trial: Trial) -> list[Score]:
    """Return unscored rows for features of which an explainer gave no label."""
    failures = read_part(run.directory, "failures", f"explain-{chunk}")
    return [
        score
        for e in evidence
        for failure in rows_of(failures[failures["about"] == str(e.feature)])
        for score in _unscored(run, e, Reason(failure["reason"]), str(failure["detail"]), trial, needs_label=True)
    ]


def _never_explained(run: Run, chunk: Chunk, trial: Trial) -> list[Score]:
    """Return unscored rows for features named in the configuration that are dead or too rare to be explained.

    They are in no chunk; the dictionary's first speaks for them.
    """
    if not run.config.features.only or chunk.number > 1:
        return []
    drawn = [index for c in run_chunks(run) if c.dictionary == chunk.dictionary for index in c.features]
    left_out = sorted(set(draw_features(run, chunk.dictionary, [])).difference(drawn))
    facts = {int(row["feature"]): row for row in feature_rows(run, chunk.dictionary, left_out)}
    return [
        score
        for e in read_features(run, chunk.dictionary, left_out)
        for score in _unscored(run, e, Reason(facts[e.feature.index]["status"]), _rare(facts[e.feature.index]), trial)
    ]


def _rare(row: Mapping[str, Any]) -> str:
    return f"fires on {row['n_windows']} windows, {row['n_held_out']} of them held out"


def _unscored(
    run: Run, evidence: Evidence, status: Reason, reason: str, trial: Trial, *, needs_label: bool = False
) -> list[Score]:
    """Return every scorer's rows for a feature without label; of those that need one alone, where that is said."""
    scorers: list[Scorer | StepScorer] = [*scorers_of(run, trial.scorers), *step_scorers_of(run, trial.scorers)]
    nobody = without_label(evidence.feature)
    return [
        score
        for scorer in scorers
        if scorer.uses_label or not needs_label
        for score in scorer.unscored(
            evidence,
            None if scorer.uses_label else nobody,
            judge=judge_of(run, scorer, trial.judge),
            status=status,
            reason=reason,
        )
    ]
