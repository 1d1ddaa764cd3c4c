"""The language model under study: loading, text to tokens, tokens to site vectors."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from autointerp.checkpoints import DEMO, demo_files, load_checkpoint
from autointerp.core.errors import SubjectError
from autointerp.subject.pieces import Pieces
from autointerp.subject.tokens import check_ids, check_tokenizer, encodable


@dataclass(frozen=True, slots=True)
class Site:
    """Where in the subject: ``residual.12`` is the residual stream after 12 layers; ``mlp.12`` and
    ``attention.12`` are what the 12th layer's block adds to it. Layers count from 1.
    """

    part: str
    layer: int

    def __str__(self) -> str:
        return f"{self.part}.{self.layer}"

    @classmethod
    def parse(cls, text: str) -> "Site":
        """Read ``residual.12`` or SAE-Lens's ``blocks.11.hook_resid_post``. Raises SubjectError."""
        if found := re.fullmatch(r"(residual|mlp|attention)\.(\d+)", text):
            return cls(found[1], int(found[2]))
        parts = {"resid_post": "residual", "mlp_out": "mlp", "attn_out": "attention"}
        if (found := re.fullmatch(r"blocks\.(\d+)\.hook_(\w+)", text)) and found[2] in parts:
            return cls(parts[found[2]], int(found[1]) + 1)
        msg = f"site {text!r}: write residual.N, mlp.N or attention.N, N = 1 .. number of layers"
        raise SubjectError(msg)

    @property
    def hook_name(self) -> str:
        """The name that SAE-Lens gives this site."""
        kind = {"residual": "resid_post", "mlp": "mlp_out", "attention": "attn_out"}[self.part]
        return f"blocks.{self.layer - 1}.hook_{kind}"


class _ReachedError(Exception):
    """The forward pass came to the site; what follows is not needed."""


def _files(name: str) -> tuple[str | Path, str | None]:
    """Return (place, GGUF file in it) of a name, a folder or a ``.gguf`` file."""
    if name == DEMO:
        return demo_files()
    return (Path(name).parent, Path(name).name) if name.endswith(".gguf") else (name, None)


