"""What a scorer can be told."""

from dataclasses import dataclass

from autointerp.core.errors import ConfigError

SIMULATION_METRICS = (
    "correlation", "correlation_or_zero", "correlation_calibrated",
    "r2_calibrated", "r2_uncentred", "absolute_deviation",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ScoreSettings:
    """Settings shared by all scorers; numbers without a source are our choice.

    ``min_available``: held-out firing tiles there must be to draw from (PROTOCOLS, section 1).
    ``min_fraction_read``: below this share of readable replies there is no score.
    ``n_top``, ``n_random``: simulation windows of 64 tokens (Bills et al. 2023: 5 + 5).
    ``scale``: the largest digit; 9 reads one-digit tokens, Bills et al. use 10.
    ``layout``: how a simulation prompt is written. ``lines``: a token a line with a placeholder for its
    strength (Bills et al. 2023); ``compact``: running text with a tab behind every token, half the tokens.
    ``placeholder``, ``after``: how the simulation prompt writes an unknown strength and begins a text.
    ``simulation_metrics``: what is reported of simulated activations; names in ``score/simulated.py``.
    ``tokens_per_number``: of a reply that writes every token with its strength as JSON.
    ``n_excerpts``: of nine tokens, for ``spearman``: top, spread over strata, random, token out of context
    (Towards Monosemanticity: 6 + 24 + 10 + 20).
    ``n_choices``: questions of ``intruder``, ``contrastive`` and each variant of ``sort``; ``n_examples``:
    windows of a feature shown in place of a label. ``n_logits``: tokens of either kind (Towards
    Monosemanticity: 50).
    ``n_written``: texts of either kind for ``sensitivity``; ``fire_fractions``, ``purity_fractions``: shares of the
    peak above which a text counts as firing.
    ``max_tokens``: of a yes or no, for judges that have to write it.
    ``n_expected``: detection items a feature, for estimates only.
    ``sequential_bad``, ``sequential_good``: accuracies below and above which ``sequential`` calls a label bad
    and good; ``sequential_alpha``: probability of either error, however often one looks;
    ``sequential_max_items``: questions a label at most.
    ``mark_fraction``: fuzzing marks a token from this share of its window's peak (delphi: 0.3).
    """

    min_available: int = 20
    min_fraction_read: float = 0.5
    n_top: int = 3
    n_random: int = 3
    scale: int = 9
    layout: str = "lines"
    placeholder: str = "unknown"
    after: str = "<start>"
    simulation_metrics: tuple[str, ...] = ("correlation",)
    tokens_per_number: int = 16
    n_excerpts: tuple[int, int, int, int] = (6, 24, 10, 20)
    n_choices: int = 20
    n_examples: int = 8
    n_logits: int = 50
    n_written: int = 10
    fire_fractions: tuple[float, ...] = (0.0, 0.1)
    purity_fractions: tuple[float, ...] = (0.0, 0.5)
    max_tokens: int = 4
    n_expected: int = 40
    mark_fraction: float = 0.3
    sequential_bad: float = 0.6
    sequential_good: float = 0.8
    sequential_alpha: float = 0.05
    sequential_max_items: int = 120
    seed: int = 0

    def __post_init__(self) -> None:
        if self.scale not in (9, 10):
            msg = f"score: scale = {self.scale}; 9 (one-digit tokens) or 10 (Bills et al. 2023) can be read"
            raise ConfigError(msg)
        if not self.simulation_metrics or set(self.simulation_metrics) - set(SIMULATION_METRICS):
            msg = f"score: simulation_metrics = {self.simulation_metrics}; known: {', '.join(SIMULATION_METRICS)}"
            raise ConfigError(msg)
        if len(self.placeholder) < 2 or not 0 <= self.min_fraction_read <= 1:
            msg = "score: placeholder needs two characters or more, min_fraction_read must lie in [0, 1]"
            raise ConfigError(msg)
        if self.sequential_bad >= self.sequential_good:
            raise ConfigError(f"score: {not_below(self.sequential_bad, self.sequential_good)}")


def not_below(bad: float, good: float) -> str:
    """Return why there is nothing to decide between these accuracies."""
    return f"sequential_bad = {bad:g} has to be below sequential_good = {good:g}"
