"""The next token of an answer: the likeliest, or drawn by the question's key alone."""

from typing import TYPE_CHECKING

from autointerp.core.errors import ConfigError
from autointerp.core.types import Question

if TYPE_CHECKING:
    import torch

KNOWN = ("temperature", "top_p")


class Chooser:
    """Picks the tokens of one answer; a generator of its own keeps it the same in whatever batch it runs."""

    def __init__(
        self, *, key: str, max_tokens: int, ends: frozenset[int], temperature: float = 0.0, top_p: float = 1.0
    ) -> None:
        import torch

        self.tokens: list[int] = []
        self._max_tokens = max_tokens
        self._ends = ends
        self._temperature = temperature
        self._top_p = top_p
        self._generator = torch.Generator().manual_seed(int(key[:15], 16))

    @property
    def is_done(self) -> bool:
        return len(self.tokens) >= self._max_tokens or (bool(self.tokens) and self.tokens[-1] in self._ends)

    @property
    def answer(self) -> tuple[int, ...]:
        """The tokens without the end token."""
        return tuple(token for token in self.tokens if token not in self._ends)

    def choose(self, logits: "torch.Tensor") -> None:
        """Add the next token, given logits [V]."""
        self.tokens.append(int(logits.argmax()) if self._temperature <= 0 else self._draw(logits.cpu().double()))

    def _draw(self, logits: "torch.Tensor") -> int:
        import torch

        shares, order = (logits / self._temperature).softmax(0).sort(descending=True)
        kept = shares * (shares.cumsum(0) - shares < self._top_p)
        return int(order[torch.multinomial(kept, 1, generator=self._generator)])


def make_chooser(question: Question, ends: frozenset[int]) -> Chooser:
    """Return the chooser a question asks for. Raises ConfigError for sampling settings a local model lacks."""
    sampling = dict(question.sampling)
    if unknown := sorted(set(sampling) - set(KNOWN)):
        msg = f"local models know no sampling setting {', '.join(unknown)}; use {' and '.join(KNOWN)}"
        raise ConfigError(msg)
    return Chooser(
        key=question.key,
        max_tokens=question.max_tokens,
        ends=ends,
        temperature=sampling.get("temperature", 0.0),
        top_p=sampling.get("top_p", 1.0),
    )
