"""Baseline dictionaries: given directions with a feature for either sign, silent up to a threshold."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from autointerp.core.errors import SubjectError
from autointerp.subject.dictionaries import BLOCK, SparseCodes, nonzero, trained_documents

WEIGHTS, FACTS = "baseline.safetensors", "baseline.json"


@dataclass(frozen=True, slots=True)
class Directions:
    """What a baseline reads from vectors [..., d], and where what it reads stands in the output site.

    ``read``: rows [n, d] that are multiplied with a vector; ``axes``: the components [n] that are read in their
    place (an identity of a wide layer's neurons would fill the memory). ``written``: unit directions [n, d_out].
    ``lengths``: what a reading is multiplied with, [n], so that activation = f * |d| as of every dictionary.
    """

    written: Tensor
    lengths: Tensor
    read: Tensor | None = None
    axes: Tensor | None = None

    def __len__(self) -> int:
        return len(self.written)

    def readings(self, centred: Tensor, start: int, end: int) -> Tensor:
        """Return the signed readings [..., end - start] of the directions *start* to *end*."""
        if self.axes is not None:
            return centred[..., self.axes[start:end]] * self.lengths[start:end]
        assert self.read is not None, "directions read rows or axes"
        return centred @ self.read[start:end].T * self.lengths[start:end]

    def tensors(self) -> dict[str, Tensor]:
        """Return those that are there, by name."""
        named = {"written": self.written, "lengths": self.lengths, "read": self.read, "axes": self.axes}
        return {name: tensor for name, tensor in named.items() if tensor is not None}


@dataclass(frozen=True)
class Baseline:
    """Features 2i and 2i + 1: how far a vector lies beyond a threshold along direction i, and against it.

    activation = relu(+-(x - mean) . d_i - threshold), with a threshold a feature, [n_features]. Implements
    ``Dictionary``. ``site`` is read; the directions stand in ``output_site``. ``evaluation`` says what density
    was wanted and reached. *folder* holds it; beside the folder stands what text it was fitted on.
    """

    name: str
    kind: str
    site: str
    output_site: str
    max_norm: float | None
    mean: Tensor
    parts: Directions
    thresholds: Tensor
    evaluation: dict[str, Any]
    folder: Path

    @property
    def family(self) -> str:
        return self.name.rpartition("/")[0]

    @property
    def n_features(self) -> int:
        return 2 * len(self.parts)

    @property
    def d_model(self) -> int:
        """The size of the vectors it reads: of a site, not always the subject's."""
        return len(self.mean)

    @property
    def has_decoder(self) -> bool:
        return True

    @cached_property
    def directions(self) -> Tensor:
        """Unit directions [n_features, d] in the space of ``output_site``, every second one turned round."""
        written = self.parts.written
        return torch.stack([written, -written], dim=1).flatten(0, 1)

    @torch.inference_mode()
    def encode(self, vectors: Tensor) -> Tensor:
        """Return activations >= 0, [..., n_features], of site vectors [..., d_model]."""
        return torch.cat([block for _, block in self._blocks(vectors)], dim=-1)

    @torch.inference_mode()
    def encode_sparse(self, vectors: Tensor) -> SparseCodes:
        """Return the non-zero activations of vectors [n, d_model], ``BLOCK`` features at a time.

        Raises SubjectError for a vector that is NaN or infinite.
        """
        found = [(first, nonzero(block, self.name)) for first, block in self._blocks(vectors)]
        return SparseCodes(
            row=torch.cat([codes.row for _, codes in found]),
            feature=torch.cat([codes.feature + first for first, codes in found]),
            value=torch.cat([codes.value for _, codes in found]),
        )

    def _blocks(self, vectors: Tensor) -> Iterator[tuple[int, Tensor]]:
        """Yield (first feature, activations [..., n]) of the features in order."""
        centred = vectors.to(self.mean.dtype) - self.mean
        for start in range(0, len(self.parts), BLOCK // 2):
            end = min(start + BLOCK // 2, len(self.parts))
            signed = self.parts.readings(centred, start, end)
            both = torch.stack([signed, -signed], dim=-1).flatten(-2)
            yield 2 * start, (both - self.thresholds[2 * start : 2 * end]).relu()

    @cached_property
    def trained(self) -> frozenset[str]:
        """Fingerprints of the documents it was fitted on, and of those its density was taken from."""
        return trained_documents(self.folder)

    @cached_property
    def sha256(self) -> str:
        digest = hashlib.sha256()
        for name in (WEIGHTS, FACTS):
            digest.update((self.folder / name).read_bytes())
        return digest.hexdigest()

    @property
    def facts(self) -> dict[str, Any]:
        """What is known of it beside its numbers, as plain values."""
        names = ("name", "kind", "site", "output_site", "max_norm", "evaluation")
        return {name: getattr(self, name) for name in names}


def save_baseline(baseline: Baseline) -> None:
    """Write the baseline into its folder: ``baseline.safetensors`` and ``baseline.json``."""
    from safetensors.torch import save_file

    baseline.folder.mkdir(parents=True, exist_ok=True)
    tensors = baseline.parts.tensors() | {"mean": baseline.mean, "thresholds": baseline.thresholds}
    save_file({name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, baseline.folder / WEIGHTS)
    text = json.dumps(baseline.facts, indent=1, allow_nan=False)
    (baseline.folder / FACTS).write_text(text + "\n", "utf-8")


def load_baseline(folder: Path, *, device: str = "cpu") -> Baseline:
    """Return the baseline of a folder. Raises SubjectError when it is damaged."""
    from safetensors.torch import load_file

    try:
        facts = json.loads((folder / FACTS).read_text("utf-8"))
        stored = load_file(folder / WEIGHTS, device=device)
        mean, thresholds = stored.pop("mean"), stored.pop("thresholds")
        return Baseline(**facts, mean=mean, thresholds=thresholds, parts=Directions(**stored), folder=folder)
    except Exception as error:
        msg = f"baseline {folder}: {type(error).__name__}: {error}; remove {folder.parent} and it is fitted again"
        raise SubjectError(msg) from error
