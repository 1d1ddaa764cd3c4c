"""``autointerp retry``: the parts in which something failed that may go better are removed, to be made anew."""

from collections.abc import Sequence
from pathlib import Path

from autointerp.pipeline.driver import RETRIABLE
from autointerp.pipeline.finding import config_of
from autointerp.pipeline.scoring import shuffled_part
from autointerp.pipeline.status import finished_chunks
from autointerp.store.parts import has_part, part_path, read_part


def forget_failed(folder: Path) -> int:
    """Remove the parts of chunks in which something failed that may go better; return how many such failures.

    Replies already had are in the reply store: only what failed is asked again. A label that is
    written anew may stand in for any other of its dictionary, so all of its scores are made again.
    """
    chunks = finished_chunks(folder, config_of(folder))
    unlabelled = [chunk for chunk in chunks if _n_retriable(folder, "explain", chunk.name)]
    again = {chunk.dictionary for chunk in unlabelled}
    unscored = [c for c in chunks if c.dictionary in again or _n_retriable(folder, "score", c.name)]
    n_failed = sum(_n_retriable(folder, "explain", c.name) + _n_retriable(folder, "score", c.name) for c in chunks)
    n_failed += _forget_afresh(folder, [chunk.name for chunk in chunks])
    for chunk in unscored:
        # What was answered twice stands beside an answer that is no more.
        _remove(folder, ("scores", "predictions", "repeats"), chunk.name)
        _remove(folder, ("explanations",), shuffled_part(chunk.name))
    for chunk in unlabelled:
        _remove(folder, ("explanations",), chunk.name)
    # The failures go last, those of labels after all others: killed half-way, a second call finds them and goes on.
    for stage, failed in (("score", unscored), ("explain", unlabelled)):
        for chunk in failed:
            _remove(folder, ("failures",), f"{stage}-{chunk.name}")
    return n_failed


def _forget_afresh(folder: Path, chunks: Sequence[str]) -> int:
    """Remove what the judge was asked afresh where some of it failed; return how many such failures."""
    judge = config_of(folder).score.judge
    parts = [("anchors", judge), *(("repeats", chunk) for chunk in chunks)]
    failed = [(stage, part, n) for stage, part in parts if (n := _n_retriable(folder, stage, part))]
    for stage, part, _ in failed:
        _remove(folder, (stage,), part)
        _remove(folder, ("failures",), f"{stage}-{part}")
    return sum(n for _, _, n in failed)


def _n_retriable(folder: Path, stage: str, chunk: str) -> int:
    """Return how many failures of a part another attempt may mend; a refusal or an empty rule stays what it is."""
    name = f"{stage}-{chunk}"
    if not has_part(folder, "failures", name):
        return 0
    return int(read_part(folder, "failures", name)["reason"].isin(RETRIABLE).sum())


def _remove(folder: Path, tables: tuple[str, ...], chunk: str) -> None:
    for table in tables:
        part_path(folder, table, chunk).unlink(missing_ok=True)
