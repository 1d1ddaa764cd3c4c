"""A configuration read, its run opened and closed, and what it came to."""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autointerp.core.errors import BudgetReached, ConfigError
from autointerp.pipeline.config import Config, parse_config, read_toml
from autointerp.pipeline.judges import check_model_names
from autointerp.pipeline.run import OnProgress, Run, config_key, find_dictionaries, ignore_progress, run_directory
from autointerp.pipeline.shipped import shipped
from autointerp.store.manifest import open_run, read_manifest, write_manifest
from autointerp.store.parts import read_table

EXAMPLE = "demo.toml"


def load_config(path: Path | None, *, name: str = "") -> Config:
    """Return the checked configuration of a file, or the demo's. Raises ConfigError."""
    source = path or shipped("prompts").parent / EXAMPLE
    content = read_toml(path) if path else read_toml(example_path())
    return parse_config(content | ({"name": name} if name else {}), source=str(source))


def example_path() -> Path:
    """Return the demo's configuration file."""
    return shipped("zoo").parent / EXAMPLE


def write_example(path: Path) -> None:
    """Write the demo's configuration as a start. Raises ConfigError when the file exists."""
    if path.exists():
        msg = f"{path} exists; name another file or remove it"
        raise ConfigError(msg)
    shutil.copyfile(example_path(), path)


def check_encoder(name: str) -> None:
    """Raise EnvironmentProblem or ConfigError for an encoder that is not there; loads nothing."""
    from autointerp.subject.encoder import find_encoder

    find_encoder(name)


@contextmanager
def opened(config: Config, *, home: Path, on_progress: OnProgress = ignore_progress) -> Iterator[Run]:
    """Yield the run of a configuration, locked for this process, its manifest written.

    Everything that can be wrong with the configuration is found before anything is written.
    """
    run = Run(config, home, run_directory(home, config), on_progress)
    for name in config.dictionaries:
        find_dictionaries(name)
    check_model_names(filter(None, [config.score.judge, config.explain.model, config.score.writer]))
    if "embedding" in config.score.scorers:
        check_encoder(config.score.encoder)
    with open_run(run.directory, config_key(run), run.manifest()), closing(run):
        try:
            yield run
        except (KeyboardInterrupt, SystemExit, BudgetReached):
            _note_progress(run)
            raise
        _note_progress(run)


def _note_progress(run: Run) -> None:
    """Add to the manifest the time spent and what the harvest came to."""
    stored = read_manifest(run.directory)
    spent = stored.get("timings", {})
    added = {stage: round(spent.get(stage, 0.0) + seconds, 1) for stage, seconds in run.timings.items()}
    write_manifest(run.directory, stored | {"timings": spent | added} | _harvest_facts(run))


def _harvest_facts(run: Run) -> dict[str, Any]:
    """Return what the finished harvest says of its text; nothing before."""
    if "harvest_folder" not in vars(run) or not (run.harvest_folder / "manifest.json").exists():
        return {}
    facts = read_manifest(run.harvest_folder)
    corpus = {"name": ", ".join(run.config.corpus), "n_documents": facts["n_documents"], "n_tokens": facts["n_tokens"]}
    return {"harvest": facts, "corpus": corpus, "dictionaries": facts["dictionaries"]}


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    run: Path
    report: Path | None
    n_scores: int
    n_unscored: int
    n_failures: int
    n_unfinished: int
    seconds: float
    verdict: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {key: str(value) if isinstance(value, Path) else value for key, value in asdict(self).items()}

    def text(self) -> str:
        lines = [self.verdict] if self.verdict else []
        lines.append(f"{self.n_scores} scores · {self.n_unscored} unscored, with reasons · {self.n_failures} failures")
        lines.append(f"run    {self.run}")
        if self.report:
            lines.append(f"report {self.report}")
        return "\n".join(lines)


RETRIABLE = ("provider_error", "timeout", "cancelled", "budget_stopped")


def outcome_of(run: Run, *, report: Path | None, verdict: str = "") -> Outcome:
    """Return the counts of a run's tables."""
    scores, failures = read_table(run.directory, "scores"), read_table(run.directory, "failures")
    n_scored = int(scores["value"].notna().sum())
    return Outcome(
        run=run.directory,
        report=report,
        n_scores=n_scored,
        n_unscored=len(scores) - n_scored,
        n_failures=len(failures),
        n_unfinished=int(failures["reason"].isin(RETRIABLE).sum()),
        seconds=round(sum(run.timings.values()), 1),
        verdict=verdict,
    )