class Subject:
    """A causal language model with its tokenizer, in evaluation mode."""

    def __init__(self, name: str, model: Any, tokenizer: Any) -> None:
        self.name = name
        self.model = model.eval()
        self.tokenizer = tokenizer
        self._pieces = Pieces(tokenizer)
        self._without_row = check_tokenizer(name, tokenizer, n_rows=self._n_rows)

    @classmethod
    def load(cls, name: str, *, dtype: str = "float32", device: str = "cpu") -> "Subject":
        """Load a ``transformers`` name or folder, a ``.gguf`` file, or the demo's model.

        Raises SubjectError when there is no such model, EnvironmentProblem when a package is missing.
        """
        place, gguf_file = _files(name)
        try:
            tokenizer, model = load_checkpoint(place, gguf_file, dtype=getattr(torch, dtype))
        except (OSError, ValueError) as error:
            msg = f"subject {name!r} cannot be loaded: {str(error).splitlines()[0]}"
            raise SubjectError(msg) from error
        return cls(name, model.to(device), tokenizer)

    @cached_property
    def sha256(self) -> str:
        """Hash of the input embedding's bytes and the configuration: two subjects that agree in it are one model."""
        weight = self.model.get_input_embeddings().weight.detach().float().cpu().numpy()
        return hashlib.sha256(weight.tobytes() + repr(sorted(self.config_numbers.items())).encode()).hexdigest()

    @property
    def config_numbers(self) -> dict[str, int]:
        return {k: v for k, v in self.model.config.to_dict().items() if isinstance(v, int)}

    @property
    def _n_rows(self) -> int:
        return int(self.model.get_input_embeddings().weight.shape[0])

    @property
    def d_model(self) -> int:
        return int(self.model.config.hidden_size)

    @property
    def n_layers(self) -> int:
        return int(self.model.config.num_hidden_layers)

    @property
    def device(self) -> torch.device:
        device: torch.device = next(self.model.parameters()).device
        return device

    def token_ids(self, text: str) -> list[int]:
        """Return the tokens of a text, without special ones.

        Raises SubjectError for a text with an added token that the model does not know.
        """
        ids = list(self.tokenizer(encodable(text), add_special_tokens=False, verbose=False)["input_ids"])
        return check_ids(self.name, self.tokenizer, ids, without_row=self._without_row, n_rows=self._n_rows)

    @property
    def bos(self) -> int | None:
        """The token put before every context, or None when the tokenizer has none."""
        bos: int | None = self.tokenizer.bos_token_id
        return bos

    def with_bos(self, contexts: Sequence[Sequence[int]]) -> Tensor:
        """Return token ids [B, T + 1] (or [B, T] without a BOS token) of contexts of one length."""
        head = [] if self.bos is None else [self.bos]
        return torch.tensor([[*head, *context] for context in contexts], device=self.device)

    def _layers(self) -> nn.ModuleList:
        lists = [m for m in self.model.modules() if isinstance(m, nn.ModuleList) and len(m) == self.n_layers]
        if not lists:
            msg = f"subject {self.name}: no list of {self.n_layers} layers found; is it a causal language model?"
            raise SubjectError(msg)
        return lists[0]

    def module_at(self, site: Site) -> nn.Module:
        """Return the module whose output is the site. Raises SubjectError when there is no such layer or block."""
        if not 1 <= site.layer <= self.n_layers:
            msg = f"site {site}: {self.name} has layers 1 to {self.n_layers}"
            raise SubjectError(msg)
        layer = self._layers()[site.layer - 1]
        names = {"residual": (), "mlp": ("mlp",), "attention": ("self_attn", "attn", "attention")}[site.part]
        if not names:
            return layer
        for name in names:
            if hasattr(layer, name):
                return getattr(layer, name)  # type: ignore[no-any-return]
        msg = f"site {site}: a layer of {self.name} has no {' or '.join(names)}"
        raise SubjectError(msg)

    @contextmanager
    def _caught_at(self, site: Site, caught: list[Tensor]) -> Iterator[None]:
        def catch(_module: nn.Module, _inputs: Any, output: Any) -> None:
            caught.append(output if isinstance(output, Tensor) else output[0])
            raise _ReachedError

        handle = self.module_at(site).register_forward_hook(catch)
        try:
            yield
        except _ReachedError:
            pass
        finally:
            handle.remove()

    @torch.inference_mode()
    def site_vectors(self, contexts: Sequence[Sequence[int]], site: Site) -> Tensor:
        """Return what stands at the site, float32 [B, T, d_model], BOS row cut off; the pass stops there."""
        ids = self.with_bos(contexts)
        caught: list[Tensor] = []
        with self._caught_at(site, caught):
            self.model(input_ids=ids, use_cache=False)
        return caught[0][:, ids.shape[1] - len(contexts[0]) :].float()

    @torch.inference_mode()
    def projected_embedding(self, ids: Sequence[int], *, n: int, seed: int) -> NDArray[np.float32]:
        """Return the input embeddings of tokens in *n* keyed random directions, [n_ids, n]: cosines stay, roughly."""
        table = self.model.get_input_embeddings().weight
        draws = torch.Generator().manual_seed(seed)
        directions = (torch.randn(table.shape[1], n, generator=draws) / n**0.5).to(table.device)
        # The whole table as float32 would be gigabytes for a large vocabulary.
        parts = [table[list(ids[at : at + 4096])].float() @ directions for at in range(0, len(ids), 4096)]
        found: NDArray[np.float32] = torch.cat(parts).cpu().numpy()
        return found

    def display_tokens(self, ids: Sequence[int], *, start: int = 0) -> tuple[str, ...]:
        """Return one string a token whose concatenation is the text; *start* is the first one's place in its text.

        A character split over several byte tokens stands whole in the first; the others are empty. At 0
        the space is left out that SentencePiece puts before a text: within one it is the text's own.
        """
        return self._pieces.of(ids, start=start)

    def display_token(self, token: int) -> str:
        """Return one token as it stands within a text."""
        return self._pieces.of([token], start=1)[0]
