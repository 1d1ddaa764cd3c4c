"""The score stage: labels and controls put to the judge, its answers graded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autointerp.core.types import Evidence, Explanation, FeatureId, Labelled, Prediction, Reason, Score
from autointerp.pipeline.asking import ask
from autointerp.pipeline.chunks import Chunk, chunk_named, chunks_without, run_chunks
from autointerp.pipeline.evidence import draw_features, feature_rows, read_evidence, read_features
from autointerp.pipeline.judging import Item, grade_items, scorers_of
from autointerp.pipeline.run import Run
from autointerp.score.lookup import predict_by_lookup
from autointerp.store.convert import explanation_from, explanation_row, prediction_row, rows_of, score_row
from autointerp.store.parts import read_part, write_part
from autointerp.trust.controls import blank_explanation, shuffled_explanation


def score_chunks(run: Run) -> list[str]:
    """Return the chunks whose labels are still to be scored."""
    return chunks_without(run, "scores")


def score_chunk(run: Run, chunk: str) -> None:
    """Put the labels and controls of a chunk's features to the judge and grade what it says."""
    mine = chunk_named(run, chunk)
    evidence = read_evidence(run, mine)
    items = [
        Item(scorer, e, labelled, scorer.questions(e, labelled))
        for e, labelled in labels_to_test(run, mine, evidence)
        for scorer in scorers_of(run)
    ]
    asked = ask(run, run.judge(run.config.score.judge), [q for i in items for q in i.questions], stage="score")
    graded = grade_items(items, asked.replies, judge=run.config.score.judge) + _looked_up(run, evidence)
    scores = [score for _, scores in graded for score in scores]
    scores += _never_labelled(run, chunk, evidence) + _never_explained(run, mine)
    shuffled = [i.labelled.explanation for i in items if i.labelled.control == "shuffled"]
    write_part(run.directory, "explanations", shuffled_part(chunk), _unique_rows(shuffled))
    write_part(run.directory, "failures", f"score-{chunk}", asked.failures)
    write_part(run.directory, "calls", f"score-{chunk}", asked.calls)
    rows = [prediction_row(prediction) for predictions, _ in graded for prediction in predictions]
    write_part(run.directory, "predictions", chunk, rows)
    write_part(run.directory, "scores", chunk, [score_row(score) for score in scores])


def shuffled_part(chunk: str) -> str:
    """Return the name of the part that holds the foreign labels a chunk's features were given."""
    return f"{chunk}-shuffled"


def _unique_rows(explanations: Sequence[Explanation]) -> list[dict[str, Any]]:
    return [explanation_row(e) for e in {e.key: e for e in explanations}.values()]


# ---- what is put to the judge


def labels_to_test(run: Run, chunk: Chunk, evidence: Sequence[Evidence]) -> list[tuple[Evidence, Labelled]]:
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
    first = run.config.explain.explainers[0]
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


def _looked_up(run: Run, evidence: Sequence[Evidence]) -> list[tuple[list[Prediction], tuple[Score, ...]]]:
    """Return what a table of mean activations per token predicts and scores, in the judge's place."""
    return [
        (predictions, scorer.grade(e, predictions))
        for e in evidence
        for scorer in scorers_of(run)
        if (predictions := predict_by_lookup(scorer, e))
    ]


# ---- what has no score


def _never_labelled(run: Run, chunk: str, evidence: Sequence[Evidence]) -> list[Score]:
    """Return unscored rows for features of which an explainer gave no label."""
    failures = read_part(run.directory, "failures", f"explain-{chunk}")
    return [
        score
        for e in evidence
        for failure in rows_of(failures[failures["about"] == str(e.feature)])
        for score in _unscored(run, e, Reason(failure["reason"]), str(failure["detail"]))
    ]


def _never_explained(run: Run, chunk: Chunk) -> list[Score]:
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
        for score in _unscored(run, e, Reason(facts[e.feature.index]["status"]), _rare(facts[e.feature.index]))
    ]


def _rare(row: Mapping[str, Any]) -> str:
    return f"fires on {row['n_windows']} windows, {row['n_held_out']} of them held out"


def _unscored(run: Run, evidence: Evidence, status: Reason, reason: str) -> list[Score]:
    """Return every scorer's rows for a feature without label."""
    judge = run.config.score.judge
    return [
        score
        for scorer in scorers_of(run)
        for score in scorer.unscored(evidence, None, judge=judge, status=status, reason=reason)
    ]
