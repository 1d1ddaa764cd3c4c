"""Dictionaries: site vectors in, feature activations out; loaded through sae-lens."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from autointerp.core.errors import SubjectError

EVALUATION_FILE = "evaluation.json"
"""What was measured on text that never trained the dictionary; beside the weights."""


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
    """One sae-lens autoencoder at one site.

    ``name`` is ``family/width``. Activations are f * |d| and directions d / |d|, so that scale cannot
    be moved between encoder and decoder (Scaling Monosemanticity, section on features).
    """

    name: str
    site: str
    sae: Any
    folder: Path

    @property
    def family(self) -> str:
        return self.name.rpartition("/")[0]

    @property
    def output_site(self) -> str:
        """Where its directions stand: for an autoencoder where it reads."""
        return self.site

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
        """Whether its features have directions in the site's space."""
        return hasattr(self.sae, "W_dec")

    @cached_property
    def decoder_norms(self) -> Tensor:
        norms: Tensor = self.sae.W_dec.detach().norm(dim=-1)
        return norms

    @cached_property
    def directions(self) -> Tensor:
        """Unit directions, [n_features, d_model]."""
        directions: Tensor = self.sae.W_dec.detach() / self.decoder_norms.clamp_min(1e-12)[:, None]
        return directions

    @torch.inference_mode()
    def encode(self, vectors: Tensor) -> Tensor:
        """Return activations >= 0, [..., n_features], of site vectors [..., d_model]."""
        activations: Tensor = self.sae.encode(vectors.to(self.sae.W_dec.dtype))
        # sae-lens folds the norm away for most recipes; then the product would only cost time.
        return activations if self._norms_are_one else activations * self.decoder_norms

    @torch.inference_mode()
    def encode_sparse(self, vectors: Tensor) -> SparseCodes:
        """Return the non-zero activations of vectors [n, d_model]. Raises SubjectError for values that are none."""
        return nonzero(self.encode(vectors), self.name)

    @cached_property
    def trained(self) -> frozenset[str]:
        return trained_documents(self.folder)

    @cached_property
    def _norms_are_one(self) -> bool:
        return bool(torch.allclose(self.decoder_norms, torch.ones_like(self.decoder_norms), atol=2e-3))

    @torch.inference_mode()
    def reconstruct(self, vectors: Tensor) -> Tensor:
        """Return the dictionary's reconstruction of site vectors, same shape."""
        return self.sae.decode(self.sae.encode(vectors.to(self.sae.W_dec.dtype)))  # type: ignore[no-any-return]

    @cached_property
    def sha256(self) -> str:
        digest = hashlib.sha256()
        for path in sorted(self.folder.glob("*.safetensors")) + sorted(self.folder.glob("cfg.json")):
            digest.update(path.read_bytes())
        return digest.hexdigest()

    @cached_property
    def evaluation(self) -> dict[str, Any]:
        """What is known of its quality; empty for a dictionary that came without."""
        path = self.folder / EVALUATION_FILE
        return json.loads(path.read_text("utf-8")) if path.exists() else {}


def nonzero(activations: Tensor, dictionary: str) -> SparseCodes:
    """Return the non-zero entries of activations [n, n_features].

    Raises SubjectError when one is negative, NaN or infinite.
    """
    row, feature = torch.nonzero(activations, as_tuple=True)
    value = activations[row, feature].float()
    if value.numel() and not (torch.isfinite(value).all() and value.min() > 0):
        msg = (
            f"dictionary {dictionary}: activations that are negative, NaN or infinite; activations are >= 0: "
            "check the number format of the subject (bfloat16 instead of float16) and the weights"
        )
        raise SubjectError(msg)
    return SparseCodes(row, feature, value)


def trained_documents(folder: Path) -> frozenset[str]:
    """Return the fingerprints of the documents that trained the ladder this dictionary belongs to."""
    path = folder.parent / "trained_documents.txt"
    return frozenset(path.read_text("ascii").split()) if path.exists() else frozenset()


def load_dictionary(folder: Path, *, device: str = "cpu") -> SparseDictionary:
    """Load a folder in SAE-Lens format (cfg.json and safetensors); named ``parent/folder``.

    Raises SubjectError when the folder holds no dictionary.
    """
    from sae_lens import SAE

    if not (folder / "cfg.json").exists():
        msg = f"dictionary {folder}: no cfg.json there; name a folder in SAE-Lens format"
        raise SubjectError(msg)
    try:
        sae = SAE.load_from_disk(folder, device=device, dtype="float32")
    except Exception as error:
        msg = f"dictionary {folder}: {type(error).__name__}: {error}; write the weights again or copy them whole"
        raise SubjectError(msg) from error
    sae.eval()
    sae.requires_grad_(False)
    metadata = sae.cfg.metadata
    site = metadata["site"] or metadata["hook_name"] or ""
    return SparseDictionary(metadata["name"] or f"{folder.parent.name}/{folder.name}", str(site), sae, folder)


def dictionary_folders(path: Path) -> list[Path]:
    """Return the dictionaries' folders: the path itself, or the folders of a ladder in order of width.

    Raises SubjectError when there is none.
    """
    if (path / "cfg.json").exists():
        return [path]
    found = [p.parent for p in path.glob("*/cfg.json")]
    if not found:
        msg = f"{path}: no dictionary here (no cfg.json); name a dictionary's folder or a ladder's"
        raise SubjectError(msg)
    return sorted(found, key=lambda p: (len(p.name), p.name))
