"""One run: its configuration, its folder, and what its stages share, loaded when first used."""

import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from autointerp.core.draws import content_key
from autointerp.core.errors import ConfigError
from autointerp.core.protocols import LLM
from autointerp.core.types import FeatureId, Prompt
from autointerp.explain.settings import ExplainSettings
from autointerp.llm.budget import Budget
from autointerp.pipeline.behind import Behind
from autointerp.pipeline.config import Config
from autointerp.pipeline.finding import config_of
from autointerp.pipeline.judges import family_of, open_judge
from autointerp.pipeline.ledger import spent_by
from autointerp.pipeline.shipped import DEMO_LADDER, demo_ladder_folder, load_prompts
from autointerp.pipeline.terms import Section
from autointerp.score.settings import ScoreSettings
from autointerp.store.manifest import let_go, take_lock

if TYPE_CHECKING:
    from autointerp.subject.dictionaries import Dictionary
    from autointerp.subject.encoder import Encoder
    from autointerp.subject.loading import Source
    from autointerp.subject.model import Subject

T = TypeVar("T")
OnProgress = Callable[[str, int, int, str], None]
"""Called with (stage, done, total, unit)."""

PACKAGES = ("autointerp", "torch", "transformers", "sae-lens", "prefect", "pandas", "pyarrow", "scikit-learn")


def ignore_progress(stage: str, done: int, total: int, unit: str) -> None:
    """Show nothing."""


@dataclass
class Run:
    """A configuration being carried out under *home*; everything heavy is loaded when first asked for."""

    config: Config
    home: Path
    directory: Path
    on_progress: OnProgress = ignore_progress
    timings: dict[str, float] = field(default_factory=dict)
    _made: dict[str, Any] = field(default_factory=dict, repr=False)
    _local: LLM | None = field(default=None, repr=False)
    _harvest_lock: int | None = field(default=None, repr=False)
    merges: Behind | None = field(default=None, repr=False)
    """Where merges of shards are done; None in a process that harvests shards for another one."""

    @classmethod
    def at(cls, directory: Path, on_progress: OnProgress = ignore_progress) -> "Run":
        """Return the run that stands in a folder, with the configuration it was made with."""
        return cls(config_of(directory), directory.absolute().parents[1], directory, on_progress)

    def once(self, name: str, make: Callable[[], T]) -> T:
        """Return what *make* gives, made when first asked for under this name."""
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]  # type: ignore[no-any-return]

    @cached_property
    def prompts(self) -> dict[str, Prompt]:
        return load_prompts()

    @cached_property
    def subject(self) -> "Subject":
        from autointerp.subject.shuffled import load_subject

        config = self.config
        return load_subject(
            config.subject, dtype=config.dtype, device=config.device, is_shuffled=config.shuffle_weights
        )

    @cached_property
    def dictionary_sources(self) -> "list[Source]":
        """The dictionaries' folders, files and names of sae-lens's registry, a ladder's taken apart."""
        return [source for name in self.config.dictionaries for source in find_dictionaries(name)]

    @cached_property
    def dictionaries(self) -> "list[Dictionary]":
        """The dictionaries, each of another name, checked against the subject; the baselines last."""
        from autointerp.pipeline.baselines import load_baselines
        from autointerp.subject.harvest import check_fit
        from autointerp.subject.loading import load_dictionary
        from autointerp.subject.shuffled import check_shuffled

        config, sources = self.config, self.dictionary_sources
        loaded = [load_dictionary(source, device=config.device, dtype=config.dtype) for source in sources]
        check_fit(self.subject, loaded, default=config.site)
        check_shuffled(loaded, is_shuffled=config.shuffle_weights)
        baselines = load_baselines(self, loaded) if config.baselines else []
        # Neurons stand beside what reads the stream: not at the site that is configured.
        check_fit(self.subject, baselines)
        found: list[Dictionary] = [*loaded, *baselines]
        _check_distinct([d.name for d in found], [*sources, *(b.family for b in config.baselines)])
        _check_named(config.features.only, {d.name: d.n_features for d in found})
        return found

    @property
    def n_dictionaries(self) -> int:
        """How many there are, known before any is loaded."""
        return len(self.dictionary_sources) + len(self.config.baselines)

    @cached_property
    def corpus_contents(self) -> dict[str, str]:
        """What decides the text of each source: hashes of files, versions of packages."""
        from autointerp.subject.contents import corpus_contents

        return corpus_contents(self.config.sources)

    @cached_property
    def harvest_folder(self) -> Path:
        """Where the harvest stands: shared by all runs that read the same text with the same dictionaries."""
        config = self.config
        parts = (
            config.subject,
            config.site,
            config.dtype,
            tuple(self.corpus_contents.items()),
            config.seed,
            config.harvest.model_dump_json(),
        )
        weights = tuple(d.sha256 for d in self.dictionaries)
        return self.home / "cache" / "harvests" / content_key(*parts, weights, self.subject.sha256)

    def judge(self, name: str) -> LLM:
        """Return the model behind *name*, its replies kept once for all runs.

        Opened once for all chunks: a server's pace is kept, and a model in this process is loaded once and let
        go when another is asked for.
        """
        if not name.startswith("local:"):
            return self.once(f"judge {name}", lambda: open_judge(name, self))
        if self._local is None or self._local.name != name:
            self._local = None
            self._local = open_judge(name, self)
        return self._local

    @cached_property
    def budget(self) -> Budget:
        """One ceiling for all models of the run; what earlier attempts spent counts."""
        ceiling = self.config.budget
        return Budget(usd=ceiling.usd, tokens=ceiling.tokens, spent=spent_by(self.directory))

    def lock_harvest(self) -> None:
        """Keep other runs from writing this harvest, which they share, until ``unlock_harvest`` or the end."""
        if self._harvest_lock is None:
            self._harvest_lock = take_lock(self.harvest_folder)
            self.merges = Behind()

    def unlock_harvest(self) -> None:
        if self.merges is not None:
            self.merges.close()
            self.merges = None
        if self._harvest_lock is not None:
            let_go(self.harvest_folder, self._harvest_lock)
            self._harvest_lock = None

    def close(self) -> None:
        """Let go of the models: their stores, and the notes of calls under way."""
        self.unlock_harvest()
        models = [model for name, model in self._made.items() if name.startswith("judge ")]
        for model in [*models, self._local]:
            if close := getattr(model, "close", None):
                close()

    @cached_property
    def encoder(self) -> "Encoder":
        from autointerp.subject.encoder import Encoder

        return Encoder.load(self.config.score.encoder)

    @cached_property
    def explain_settings(self) -> ExplainSettings:
        section = self.config.explain
        return ExplainSettings(**_shared(section, ExplainSettings), seed=self.config.seed)

    @cached_property
    def score_settings(self) -> ScoreSettings:
        section = self.config.score
        return ScoreSettings(
            **_shared(section, ScoreSettings),
            min_available=self.config.features.min_held_out,
            n_expected=self.config.evidence.n_held_out,
            seed=self.config.seed,
        )

    @property
    def is_same_family(self) -> bool:
        """Whether explainer and judge come from one model family."""
        return family_of(self.config.explain.model) == family_of(self.config.score.judge)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the seconds spent within to the manifest's timings."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.timings[stage] = self.timings.get(stage, 0.0) + time.monotonic() - start

    def manifest(self) -> dict[str, Any]:
        """Return what decides and describes this run, as plain values."""
        config = self.config
        return {
            "name": config.name,
            "key": config.key,
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "command": shlex.join(["autointerp", *sys.argv[1:]]),
            "config": config.model_dump(mode="json"),
            "seed": config.seed,
            "subject": config.subject,
            "explainer": config.explain.model,
            "judge": config.score.judge,
            "same_family": self.is_same_family,
            "corpus_contents": self.corpus_contents,
            "prompts": {name: prompt.version for name, prompt in sorted(self.prompts.items())},
            "versions": {name: _version(name) for name in PACKAGES} | {"python": platform.python_version()},
            "git_commit": _git_commit(),
        }


