"""A run's dictionaries asked for concepts: which have a feature about each, on the pool of the harvest."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from autointerp.core.errors import ConfigError
from autointerp.metrics.concepts import (
    ABOUT,
    MIN_MENTIONS,
    TOP_FEATURES,
    draw_words,
    pattern_of,
    share_about,
    strongest_tiles,
    swapped_partners,
    tiles_with,
)
from autointerp.pipeline.pooled import PoolTokens, pool_activations, pool_tokens
from autointerp.pipeline.run import Run
from autointerp.store.parts import read_table, write_part
from autointerp.subject.contexts import TILE_TOKENS
from autointerp.subject.dictionaries import Dictionary, site_of


def survey_concepts(run_dir: Path, concepts: Sequence[str] = (), *, prompt: str, n_words: int) -> pd.DataFrame:
    """Return what each dictionary of a run has of the concepts: the table ``concepts``, which it writes.

    Reads the pool of the run's harvest and puts one prompt a concept to the subject. Where no concept is named,
    words of the text are drawn, as many of each doubling of frequency.

    Args:
        run_dir: The run.
        concepts: Words or phrases.
        prompt: With ``{concept}`` at its end.
        n_words: How many are drawn where none are named.

    Raises:
        ConfigError: The text is not harvested, a concept has no letter, there are fewer than two, or the prompt does
            not end with ``{concept}``.
    """
    run = Run.at(run_dir)
    template = _checked(prompt)
    tokens = pool_tokens(run.harvest_folder)
    texts = _texts(run)
    wanted = _distinct(concepts) or draw_words(texts, n=n_words, seed=run.config.seed)
    if len(wanted) < 2:
        msg = f"{len(wanted)} concepts: two are needed, one to hold against the other; name more, or read more text"
        raise ConfigError(msg)
    mentioned, counts = tiles_with(texts, wanted, tile=TILE_TOKENS)
    found = []
    for dictionary in run.dictionaries:
        top = _top_features(run, dictionary, [template.replace("{concept}", concept) for concept in wanted])
        rows = pd.DataFrame(_rows(run, dictionary, tokens, wanted, top, mentioned, counts))
        write_part(run_dir, "concepts", dictionary.name, rows)
        found.append(rows)
    return pd.concat(found, ignore_index=True)


def _checked(prompt: str) -> str:
    if not prompt.endswith("{concept}") or prompt.count("{concept}") != 1:
        msg = f"the prompt {prompt!r} has to end with {{concept}}, and to name it once: features are read at its end"
        raise ConfigError(msg)
    return prompt


def _distinct(concepts: Sequence[str]) -> list[str]:
    found = list(dict.fromkeys(" ".join(concept.split()) for concept in concepts))
    for concept in found:
        try:
            pattern_of(concept)
        except ValueError as error:
            raise ConfigError(str(error)) from None
    return found


def _texts(run: Run) -> list[tuple[str, ...]]:
    """Return the pool's contexts, in the order of their numbers, as strings of tokens."""
    rows = read_table(run.harvest_folder, "pool", columns=["context", "start", "token_ids"]).sort_values("context")
    places = zip(rows["token_ids"], rows["start"], strict=True)
    return [run.subject.display_tokens(list(map(int, ids)), start=int(start)) for ids, start in places]


# ---- one dictionary


def _rows(
    run: Run,
    dictionary: Dictionary,
    tokens: PoolTokens,
    concepts: Sequence[str],
    top: Sequence[list[int]],
    mentioned: NDArray[np.bool_],
    counts: NDArray[np.int64],
) -> Iterator[dict[str, Any]]:
    """Yield a row a concept, and one with the features of another concept; its partner is among the frequent ones."""
    activations = pool_activations(run.harvest_folder, dictionary.name, dictionary.n_features, tokens)
    tiles = _tile_of_token(tokens)
    n_alive = int((np.diff(activations.indptr) > 0).sum())
    strongest: dict[int, NDArray[np.int64]] = {}

    def share(feature: int, concept: int) -> float | None:
        if feature not in strongest:
            own = slice(activations.indptr[feature], activations.indptr[feature + 1])
            strongest[feature] = strongest_tiles(activations.data[own], tiles[activations.indices[own]])
        return share_about(strongest[feature], mentioned[concept])

    usual = np.flatnonzero(counts >= MIN_MENTIONS)
    partners = dict(zip(usual, usual[swapped_partners(counts[usual])], strict=True)) if len(usual) > 1 else {}
    for concept, name in enumerate(concepts):
        whose = [("none", concept)] + ([("swapped", int(partners[concept]))] if concept in partners else [])
        for control, source in whose:
            shares = {feature: known for feature in top[source] if (known := share(feature, concept)) is not None}
            best = max(shares, key=lambda feature: (shares[feature], -feature), default=None)
            is_found = best is not None and shares[best] >= ABOUT
            yield {
                "dictionary": dictionary.name,
                "concept": name,
                "control": control,
                "n_mentions": int(counts[concept]),
                "n_tokens": tokens.n,
                "n_alive": n_alive,
                "features": top[source],
                "best": best,
                "share": None if best is None else shares[best],
                "status": "too_rare" if counts[concept] < MIN_MENTIONS else "found" if is_found else "missed",
            }


def _top_features(run: Run, dictionary: Dictionary, prompts: Sequence[str]) -> list[list[int]]:
    """Return for each prompt the features strongest at its last token, strongest first, ties by index, none silent."""
    subject, site = run.subject, site_of(dictionary, run.config.site)

    def last_vectors() -> torch.Tensor:
        return torch.stack([subject.site_vectors([subject.token_ids(p)], site)[0, -1] for p in prompts])

    values = dictionary.encode(run.once(f"concepts at {site}", last_vectors)).float().cpu().numpy()
    order = np.argsort(-values, axis=1, kind="stable")[:, :TOP_FEATURES]
    return [[int(f) for f in best if row[f] > 0] for row, best in zip(values, order, strict=True)]


def _tile_of_token(tokens: PoolTokens) -> NDArray[np.int64]:
    """Return the tile of each token of the pool; tiles begin anew with each context."""
    lengths = np.diff(np.append(tokens.first, tokens.n))
    begun = np.concatenate([[0], np.cumsum(-(-lengths // TILE_TOKENS))[:-1]])
    place = np.arange(tokens.n) - np.repeat(tokens.first, lengths)
    found: NDArray[np.int64] = np.repeat(begun, lengths) + place // TILE_TOKENS
    return found
