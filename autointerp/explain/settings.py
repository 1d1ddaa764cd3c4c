"""What an explainer can be told."""

from dataclasses import dataclass

from autointerp.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ExplainSettings:
    """Settings shared by all explainers; numbers without a source are our choice.

    ``n_shown``: windows shown (Paulo et al. 2024: 20 to 40 help most; small models lose track of so many).
    ``n_top`` of them are the strongest, the others are spread over the strata.
    ``mark_fraction``: a token is marked from this share of its window's peak (delphi: 0.3).
    ``n_output_tokens``: promoted and suppressed tokens named, of each. ``max_tokens``: of the reply.
    ``n_contrast``: silent windows shown by ``contrast``. ``max_tokens_full``: of a reply with all forms of a label.
    ``n_candidates``, ``temperature``: of ``best_of``; None for models that know no temperature.
    ``n_mistakes``: false alarms, and as many misses, shown by ``revise``.
    ``max_words``: asked of the label (DESIGN, section 2 of PROTOCOLS: short form <= 12).

    For ``lexical``: at most ``n_tokens`` are named, each with at least ``min_lift`` over the feature's
    density and ``min_share`` of the firings; an affix or a context must explain ``min_coverage``.
    """

    n_shown: int = 12
    n_top: int = 6
    mark_fraction: float = 0.3
    n_output_tokens: int = 10
    max_tokens: int = 40
    max_words: int = 12
    n_contrast: int = 6
    max_tokens_full: int = 300
    n_candidates: int = 5
    temperature: float | None = 1.0
    n_mistakes: int = 4
    n_tokens: int = 5
    min_lift: float = 3.0
    min_share: float = 0.05
    min_coverage: float = 0.6
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.n_top <= self.n_shown or self.n_shown < 1:
            msg = f"explain: n_top = {self.n_top} must lie between 0 and n_shown = {self.n_shown}, which must be >= 1"
            raise ConfigError(msg)
