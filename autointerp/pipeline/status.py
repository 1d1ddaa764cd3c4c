"""How far a run is: chunks done of how many, stage by stage, from the parts that stand there."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autointerp.pipeline.chunks import Chunk, chunks_of
from autointerp.pipeline.config import Config
from autointerp.pipeline.finding import config_of
from autointerp.pipeline.run import count_dictionaries
from autointerp.store.manifest import read_manifest
from autointerp.store.parts import has_part, read_table


@dataclass(frozen=True)
class RunState:
    """How far a run is. ``done`` and ``total`` count chunks a stage.

    Until its evidence stands a dictionary counts with as many chunks of features as it has at most.
    """

    run: str
    created: str
    done: dict[str, int]
    total: dict[str, int]
    n_dictionaries: int
    is_complete: bool
    has_report: bool
    n_failures: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def line(self) -> str:
        state = "complete" if self.is_complete else "incomplete"
        return f"{self.run}  {self.created}  {state}  {self.n_failures} failures"

    def text(self) -> str:
        lines = [self.line()]
        lines += [f"  {stage:10} {n} of {self.total[stage]} chunks done" for stage, n in self.done.items()]
        if not self.is_complete:
            lines.append("  go on with the command that began it; finished parts are kept")
        return "\n".join(lines)


def status_of_run(folder: Path) -> RunState:
    """Return how far the run in *folder* is."""
    manifest = read_manifest(folder)
    config = config_of(folder)
    n = count_dictionaries(config)
    chunks = finished_chunks(folder, config)
    n_sampled = len({chunk.dictionary for chunk in chunks})
    n_chunks = len(chunks) + (n - n_sampled) * _most_chunks(config)
    done = {
        "evidence": n_sampled,
        "certify": int(has_part(folder, "certificates", config.score.judge)),
        "explain": sum(has_part(folder, "explanations", chunk.name) for chunk in chunks),
        "score": sum(has_part(folder, "scores", chunk.name) for chunk in chunks),
    }
    return RunState(
        run=folder.name,
        created=str(manifest.get("created", "")),
        done=done,
        total={"evidence": n, "certify": int(config.certify.n_features > 0), "explain": n_chunks, "score": n_chunks},
        n_dictionaries=n,
        is_complete=n_sampled == n and done["score"] == n_chunks,
        has_report=(folder / "report.html").exists(),
        n_failures=len(read_table(folder, "failures", columns=["reason"])),
    )


def finished_chunks(folder: Path, config: Config) -> list[Chunk]:
    """Return the chunks of features of the dictionaries whose evidence is finished."""
    names = [str(name) for name in read_table(folder, "dictionaries", columns=["dictionary"])["dictionary"]]
    sampled = [name for name in names if has_part(folder, "features", name)]
    return [chunk for name in sampled for chunk in chunks_of(folder, name, size=config.features.chunk)]


def _most_chunks(config: Config) -> int:
    """Return how many chunks a dictionary has at most."""
    features = config.features
    n = len(set(features.only)) if features.only else features.n_per_dictionary
    return -(-n // features.chunk)