def _shared(section: Section, settings: type) -> dict[str, Any]:
    """Return what a table of the configuration says of the settings that have the same names."""
    return {f.name: getattr(section, f.name) for f in fields(settings) if f.name in type(section).model_fields}


def count_dictionaries(config: Config) -> int:
    """Return how many dictionaries a configuration names, baselines among them."""
    return sum(len(find_dictionaries(name)) for name in config.dictionaries) + len(config.baselines)


def _check_distinct(names: Sequence[str], sources: "Sequence[Source]") -> None:
    """Raise ConfigError where two dictionaries have one name: what is found of them could not be told apart."""
    first: dict[str, Source] = {}
    for name, source in zip(names, sources, strict=True):
        if name in first:
            msg = (
                f"dictionaries: {first[name]} and {source} are both called {name}; name one of them, give a baseline "
                "another `name`, rename a folder, or change the `name` in the metadata of its cfg.json"
            )
            raise ConfigError(msg)
        first[name] = source


def _check_named(names: Sequence[str], widths: Mapping[str, int]) -> None:
    """Raise ConfigError for a feature that no dictionary has."""
    for feature in map(FeatureId.parse, names):
        if not feature.index < widths.get(feature.dictionary, 0):
            there = ", ".join(f"{name}#0 .. #{width - 1}" for name, width in widths.items())
            msg = f"features.only: there is no feature {feature}; there are {there}"
            raise ConfigError(msg)


def config_key(run: Run) -> str:
    """Return the hash of what must not change within a run's folder: settings, prompt words and text."""
    prompts = sorted((n, p.version) for n, p in run.prompts.items())
    return content_key(run.config.decisive, *prompts, *run.corpus_contents.items())


def find_dictionaries(name: str) -> "list[Source]":
    """Return the dictionaries behind a configured name: the demo ladder's, or what ``find_sources`` finds."""
    from autointerp.subject.loading import find_sources

    return find_sources(str(demo_ladder_folder()) if name == DEMO_LADDER else name)


def run_directory(home: Path, config: Config) -> Path:
    """Return ``home/runs/<name>-<key>``."""
    return home / "runs" / f"{config.name}-{config.key}"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _git_commit() -> str:
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return ""
    found = subprocess.run(["git", "-C", str(folder), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip()
