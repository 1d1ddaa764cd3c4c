"""Baselines of a run: fitted once on text that is then no evidence, kept under ``cache/baselines``, loaded."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor

from autointerp.core.draws import content_key, draw_key
from autointerp.core.errors import ConfigError, CorpusError
from autointerp.pipeline.run import Run
from autointerp.pipeline.sections import BaselineSection
from autointerp.store.places import cache_of
from autointerp.subject.baselines import Baseline, Directions, load_baseline, save_baseline
from autointerp.subject.contexts import massive_norm
from autointerp.subject.corpus import distinct, list_corpus, list_jsonl, read_labels
from autointerp.subject.dictionaries import Dictionary, site_of
from autointerp.subject.directions import FOUND, neurons, probes
from autointerp.subject.documents import Listed, name_fingerprint
from autointerp.subject.fitting import (
    FittingSite,
    FittingText,
    median_density,
    read_for_fitting,
    text_means,
    thresholds_at,
    token_vectors,
)
from autointerp.subject.model import Site
from autointerp.subject.neurons import written_by_neurons

T = TypeVar("T")

VERSION = 1
"""Of how baselines are fitted: another one fits them again."""

FRACTION_FITTED = 0.2
"""Share of the corpus's documents that may be fitted on, beside those that trained the run's dictionaries."""

N_FOR_NORM = 32
MIN_VECTORS = 1000
LABELLED_TOKENS = 512
"""Tokens read of a labelled text, at most."""


def load_baselines(run: Run, dictionaries: Sequence[Dictionary]) -> list[Baseline]:
    """Return the configured baselines, fitted where they do not stand yet.

    Args:
        run: The run.
        dictionaries: Its other dictionaries: their median density is the default, their rule for tokens of
            massive norm holds here too, and what trained them is fitted on first, for it is no evidence anyway.
    """
    source = Source(run, tuple(dictionaries), site_beside(run, dictionaries))
    places = [place_of(run, section, dictionaries, source.site) for section in run.config.baselines]
    for section, place in zip(run.config.baselines, places, strict=True):
        if not place.exists():
            keep(source.fit(section, place), source.fingerprints(section))
    return [load_baseline(place, device=run.config.device) for place in places]


def site_beside(run: Run, dictionaries: Sequence[Dictionary]) -> Site:
    """Return the site of the baselines: the configured one, else where all the dictionaries read."""
    named = run.config.site
    sites = {Site.parse(named)} if named else {site_of(d, "") for d in dictionaries}
    if len(sites) != 1:
        there = ", ".join(sorted(map(str, sites))) or "none are named"
        msg = f"baselines: beside which dictionaries? They read at several sites, or at none ({there}); set `site`"
        raise ConfigError(msg)
    return sites.pop()


def place_of(run: Run, section: BaselineSection, dictionaries: Sequence[Dictionary], site: Site) -> Path:
    """Return the folder of a baseline, named by all that decides it."""
    config = run.config
    parts = (config.subject, run.subject.sha256, str(site), config.dtype, config.seed)
    text = (config.corpus, tuple(run.corpus_contents.items()), config.harvest.max_tokens_per_document)
    others = tuple((d.name, d.sha256) for d in dictionaries)
    key = content_key(VERSION, section.model_dump_json(), *parts, *text, FRACTION_FITTED, others)
    return cache_of(run.home) / "baselines" / key / "fitted"


def keep(baseline: Baseline, fingerprints: frozenset[str]) -> None:
    """Write the baseline and what it was fitted on, whole or not at all; one that stands by now is left as it is."""
    kept = baseline.folder.parent
    making = kept.with_name(f"{kept.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    save_baseline(replace(baseline, folder=making / baseline.folder.name))
    (making / "trained_documents.txt").write_text("\n".join(sorted(fingerprints)) + "\n", "ascii")
    if not kept.exists():
        making.rename(kept)


@dataclass
class Source:
    """What the baselines of one run are fitted on, read when first asked for and let go with this object."""

    run: Run
    dictionaries: tuple[Dictionary, ...]
    site: Site
    _made: dict[tuple[object, ...], Any] = field(default_factory=dict)

    def fit(self, section: BaselineSection, place: Path) -> Baseline:
        """Return the baseline, to be kept at *place*."""
        site, is_inside = self.site, section.kind == "neurons"
        vectors = self.vectors(section, of_neurons=is_inside)
        mean = vectors.mean(dim=0)
        centred = vectors - mean
        parts, known = self._directions(section, centred)
        wanted = section.density or self._median_density(section)
        thresholds, reached = thresholds_at(parts, centred, wanted)
        return Baseline(
            name=f"{section.family}/{2 * len(parts)}",
            kind=section.kind,
            site=f"neurons.{site.layer}" if is_inside else str(site),
            output_site=f"mlp.{site.layer}" if is_inside else str(site),
            max_norm=None if is_inside else self._reader(section).max_norm,
            mean=mean,
            parts=parts,
            thresholds=thresholds,
            evaluation=known | density_facts(wanted, reached, n_vectors=len(vectors)),
            folder=place,
        )

    @property
    def _at_site(self) -> list[Dictionary]:
        """The dictionaries that read what the baselines are set beside."""
        return [d for d in self.dictionaries if not d.site or Site.parse(d.site) == self.site]

    def fingerprints(self, section: BaselineSection) -> frozenset[str]:
        """Return those of every document that had a part in the baseline."""
        labelled = self._labelled(section) if section.sources else ()
        return self._text(section).fingerprints.union(*(text.fingerprints for text in labelled))

    def vectors(self, section: BaselineSection, *, of_neurons: bool = False) -> Tensor:
        """Return the kept tokens' vectors [n, d]. Raises CorpusError when there is too little text."""

        def make() -> Tensor:
            show = self.run.on_progress
            found = token_vectors(
                self.run.subject,
                self._reader(section, of_neurons=of_neurons),
                self._text(section).contexts,
                lambda done, total: show("baselines", done, total, "tokens"),
            )
            if len(found) < MIN_VECTORS:
                msg = (
                    f"baseline {section.kind}: only {len(found)} tokens of text may be fitted on, {MIN_VECTORS} "
                    f"needed: {FRACTION_FITTED:.0%} of the documents, and what trained the dictionaries; name more text"
                )
                raise CorpusError(msg)
            return found

        return self._once(("vectors", section.n_tokens, of_neurons), make)

    def _text(self, section: BaselineSection) -> FittingText:
        trained = frozenset[str]().union(*(d.trained for d in self.dictionaries))
        config, n = self.run.config, section.n_tokens

        def make() -> FittingText:
            documents = distinct(fitting_documents(config.corpus, trained, seed=config.seed))
            per_document = config.harvest.max_tokens_per_document
            return read_for_fitting(self.run.subject, documents, n_tokens=n, per_document=per_document)

        return self._once(("text", n), make)

    def _reader(self, section: BaselineSection, *, of_neurons: bool = False) -> FittingSite:
        """Return where vectors are taken; tokens of massive norm by the dictionaries' rule, or by a harvest's."""
        own = [d.max_norm for d in self._at_site if d.max_norm is not None]
        contexts = self._text(section).contexts[:N_FOR_NORM]
        if not own and not contexts:
            msg = f"baseline {section.kind}: no text to fit on under `corpus`; name more text"
            raise CorpusError(msg)
        site = self.site
        limit = min(own) if own else self._once(("norm",), lambda: massive_norm(self.run.subject, site, contexts))
        return FittingSite(site, limit, of_neurons)

    def _directions(self, section: BaselineSection, centred: Tensor) -> tuple[Directions, dict[str, Any]]:
        """Return the directions, and what is known of how they were found."""
        n, seed = section.n_directions or centred.shape[1], self.run.config.seed
        if section.kind == "probe":
            reader = self._reader(section)
            positive, negative = (text_means(self.run.subject, reader, t.contexts) for t in self._labelled(section))
            return probes(positive, negative), {"n_positive": len(positive), "n_negative": len(negative)}
        if section.kind != "random" and n > centred.shape[1]:
            msg = f"baseline {section.kind}: the vectors have {centred.shape[1]} components; set n_directions to less"
            raise ConfigError(msg)
        if section.kind == "neurons":
            return neurons(written_by_neurons(self.run.subject, self.site.layer), n, seed), {}
        return FOUND[section.kind](centred, n, seed), {}

    def _median_density(self, section: BaselineSection) -> float:
        def make() -> float | None:
            return median_density(self._at_site, self.vectors(section), device=self.run.subject.device)

        found = self._once(("density", section.n_tokens), make)
        if found is None:
            msg = f"baseline {section.kind}: no dictionary at its site fires on the text it is fitted on; set `density`"
            raise ConfigError(msg)
        return found

    def _labelled(self, section: BaselineSection) -> tuple[FittingText, FittingText]:
        """Return the texts that have what a probe looks for, and those that do not."""

        def read(documents: list[Listed]) -> FittingText:
            chosen = sorted(documents, key=lambda d: draw_key(self.run.config.seed, "labelled", d.doc))
            n = section.n_labelled
            opened = (document.open() for document in chosen[:n])
            return read_for_fitting(
                self.run.subject, opened, n_tokens=n * LABELLED_TOKENS, per_document=LABELLED_TOKENS
            )

        positive, negative = labelled_documents(section)
        return self._once(("labelled", section.sources), lambda: (read(positive), read(negative)))

    def _once(self, key: tuple[object, ...], make: Callable[[], T]) -> T:
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]  # type: ignore[no-any-return]


