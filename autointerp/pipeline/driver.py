"""What the command line asks of the pipeline: open a run, find one, say how far it is."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autointerp.core.errors import ConfigError
from autointerp.pipeline.config import Config, parse_config, read_toml
from autointerp.pipeline.judges import check_model_names
from autointerp.pipeline.order import STAGES
from autointerp.pipeline.run import OnProgress, Run, config_key, find_dictionaries, ignore_progress, run_directory
from autointerp.pipeline.shipped import shipped
from autointerp.store.manifest import open_run, read_manifest, write_manifest
from autointerp.store.parts import has_part, part_path, part_paths, read_part, read_table

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


@contextmanager
def opened(config: Config, *, home: Path, on_progress: OnProgress = ignore_progress) -> Iterator[Run]:
    """Yield the run of a configuration, locked for this process, its manifest written.

    Everything that can be wrong with the configuration is found before anything is written.
    """
    run = Run(config, home, run_directory(home, config), on_progress)
    for name in config.dictionaries:
        find_dictionaries(name)
    check_model_names([config.score.judge, config.explain.model])
    with open_run(run.directory, config_key(run), run.manifest()):
        yield run
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


# ---- finding runs


def list_runs(home: Path) -> list[Path]:
    """Return the folders of all runs, the newest first."""
    found = [p.parent for p in (home / "runs").glob("*/manifest.json")]
    return sorted(found, key=lambda p: (p / "manifest.json").stat().st_mtime, reverse=True)


def find_run(home: Path, name: str) -> Path:
    """Return the run of a folder, a name or name-key; the newest if *name* is empty. Raises ConfigError."""
    if name and (Path(name) / "manifest.json").exists():
        return Path(name)
    runs = list_runs(home)
    matching = [p for p in runs if not name or p.name == name or p.name.rpartition("-")[0] == name]
    if not matching:
        known = ", ".join(p.name for p in runs[:5]) or "none yet; make one with `autointerp demo`"
        msg = f"no run {name!r} under {home}; runs: {known}"
        raise ConfigError(msg)
    return matching[0]


def config_of(folder: Path) -> Config:
    """Return the configuration a run was made with."""
    return parse_config(read_manifest(folder)["config"], source=str(folder / "manifest.json"))


@dataclass(frozen=True)
class RunState:
    """How far a run is: parts written a stage of how many dictionaries."""

    run: str
    created: str
    done: dict[str, int]
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
        lines += [f"  {stage:10} {n}" + (f" of {self.n_dictionaries}" if n else "") for stage, n in self.done.items()]
        if not self.is_complete:
            lines.append("  go on with the command that began it; finished parts are kept")
        return "\n".join(lines)


TABLE_OF = {"evidence": "features", "certify": "certificates", "explain": "explanations", "score": "scores"}


def status_of_run(folder: Path) -> RunState:
    """Return how far the run in *folder* is, from the parts that stand there."""
    manifest = read_manifest(folder)
    config = config_of(folder)
    n = sum(len(find_dictionaries(name)) for name in config.dictionaries)
    done = {s.name: len(_own_parts(folder, TABLE_OF[s.name])) for s in STAGES if s.name in TABLE_OF}
    return RunState(
        run=folder.name,
        created=str(manifest.get("created", "")),
        done=done,
        n_dictionaries=n,
        is_complete=done["score"] >= n,
        has_report=(folder / "report.html").exists(),
        n_failures=len(read_table(folder, "failures")),
    )


def _own_parts(folder: Path, table: str) -> list[Path]:
    """Return a table's parts of chunks, without those of control labels."""
    return [p for p in part_paths(folder, table) if "-shuffled" not in p.stem]


FORGOTTEN = {"explain": ("scores", "predictions", "explanations"), "score": ("scores", "predictions")}
"""What is done again by the stage in which something failed."""


def forget_failed(folder: Path) -> int:
    """Remove the parts of chunks in which something failed that may go better; return how many such failures.

    Replies already had are in the reply store: only what failed is asked again.
    """
    n_failed = 0
    for dictionary in read_table(folder, "dictionaries")["dictionary"]:
        for stage, tables in FORGOTTEN.items():
            chunk = f"{stage}-{dictionary}"
            n = _n_retriable(folder, chunk) if has_part(folder, "failures", chunk) else 0
            if not n:
                continue
            n_failed += n
            # The failures go last: killed half-way, a second call finds them and goes on.
            doomed = [part_path(folder, table, dictionary) for table in tables]
            for path in [
                *doomed,
                part_path(folder, "explanations", f"{dictionary}-shuffled"),
                part_path(folder, "failures", chunk),
            ]:
                path.unlink(missing_ok=True)
    return n_failed


