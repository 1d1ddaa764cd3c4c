"""Text to windows by delphi, as its users drive it: ``LatentCache``, its files, ``LatentDataset``."""

import importlib.util
import logging
import sys
import types
from pathlib import Path
from typing import Any

from sides.text import N_WINDOWS, TILE, Clock, Figures, bytes_of, contexts_of, summary, warm_up

BATCH = 32
"""Contexts a batch: delphi's default."""
SPLITS = (1, 5)
"""Files a cache is written to; five is delphi's default."""
ABSENT = {"faiss": (), "sentence_transformers": ("SentenceTransformer",), "blobfile": ("BlobFile",)}
"""Packages that delphi imports beside what is used here, and the names it asks of them."""
BENCHMARKS = Path(__file__).resolve().parents[1]


def import_delphi(place: str) -> Any:
    """Return the package. Raises ImportError."""
    # ``delphi.py`` beside this folder is called as the package is.
    sys.path[:] = [own for own in sys.path if Path(own).resolve() != BENCHMARKS] + [place]
    for name in (name for name in ABSENT if importlib.util.find_spec(name) is None):
        sys.modules[name] = types.ModuleType(name)
        vars(sys.modules[name]).update({attribute: type(attribute, (), {}) for attribute in ABSENT[name]})
    import delphi.config
    import delphi.latents

    logging.getLogger("delphi").setLevel(logging.ERROR)
    return delphi


def model_with_bos(subject: Any, clock: Clock) -> Any:
    """Return the model without its head, as delphi calls it; it reads what ours reads, a BOS token first."""
    import torch

    class WithBos(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = getattr(subject.model, subject.model.base_model_prefix)
            self.device = subject.device

        def forward(self, ids: Any) -> None:
            head = ids.new_full((len(ids), 1), subject.bos)
            with clock.of("forward"):
                self.inner(input_ids=torch.cat([head, ids], dim=1), use_cache=False)

    return WithBos()


class TokenIds:
    """A tokenizer that leaves token ids what they are: delphi makes text of every window it samples."""

    def batch_decode(self, ids: Any) -> list[int]:
        return list(ids.tolist())


def measure_delphi(run: Any, folder: Path, place: str) -> Figures:
    """Return what caching and loading take with each number of files."""
    import torch

    from autointerp.subject.dictionaries import site_of

    delphi, clock = import_delphi(place), Clock()
    subject, dictionary = run.subject, run.dictionaries[0]
    tokens = torch.tensor([context.token_ids for context in contexts_of(run)])
    warm_up(run)
    model = model_with_bos(subject, clock)
    layer = subject.tap(site_of(run.dictionaries[0], run.config.site)).module
    hookpoint = next(name for name, module in model.named_modules() if module is layer)
    encode = clock.timed("encode", lambda vectors: dictionary.encode(vectors[:, 1:]))
    cache = delphi.latents.LatentCache(model, {hookpoint: encode}, batch_size=BATCH)
    with clock.of("cache"):
        cache.run(tokens.numel(), tokens)
    sizes = {}
    for n_splits in SPLITS:
        raw = folder / f"delphi-{n_splits}"
        with clock.of(f"save_{n_splits}"):
            cache.save_splits(n_splits=n_splits, save_dir=raw)
            cache.save_config(raw, delphi.config.CacheConfig(), run.config.subject)
        with clock.of(f"load_{n_splits}"):
            found = [len(record.train) for record in dataset(delphi, raw, hookpoint, TokenIds())]
        sizes[str(n_splits)] = bytes_of(raw)
    raw = folder / f"delphi-{SPLITS[-1]}"
    with clock.of("load_strings"):
        for _ in dataset(delphi, raw, hookpoint, subject.tokenizer):
            pass
    return summary(found) | {
        "clock": clock.figures(),
        "n_activations": len(cache.cache.latent_activations[hookpoint]),
        "bytes": sizes,
    }


def dataset(delphi: Any, raw: Path, hookpoint: str, tokenizer: Any) -> Any:
    """Return delphi's records of every feature with at least one window, none of them silent."""
    sampler = delphi.config.SamplerConfig(n_examples_train=N_WINDOWS, n_examples_test=0, train_type="random")
    constructor = delphi.config.ConstructorConfig(example_ctx_len=TILE, min_examples=1, n_non_activating=0)
    return delphi.latents.LatentDataset(raw, sampler, constructor, tokenizer=tokenizer, modules=[hookpoint])
