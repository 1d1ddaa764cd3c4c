"""The language model under study: loading, text to tokens, tokens to site vectors."""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from autointerp.checkpoints import DEMO, demo_files, load_checkpoint
from autointerp.core.errors import SubjectError
from autointerp.subject.pieces import Pieces
from autointerp.subject.sites import Site as Site
from autointerp.subject.taps import Tap, find_tap
from autointerp.subject.tokens import check_ids, check_tokenizer, encodable


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

        Raises SubjectError when there is no such model, EnvironmentProblem when a package or the device is missing.
        """
        place, gguf_file = _files(name)
        try:
            tokenizer, model = load_checkpoint(place, gguf_file, dtype=getattr(torch, dtype), device=device)
        except (OSError, ValueError) as error:
            msg = f"subject {name!r} cannot be loaded: {str(error).splitlines()[0]}"
            raise SubjectError(msg) from error
        return cls(name, model, tokenizer)

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
        return int(self.model.config.get_text_config().hidden_size)

    @property
    def n_layers(self) -> int:
        return int(self.model.config.get_text_config().num_hidden_layers)

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

    def tap(self, site: Site) -> Tap:
        """Return where the site stands. Raises SubjectError when there is no such layer, part or module."""
        return find_tap(self.model, site, n_layers=self.n_layers, name=self.name)

    def width_of(self, site: Site) -> int:
        """Return how many numbers a vector at the site has. Raises as ``vectors_at``."""
        return self.widths_of([site])[site]

    def widths_of(self, sites: Collection[Site]) -> dict[Site, int]:
        """Return how many numbers a vector at each site has, from one pass over one token."""
        return {site: int(vectors.shape[-1]) for site, vectors in self.vectors_at([[0]], sites).items()}

    def site_vectors(self, contexts: Sequence[Sequence[int]], site: Site) -> Tensor:
        """Return what stands at one site, float32 [B, T, d], BOS row cut off; the pass stops there."""
        return self.vectors_at(contexts, [site])[site]

    @torch.inference_mode()
    def vectors_at(self, contexts: Sequence[Sequence[int]], sites: Collection[Site]) -> dict[Site, Tensor]:
        """Return what stands at each site, float32 [B, T, d of the site], BOS row cut off, from one pass.

        The pass stops at the last site in the order of computation. Contexts are of one length.

        Raises SubjectError when a site does not exist, is never reached, or holds NaN or infinite numbers.
        """
        ids = self.with_bos(contexts)
        caught: dict[Site, Tensor] = {}
        with self._catching(sites, caught):
            self.model(input_ids=ids, use_cache=False)
        first = ids.shape[1] - len(contexts[0])
        return {site: self._checked(site, caught, ids.shape)[:, first:] for site in sites}

    @contextmanager
    def _catching(self, sites: Collection[Site], caught: dict[Site, Tensor]) -> Iterator[None]:
        def catch(site: Site, vectors: Tensor) -> None:
            # A copy: what follows may write into the tensor. A module that is called twice counts once.
            caught.setdefault(site, vectors.to(torch.float32, copy=True))
            if len(caught) == len(set(sites)):
                raise _ReachedError

        with ExitStack() as hooks:
            for site in set(sites):
                hooks.callback(self.tap(site).read(partial(catch, site)).remove)
            with suppress(_ReachedError):
                yield

    def _checked(self, site: Site, caught: dict[Site, Tensor], shape: torch.Size) -> Tensor:
        if site not in caught or caught[site].shape[:2] != shape:
            msg = f"site {site}: {self.name} has not one vector a token there; name another module"
            raise SubjectError(msg)
        if not torch.isfinite(caught[site]).all():
            msg = f"site {site}: NaN or infinite numbers in {self.name}; set dtype = 'bfloat16' or 'float32'"
            raise SubjectError(msg)
        return caught[site]

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
