"""Dictionaries: site vectors in, feature activations out; ``loading`` finds and reads their files."""

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from autointerp.core.errors import SubjectError
from autointerp.subject.blocked import encode_entries
from autointerp.subject.sites import Site

EVALUATION_FILE = "evaluation.json"
"""What was measured on text that never trained the dictionary; beside the weights."""


WEIGHTS = ("*.safetensors", "*.npz")
"""Files of weights that are read; a pickle never is."""

BLOCK = 16_384
"""Features encoded at a time: a dense matrix [tokens, n_features] of a wide dictionary never exists."""


@dataclass(frozen=True, slots=True)
class SparseCodes:
    """The non-zero activations of vectors [n, d_model]: ``value[i]`` of ``feature[i]`` on ``row[i]``, in no order.

    ``row`` and ``feature`` are int64, ``value`` float32, all of shape [n_nonzero].
    """

    row: Tensor
    feature: Tensor
    value: Tensor


class Dictionary(Protocol):
    """Anything that turns site vectors into feature activations >= 0: an autoencoder, a transcoder, a baseline.

    ``name`` is ``family/width``; ``site`` where it reads, "" when that is not known; ``directions`` unit
    vectors in the space of ``output_site``, [n_features, d], where ``has_decoder``; ``max_norm`` the norm above
    which tokens were left out of training, None without such a rule; ``trained`` the fingerprints of the
    documents that trained it; ``evaluation`` what is known of its quality.
    """

    @property
    def name(self) -> str: ...
    @property
    def family(self) -> str: ...
    @property
    def site(self) -> str: ...
    @property
    def output_site(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def n_features(self) -> int: ...
    @property
    def d_model(self) -> int: ...
    @property
    def max_norm(self) -> float | None: ...
    @property
    def sha256(self) -> str: ...
    @property
    def trained(self) -> frozenset[str]: ...
    @property
    def evaluation(self) -> dict[str, Any]: ...
    @property
    def has_decoder(self) -> bool: ...
    @property
    def directions(self) -> Tensor: ...

    def encode(self, vectors: Tensor) -> Tensor:
        """Return activations [..., n_features] of vectors [..., d_model]; for few vectors or narrow dictionaries."""
        ...

    def encode_sparse(self, vectors: Tensor) -> SparseCodes:
        """Return the non-zero activations of vectors [n, d_model]; memory in n * block, not n * n_features.

        Raises SubjectError when an activation is negative, NaN or infinite.
        """
        ...


@dataclass(frozen=True)
class SparseDictionary:
    """One sae-lens autoencoder or transcoder.

    ``name`` is ``family/width``; ``site`` where it reads, "" when its files do not say. Activations are
    f * |d| and directions d / |d|, so that scale cannot be moved between encoder and decoder (Scaling
    Monosemanticity, section on features). ``folder``: where its files stand, beside which its evaluation
    is looked for.
    """

    name: str
    site: str
    sae: Any
    folder: Path
    output_site: str = ""
    """Where its directions stand: for an autoencoder where it reads."""
    is_centred: bool = False
    """Whether it was trained on vectors less their mean: TransformerLens's ``center_writing_weights``."""

    @property
    def family(self) -> str:
        return self.name.rpartition("/")[0]

    @property
    def n_features(self) -> int:
        return int(self.sae.cfg.d_sae)

    @property
    def d_model(self) -> int:
        return int(self.sae.cfg.d_in)

    @property
    def kind(self) -> str:
        """The architecture, or ``shuffled`` where it was trained on a subject with shuffled weights."""
        return "shuffled" if self.sae.cfg.metadata["subject_shuffled"] is not None else str(self.sae.cfg.architecture())

    @property
    def max_norm(self) -> float | None:
        """The norm above which tokens were left out of training, None when the recipe had no such rule."""
        value = self.sae.cfg.metadata["max_norm"]
        return None if value is None else float(value)

    @property
    def has_decoder(self) -> bool:
        """Whether its features have directions in the output site's space."""
        return hasattr(self.sae, "W_dec")

    @cached_property
    def decoder_norms(self) -> Tensor:
        """The norms |d|, float32 [n_features]."""
        return torch.cat([block.float().norm(dim=-1) for block in self.sae.W_dec.detach().split(BLOCK)])

    @cached_property
    def directions(self) -> Tensor:
        """Unit directions, [n_features, d of the output site]."""
        directions: Tensor = torch.empty_like(self.sae.W_dec.detach())
        norms = self.decoder_norms.clamp_min(1e-12)[:, None]
        for start in range(0, self.n_features, BLOCK):
            part = slice(start, start + BLOCK)
            directions[part] = self.sae.W_dec.detach()[part] / norms[part]
        return directions

    @torch.inference_mode()
    def encode(self, vectors: Tensor) -> Tensor:
        """Return activations >= 0, float32 [..., n_features], of site vectors [..., d_model]."""
        activations: Tensor = self.sae.encode(self._prepared(vectors)).float()
        return activations if self._has_norms else activations * self.decoder_norms

    @torch.inference_mode()
    def encode_sparse(self, vectors: Tensor, *, block: int = BLOCK) -> SparseCodes:
        """Return the non-zero activations of vectors [n, d_model], *block* features at a time.

        Raises SubjectError when an activation is negative, NaN or infinite.
        """
        row, feature, value = encode_entries(self.sae, self._prepared(vectors), block=block)
        scaled = value.float() if self._has_norms else value.float() * self.decoder_norms[feature]
        return checked(SparseCodes(row, feature, scaled), self.name)

    def _prepared(self, vectors: Tensor) -> Tensor:
        vectors = vectors.to(self.sae.W_dec.device)
        centred = vectors - vectors.mean(dim=-1, keepdim=True) if self.is_centred else vectors
        return centred.to(self.sae.W_dec.dtype)

    @cached_property
    def trained(self) -> frozenset[str]:
        return trained_documents(self.folder)

    @cached_property
    def _has_norms(self) -> bool:
        """Whether its activations are f * |d| as they come: the norms are folded away, or its encoder applies them."""
        if getattr(self.sae.cfg, "rescale_acts_by_decoder_norm", False):
            return True
        # sae-lens folds the norm away for most recipes; then the product would only cost time.
        return bool(torch.allclose(self.decoder_norms, torch.ones_like(self.decoder_norms), atol=2e-3))

    @torch.inference_mode()
    def reconstruct(self, vectors: Tensor) -> Tensor:
        """Return what the dictionary makes of site vectors: these again, or for a transcoder the output site's."""
        made: Tensor = self.sae(self._prepared(vectors)).to(vectors.device, torch.float32)
        return made + vectors.mean(dim=-1, keepdim=True) if self.is_centred else made

    @cached_property
    def sha256(self) -> str:
        """Hash of the files of weights and their configuration; of the weights themselves where no file is known."""
        digest = hashlib.sha256()
        weights = [path for pattern in WEIGHTS for path in sorted(self.folder.glob(pattern))]
        for path in weights + sorted(self.folder.glob("cfg.json")) + sorted(self.folder.glob("config.json")):
            digest.update(path.read_bytes())
        if not weights:
            digest.update(repr((self.kind, self.site)).encode())
            for name, tensor in sorted(self.sae.state_dict().items()):
                digest.update(name.encode() + tensor.float().cpu().numpy().tobytes())
        return digest.hexdigest()

    @cached_property
    def evaluation(self) -> dict[str, Any]:
        """What is known of its quality; empty for a dictionary that came without."""
        path = self.folder / EVALUATION_FILE
        return json.loads(path.read_text("utf-8")) if path.exists() else {}


def site_of(dictionary: Dictionary, default: str) -> Site:
    """Return where a dictionary reads: as its files say, or *default* where they say nothing that is known here.

    Raises SubjectError when neither says it.
    """
    for name in (dictionary.site, default):
        with suppress(SubjectError):
            return Site.parse(name)
    said = f"{dictionary.site!r}, which is no site here" if dictionary.site else "nothing"
    msg = f"dictionary {dictionary.name}: of where it reads, its files say {said}; set site = 'residual.N' or another"
    raise SubjectError(msg)


def nonzero(activations: Tensor, dictionary: str) -> SparseCodes:
    """Return the non-zero entries of activations [n, n_features]. Raises as ``checked`` does."""
    row, feature = torch.nonzero(activations, as_tuple=True)
    return checked(SparseCodes(row, feature, activations[row, feature].float()), dictionary)


def checked(codes: SparseCodes, dictionary: str) -> SparseCodes:
    """Return the codes. Raises SubjectError when an activation is negative, NaN or infinite."""
    value = codes.value
    if value.numel() and not (torch.isfinite(value).all() and value.min() > 0):
        msg = (
            f"dictionary {dictionary}: activations that are negative, NaN or infinite; activations are >= 0: "
            "check the number format (bfloat16 instead of float16) and the weights; features that fire in both "
            "directions (abstopk) cannot be labelled"
        )
        raise SubjectError(msg)
    return codes


def trained_documents(folder: Path) -> frozenset[str]:
    """Return the fingerprints of the documents that trained the ladder this dictionary belongs to."""
    path = folder.parent / "trained_documents.txt"
    return frozenset(path.read_text("ascii").split()) if path.exists() else frozenset()
