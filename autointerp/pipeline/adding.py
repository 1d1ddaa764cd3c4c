"""A finished run taken further: another scorer or judge put to its labels, or its predictions graded anew."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from autointerp.core.errors import ConfigError
from autointerp.core.protocols import Scorer, StepScorer
from autointerp.core.types import Evidence, FeatureId, Prediction, Score
from autointerp.pipeline.chunks import Chunk, run_chunks
from autointerp.pipeline.driver import RETRIABLE, check_encoder, opened
from autointerp.pipeline.evidence import read_evidence
from autointerp.pipeline.finding import config_of
from autointerp.pipeline.judges import check_model_names
from autointerp.pipeline.judging import Trial, configured, grade_known, scorers_of, step_scorers_of
from autointerp.pipeline.readiness import make_trial_ready
from autointerp.pipeline.run import OnProgress, Run, ignore_progress, run_directory
from autointerp.pipeline.scoring import try_chunk
from autointerp.pipeline.sections import ALL_SCORERS, check_model, check_names
from autointerp.pipeline.status import status_of_run
from autointerp.store.convert import prediction_from, rows_of, score_from, score_row
from autointerp.store.manifest import read_manifest, write_manifest
from autointerp.store.parts import has_part, read_part, write_part

ADDED = "added"
"""Under this name a run's manifest lists what was put to its labels after it was finished."""

Key = tuple[FeatureId, str, str, str, str, int]


@contextmanager
def reopened(
    folder: Path, *, usd: float | None = None, tokens: int | None = None, on_progress: OnProgress = ignore_progress
) -> Iterator[Run]:
    """Yield a finished run under its own configuration, locked, with another ceiling where one is given.

    Raises:
        ConfigError: It is not finished, or does not stand where it was made.
    """
    config, home = config_of(folder).within(usd=usd, tokens=tokens), folder.resolve().parent.parent
    if run_directory(home, config) != folder.resolve():
        msg = f"{folder}: a run stands in HOME/runs/NAME-KEY; move it back, or its harvest cannot be found"
        raise ConfigError(msg)
    if not status_of_run(folder).is_complete:
        msg = f"{folder}: not finished; finish it with the command that began it"
        raise ConfigError(msg)
    with opened(config, home=home, on_progress=on_progress) as run:
        yield run


# ---- another scorer, another judge


def add_scorer(run: Run, scorer: str, judge: str = "") -> int:
    """Put every label of the run to one more scorer, or to another judge; return how many chunks were left to do.

    What comes of it are parts beside the others. Parts that stand are kept, except those in which
    something failed that may go better; so resuming, and asking again, is the same command.

    Raises:
        ConfigError: An unknown scorer or model, one that cannot answer it, or the run's own scorer with
            its own judge.
    """
    trial = _checked(run, scorer, judge)
    make_trial_ready(run, trial)
    _note_added(run, trial)
    left = [chunk for chunk in run_chunks(run) if _is_left(run, trial.part(chunk.name))]
    with run.timed("score"):
        for chunk in left:
            try_chunk(run, chunk.name, trial)
    return len(left)


def added_trials(run: Run) -> list[Trial]:
    """Return what was added to the run, in the order in which it was."""
    return [_trial(row["scorer"], row["judge"]) for row in read_manifest(run.directory).get(ADDED, ())]


def _trial(scorer: str, judge: str) -> Trial:
    return Trial((scorer,), judge, suffix=f" + {scorer} by {judge}")


def _checked(run: Run, scorer: str, judge: str) -> Trial:
    own = configured(run)
    try:
        check_names((scorer,), ALL_SCORERS, "scorer")
        check_model(judge)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    check_model_names([judge] if judge else [])
    if scorer == "embedding":
        check_encoder(run.config.score.encoder)
    if scorer in own.scorers and judge in {"", own.judge}:
        msg = (
            f"{run.directory.name}: {scorer} by {own.judge} is in it already; `autointerp retry` asks again what failed"
        )
        raise ConfigError(msg)
    return _trial(scorer, judge or own.judge)


def _note_added(run: Run, trial: Trial) -> None:
    stored = read_manifest(run.directory)
    row = {"scorer": trial.scorers[0], "judge": trial.judge}
    if row not in stored.get(ADDED, []):
        write_manifest(run.directory, stored | {ADDED: [*stored.get(ADDED, []), row]})


def _is_left(run: Run, part: str) -> bool:
    """Return whether the part is missing, or something failed in it that may go better."""
    if not has_part(run.directory, "scores", part):
        return True
    return bool(read_part(run.directory, "failures", f"score-{part}")["reason"].isin(RETRIABLE).any())


# ---- the same predictions, graded anew


def regrade(run: Run) -> tuple[int, int]:
    """Compute every score anew from the stored predictions, asking nobody; return (scores, how many are other now).

    A label of which nothing was asked keeps its row: there is nothing to compute it from.
    """
    n_scores = n_other = 0
    for trial in [configured(run), *added_trials(run)]:
        scorers: list[Scorer | StepScorer] = [*scorers_of(run, trial.scorers), *step_scorers_of(run, trial.scorers)]
        for chunk in run_chunks(run):
            before, after = _regraded(run, chunk, trial.part(chunk.name), {scorer.name: scorer for scorer in scorers})
            write_part(run.directory, "scores", trial.part(chunk.name), [score_row(score) for score in after])
            n_scores += len(after)
            n_other += len(set(after).difference(before))
    return n_scores, n_other


def _regraded(
    run: Run, chunk: Chunk, part: str, scorers: dict[str, Scorer | StepScorer]
) -> tuple[list[Score], list[Score]]:
    """Return the scores of one part as stored, and as they come out now."""
    before = [score_from(row) for row in rows_of(read_part(run.directory, "scores", part))]
    predictions = [prediction_from(row) for row in rows_of(read_part(run.directory, "predictions", part))]
    evidence = {e.feature: e for e in read_evidence(run, chunk)}
    groups: defaultdict[Key, list[Prediction]] = defaultdict(list)
    for prediction in predictions:
        groups[_key(prediction)].append(prediction)
    graded = [score for group in groups.values() for score in _grade(scorers, evidence, group)]
    return before, graded + [score for score in before if _key(score) not in groups]


def _grade(
    scorers: dict[str, Scorer | StepScorer], evidence: dict[FeatureId, Evidence], predictions: Sequence[Prediction]
) -> tuple[Score, ...]:
    first = predictions[0]
    return grade_known(scorers[first.scorer], evidence[first.feature], predictions)


def _key(value: Prediction | Score) -> Key:
    """Return what predictions that are graded together have in common."""
    return value.feature, value.explanation, value.scorer, value.judge, value.control, value.draw