def fitting_documents(corpus: Sequence[str], trained: frozenset[str], *, seed: int) -> Iterator[Listed]:
    """Yield what may be fitted on: what trained the dictionaries, then a keyed share of the rest.

    A harvest leaves out what trained a dictionary, so the first cost no evidence. Either part is in an order
    of its own, not in the harvest's: its first documents are its evidence.
    """
    rest: list[tuple[int, Listed]] = []
    known: list[tuple[int, Listed]] = []
    for listed in list_corpus(corpus):
        key = draw_key(seed, "fitted", listed.doc)
        if name_fingerprint(listed.doc) in trained:
            known.append((key, listed))
        elif key < FRACTION_FITTED * 2**64:
            rest.append((key, listed))
    for part in (known, rest):
        yield from (listed for _, listed in sorted(part, key=lambda pair: pair[0]))


def labelled_documents(section: BaselineSection) -> tuple[list[Listed], list[Listed]]:
    """Return (positive, negative) documents. Raises CorpusError for a label that is none."""
    if not section.labelled:
        return list(list_corpus(section.positive)), list(list_corpus(section.negative))
    labels = read_labels(Path(section.labelled).expanduser())
    listed = list(list_jsonl(section.labelled))
    return [d for d in listed if labels[d.doc]], [d for d in listed if not labels[d.doc]]


def density_facts(wanted: float, reached: Tensor, *, n_vectors: int) -> dict[str, Any]:
    """Return what a baseline's evaluation says of its densities [n_features], on the text it was fitted on."""
    return {
        "measured_on": "the text it was fitted on",
        "l0": float(reached.double().sum()),
        "n_alive": int((reached > 0).sum()),
        "tokens_seen": n_vectors,
        "density_wanted": wanted,
        "density_reached": float(reached.median()),
        "density_reached_least": float(reached.min()),
        "density_reached_most": float(reached.max()),
    }
