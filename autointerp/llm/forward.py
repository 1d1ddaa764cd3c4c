"""Forward passes of a local causal model: shared prefixes, graded answers, generation."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autointerp.llm.batches import Tokens, n_common, n_shared
from autointerp.llm.choosing import Chooser
from autointerp.llm.encoding import Classes, Encoded

if TYPE_CHECKING:
    import torch

Rows = tuple[tuple[float, ...], ...]
Layers = tuple[tuple["torch.Tensor", "torch.Tensor"], ...]

# A prefix of 150 tokens takes 7 MB at 135M parameters; labels come and go, instructions stay.
KEPT_PREFIXES = 8


@dataclass(frozen=True, slots=True)
class Graded:
    """Class probabilities, a row a read position, and how many of the question's tokens were reused."""

    rows: Rows
    reused: int


@dataclass(frozen=True, slots=True)
class Written:
    """The tokens of an answer without its end token, how many were chosen, how many of the prompt reused."""

    tokens: Tokens
    n_chosen: int
    reused: int


@dataclass(frozen=True, slots=True)
class Shared:
    """A cache with one row a question (None: there is none), its length, and the tokens reused a question."""

    cache: Any
    length: int
    reused: tuple[int, ...]


class Prefixes:
    """Keys and values of prefixes run before, the least recently used forgotten."""

    def __init__(self, size: int = KEPT_PREFIXES) -> None:
        self._size = size
        self._kept: OrderedDict[Tokens, Layers] = OrderedDict()

    def find(self, tokens: Tokens) -> tuple[Layers, int]:
        """Return layers whose first n positions belong to the first n tokens, and the largest such n."""
        best = max(self._kept, key=lambda kept: n_shared(kept, tokens), default=None)
        if best is None or not n_shared(best, tokens):
            return (), 0
        self._kept.move_to_end(best)
        return self._kept[best], n_shared(best, tokens)

    def keep(self, tokens: Tokens, layers: Layers) -> None:
        self._kept[tokens] = layers
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)


class Runner:
    """One model in memory; not thread-safe, one pass at a time.

    ``shares_prefixes`` is False where a layer forgets (sliding windows, recurrent states): such a
    cache cannot be cut to a shorter prefix, and every question runs whole.
    """

    def __init__(self, model: Any, *, prefixes: Prefixes | None = None) -> None:
        self.model = model
        self._prefixes = prefixes or Prefixes()
        self.shares_prefixes = has_plain_cache(model)

    def grade(self, batch: Sequence[Encoded]) -> list[Graded]:
        """Return class probabilities at every read position of questions that have the same classes.

        Suffixes are padded on the right: under a causal mask no position that is read sees padding.
        """
        import torch

        with torch.inference_mode():
            shared = self._share([q.tokens for q in batch], [q.reads[0] for q in batch])
            suffixes = pad([q.tokens[shared.length :] for q in batch], on_the_left=False)
            hidden = self._hidden(suffixes, past_key_values=shared.cache, use_cache=shared.cache is not None)
            if len(batch) == 1 and shared.cache is not None:
                self._prefixes.keep(batch[0].tokens, cached_layers(shared.cache))
            places = [(row, at - shared.length) for row, question in enumerate(batch) for at in question.reads]
            read = hidden[[row for row, _ in places], [at for _, at in places]]
            rows = iter(self._class_probabilities(read, batch[0].classes).tolist())
        return [Graded(tuple(tuple(next(rows)) for _ in q.reads), n) for q, n in zip(batch, shared.reused, strict=True)]

    def write(self, batch: Sequence[Encoded], choosers: Sequence[Chooser]) -> list[Written]:
        """Return what each question is answered with.

        Padding stands between the shared prefix and the suffix, masked, so that all rows end together.
        """
        import torch

        with torch.inference_mode():
            shared = self._share([q.tokens for q in batch], [len(q.tokens) - 1 for q in batch])
            cache = shared.cache if shared.cache is not None else empty_cache(self.model)
            self._continue([q.tokens[shared.length :] for q in batch], shared.length, cache, choosers)
        return [Written(c.answer, len(c.tokens), n) for c, n in zip(choosers, shared.reused, strict=True)]

    def _continue(self, suffixes: Sequence[Tokens], prefix: int, cache: Any, choosers: Sequence[Chooser]) -> None:
        """Let every chooser choose until all are done; rows that are done leave the batch."""
        import torch

        device = self.model.device
        inputs = pad(suffixes, on_the_left=True)
        mask = left_mask(suffixes, prefix).to(device)
        positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, prefix:]
        running = list(choosers)
        while running:
            hidden = self._hidden(
                inputs, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True
            )
            for chooser, logits in zip(running, self._logits(hidden[:, -1]), strict=True):
                chooser.choose(logits)
            going = torch.tensor([not chooser.is_done for chooser in running], device=device)
            running = [chooser for chooser in running if not chooser.is_done]
            if len(running) < len(going):
                cache.batch_select_indices(going.nonzero()[:, 0])
            inputs = torch.tensor([chooser.tokens[-1:] for chooser in running])
            mask = torch.cat([mask[going], mask.new_ones(len(running), 1)], dim=1)
            positions = positions[going, -1:] + 1

    def _share(self, rows: Sequence[Tokens], first_reads: Sequence[int]) -> Shared:
        """Run what the rows have in common and nobody reads, or take it from the kept prefixes.

        A single row shares with earlier questions alone.
        """
        length = min(n_common(rows), *first_reads) if self.shares_prefixes else 0
        layers, known = self._prefixes.find(rows[0][:length])
        if len(rows) == 1:
            length = known
        elif known < length:
            layers = self._extend(layers, rows[0][:length], known)
            self._prefixes.keep(rows[0][:length], layers)
        if length:
            cache = make_cache(layers, n_rows=len(rows), length=length)
        else:
            cache = empty_cache(self.model) if self.shares_prefixes and len(rows) == 1 else None
        return Shared(cache, length, (known, *(length for _ in rows[1:])))

    def _extend(self, layers: Layers, tokens: Tokens, known: int) -> Layers:
        import torch

        cache = make_cache(layers, n_rows=1, length=known) if known else empty_cache(self.model)
        self._hidden(torch.tensor([tokens[known:]]), past_key_values=cache, use_cache=True)
        return cached_layers(cache)

    def _hidden(self, inputs: "torch.Tensor", **arguments: Any) -> "torch.Tensor":
        """Return the last hidden states [B, T, d_model], without the output matrix."""
        hidden: torch.Tensor = self.model.base_model(
            input_ids=inputs.to(self.model.device), **arguments
        ).last_hidden_state
        return hidden

    def _logits(self, hidden: "torch.Tensor", ids: Sequence[int] | None = None) -> "torch.Tensor":
        """Return float32 logits [n, V], or [n, len(ids)] of these tokens alone, with the model's own scaling."""
        head = self.model.get_output_embeddings()
        rows = slice(None) if ids is None else list(ids)
        logits: torch.Tensor = hidden @ head.weight[rows].T
        if getattr(head, "bias", None) is not None:
            logits = logits + head.bias[rows]
        return scale_logits(logits.float(), self.model.config.get_text_config())

    def _class_probabilities(self, hidden: "torch.Tensor", classes: Classes) -> "torch.Tensor":
        """Return probabilities [n, n_classes] renormalised over the classes, from hidden states [n, d_model]."""
        import torch

        logits = self._logits(hidden, [token for group in classes for token in group])
        groups = torch.split(logits, [len(group) for group in classes], dim=1)
        mass = torch.stack([group.double().logsumexp(1) for group in groups], dim=1)
        return mass.softmax(1).cpu()


