"""What ``score`` does to a run that is finished: another scorer, another judge, the same answers graded anew."""

from pathlib import Path

from autointerp.cli.app import answer, progress
from autointerp.core.errors import Incomplete


def add_to_run(
    name: str,
    scorer: str,
    judge: str,
    *,
    home: Path,
    as_json: bool,
    usd: float | None = None,
    tokens: int | None = None,
) -> None:
    """Put a finished run's labels to a scorer and write its report again."""
    from autointerp.pipeline.adding import add_scorer, reopened
    from autointerp.pipeline.finding import find_run
    from flows.plain import finished

    folder = find_run(home, name)
    with progress() as show, reopened(folder, usd=usd, tokens=tokens, on_progress=show) as run:
        n_chunks = add_scorer(run, scorer, judge)
    outcome = finished(run, is_whole=True)
    answer({"added": scorer, "chunks": n_chunks, **outcome.as_dict()}, outcome.text(), as_json=as_json)
    if outcome.n_unfinished:
        msg = f"{outcome.n_unfinished} questions had no reply; the same command asks them again"
        raise Incomplete(msg)


def regrade_run(name: str, *, home: Path, as_json: bool) -> None:
    """Grade a finished run's stored predictions anew and write its report again."""
    from autointerp.pipeline.adding import regrade, reopened
    from autointerp.pipeline.finding import find_run
    from flows.plain import finished

    with progress() as show, reopened(find_run(home, name), on_progress=show) as run:
        n_scores, n_other = regrade(run)
    outcome = finished(run, is_whole=True)
    text = f"{n_scores} scores graded anew, {n_other} of them are other than before\n{outcome.text()}"
    answer({"regraded": n_scores, "changed": n_other, **outcome.as_dict()}, text, as_json=as_json)