def _n_retriable(folder: Path, chunk: str) -> int:
    """Return how many failures of a part another attempt may mend; a refusal or an empty rule stays what it is."""
    return int(read_part(folder, "failures", chunk)["reason"].isin(RETRIABLE).sum())


# ---- plan and certify


@dataclass(frozen=True)
class Plan:
    """What a run would ask: calls and rough tokens by stage, before anything is spent."""

    calls: dict[str, int]
    tokens: dict[str, int]
    harvest_tokens: int
    dictionaries: list[str]
    note: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def text(self) -> str:
        n = len(self.dictionaries)
        lines = [f"harvest      {self.harvest_tokens:>12,} tokens of text, one pass for {n} dictionaries"]
        lines += [f"{s:12} {n:>12,} questions, about {self.tokens[s]:,} tokens" for s, n in self.calls.items()]
        return "\n".join([*lines, self.note])


TOKENS_A_CALL = {"explain": 700, "simulation": 700, "detection": 220}


def plan_run(config: Config) -> Plan:
    """Return upper bounds: every drawn feature explained and scored, nothing cached. Dictionaries must exist."""
    folders = [f for name in config.dictionaries for f in find_dictionaries(name)]
    n = config.features.n_per_dictionary * len(folders)
    score, certify = config.score, config.certify
    n_labels = len(config.explain.explainers) + score.n_shuffled + score.n_blank
    ev = config.evidence
    n_detection = ev.held_out_top + ev.held_out_firing + ev.held_out_random + ev.held_out_silent
    per_label = {"simulation": score.n_top + score.n_random, "detection": n_detection}
    calls = {"explain": n * sum(name != "lexical" for name in config.explain.explainers)}
    calls["certify"] = certify.n_features * 4 * sum(certify.n_items for _ in score.scorers)
    calls |= {name: n * n_labels * per_label[name] for name in score.scorers}
    tokens = {stage: count * TOKENS_A_CALL.get(stage, 400) for stage, count in calls.items()}
    note = "upper bounds; a local model bills nothing, and no price is assumed for others. Nothing was asked."
    return Plan(calls, tokens, config.harvest.n_tokens, [f"{f.parent.name}/{f.name}" for f in folders], note)


@dataclass(frozen=True)
class Certified:
    """A judge's certificates."""

    judge: str
    certificates: tuple[Any, ...]

    @property
    def is_certified(self) -> bool:
        return bool(self.certificates) and all(c.certified for c in self.certificates)

    def as_dict(self) -> dict[str, Any]:
        return {
            "judge": self.judge,
            "scorers": [asdict(c) for c in self.certificates],
            "certified": self.is_certified,
        }

    def text(self) -> str:
        lines = []
        for c in self.certificates:
            tau = "tau undefined" if c.tau is None else f"tau {c.tau:.2f} [{c.tau_low:.2f}, {c.tau_high:.2f}]"
            auroc = (
                "AUROC undefined" if c.auroc is None else f"AUROC {c.auroc:.2f} [{c.auroc_low:.2f}, {c.auroc_high:.2f}]"
            )
            verdict = "certified" if c.certified else f"not certified: {c.reason}"
            lines.append(f"{c.scorer} {c.metric}: {tau} · {auroc} · {c.n_read}/{c.n_asked} read · {verdict}")
        return "\n".join([f"judge {self.judge}", *lines])


def certify_one(config: Config, judge: str, *, home: Path, on_progress: OnProgress) -> Certified:
    """Certify a judge on the harvest of a configuration, harvesting first if need be."""
    from autointerp.pipeline.certifying import certify_judge
    from autointerp.pipeline.order import stages_up_to

    with opened(config, home=home, on_progress=on_progress) as run:
        for stage in stages_up_to("harvest"):
            for chunk in stage.chunks(run):
                stage.do(run, chunk)
            if stage.finish:
                stage.finish(run)
        return Certified(judge, certify_judge(run, judge, stage="certify"))