def has_plain_cache(model: Any) -> bool:
    """Return whether every layer keeps all keys and values, so that its cache can be cut and shared."""
    from transformers.cache_utils import DynamicLayer

    layers = empty_cache(model).layers
    return bool(layers) and all(type(layer) is DynamicLayer for layer in layers)


def empty_cache(model: Any) -> Any:
    """Return a cache of the kinds of layers this model has."""
    from transformers import DynamicCache

    return DynamicCache(config=model.config)


def cached_layers(cache: Any) -> Layers:
    """Return keys and values [B, heads, T, d_head] of every layer."""
    return tuple((layer.keys, layer.values) for layer in cache.layers)


def make_cache(layers: Layers, *, n_rows: int, length: int) -> Any:
    """Return a cache of *n_rows* equal rows from the first *length* positions; the layers are left as they are."""
    from transformers import DynamicCache

    return DynamicCache(
        [
            (keys[:, :, :length].expand(n_rows, -1, -1, -1), values[:, :, :length].expand(n_rows, -1, -1, -1))
            for keys, values in layers
        ]
    )


def pad(rows: Sequence[Tokens], *, on_the_left: bool) -> "torch.Tensor":
    """Return ids [B, T], filled up with token 0, which nothing that is read ever sees."""
    import torch

    width = max(len(row) for row in rows)
    filled = [((0,) * (width - len(row)) + row) if on_the_left else (row + (0,) * (width - len(row))) for row in rows]
    return torch.tensor(filled, dtype=torch.long)


def left_mask(rows: Sequence[Tokens], prefix: int) -> "torch.Tensor":
    """Return the mask [B, prefix + T] that is 0 on padding between the prefix and each row."""
    import torch

    width = max(len(row) for row in rows)
    return torch.tensor([[1] * prefix + [0] * (width - len(row)) + [1] * len(row) for row in rows])


def scale_logits(logits: "torch.Tensor", config: Any) -> "torch.Tensor":
    """Apply what some architectures do after the output matrix (Cohere, Granite, Gemma 2)."""
    if scale := getattr(config, "logit_scale", None):
        logits = logits * scale
    if divisor := getattr(config, "logits_scaling", None):
        logits = logits / divisor
    if cap := getattr(config, "final_logit_softcapping", None):
        logits = (logits / cap).tanh() * cap
    return logits
