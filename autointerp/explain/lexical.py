"""The explainer without a language model: tokens, affixes and contexts by lift, as a sentence and a rule."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from autointerp.core.types import Evidence, Explanation, Failure, Prompt, Question, Reason, Reply, TokenStat, Window
from autointerp.explain.settings import ExplainSettings
from autointerp.prompting.windows import near_peak, safe_text

AFFIX_LENGTHS = (5, 4, 3)


@dataclass(frozen=True, slots=True)
class LexicalRule:
    """Which tokens a feature fires on: a token that meets every part of the rule that is given.

    ``tokens`` are exact, with their space; ``prefix`` and ``suffix`` are compared with the token in
    lower case without spaces; ``after`` holds tokens, without spaces, one of which must come directly before.
    """

    tokens: frozenset[str] = frozenset()
    prefix: str = ""
    suffix: str = ""
    after: frozenset[str] = frozenset()

    def fires(self, window: Window) -> tuple[float, ...]:
        """Return 1.0 on each token the rule covers, else 0.0, shape [T]."""
        before = ("", *(token.strip() for token in window.tokens[:-1]))
        return tuple(float(self._covers(token, b)) for token, b in zip(window.tokens, before, strict=True))

    def _covers(self, token: str, before: str) -> bool:
        word = token.strip().lower()
        if not word or (self.tokens and token not in self.tokens):
            return False
        return word.startswith(self.prefix) and word.endswith(self.suffix) and (not self.after or before in self.after)


class LexicalExplainer:
    """The free baseline every model-written label has to beat (PROTOCOLS, section 2)."""

    name = "lexical"

    def __init__(self, settings: ExplainSettings) -> None:
        self.settings = settings

    def question(self, evidence: Evidence) -> Question | None:  # noqa: ARG002 (the protocol's signature)
        """Return None: nobody is asked."""
        return None

    def read(self, evidence: Evidence, reply: Reply | None) -> Explanation | Failure:  # noqa: ARG002
        """Return the sentence of the feature's rule, or that no token stands out."""
        rule = find_rule(evidence, self.settings)
        if rule is None:
            return Failure("explain", str(evidence.feature), Reason.EXPLAIN_FAILED, "no token or context stands out")
        return Explanation(evidence.feature, describe_rule(rule, evidence), explainer=self.name, model=self.name)


def find_rule(evidence: Evidence, settings: ExplainSettings) -> LexicalRule | None:
    """Return the rule that covers the shown side's firings best; None when nothing stands out.

    A few tokens if they cover enough; else an affix, a context, and, if these fail, the tokens after all.
    """
    strong = rank_tokens(evidence, settings)
    named = [stat for stat in strong if stat.fired >= settings.min_share * _n_fired(evidence)][: settings.n_tokens]
    tokens = frozenset(stat.token for stat in named)
    after = _find_context(evidence, settings)
    if named and _coverage(named, evidence) >= settings.min_coverage:
        return LexicalRule(tokens=tokens, after=after)
    affix = _find_affix(strong, evidence, settings)
    if affix is not None:
        return affix
    return LexicalRule(tokens=frozenset() if after else tokens, after=after) if after or tokens else None


def rank_tokens(evidence: Evidence, settings: ExplainSettings) -> list[TokenStat]:
    """Return the tokens with enough lift, by fired * log(lift), largest first, ties by token."""
    fired = [stat for stat in evidence.token_stats if stat.fired > 0 and stat.token.strip()]
    strong = [stat for stat in fired if lift(stat, evidence.density) >= settings.min_lift]
    return sorted(strong, key=lambda s: (-s.fired * math.log(lift(s, evidence.density)), s.token))


def lift(stat: TokenStat, density: float) -> float:
    """Return how much likelier the feature fires on this token than on any, >= 0.

    Church and Hanks 1990, without the logarithm; one occurrence without firing is added, so that a
    token seen once is no evidence. A density of 0 (nothing known) counts as one in a million.
    """
    return stat.fired / (stat.seen + 1) / max(density, 1e-6)


def describe_rule(rule: LexicalRule, evidence: Evidence) -> str:
    """Return the rule as a label: ``the token "foo" (also "bar") after "the"``."""
    order = {stat.token: (-stat.fired, stat.token) for stat in evidence.token_stats}
    names = list(dict.fromkeys(_quoted(token) for token in sorted(rule.tokens, key=lambda t: order.get(t, (0, t)))))
    text = f"the token {names[0]}" if names else "words" if rule.prefix or rule.suffix else "the token"
    text += f" (also {', '.join(names[1:])})" if names[1:] else ""
    text += f' beginning with "{safe_text(rule.prefix)}"' if rule.prefix else ""
    text += f' ending in "{safe_text(rule.suffix)}"' if rule.suffix else ""
    text += f" directly after {' or '.join(map(_quoted, sorted(rule.after)))}" if rule.after else ""
    return text


def make_lexical(prompt: Prompt | None, settings: ExplainSettings) -> LexicalExplainer:
    """Return the explainer; it has no prompt."""
    assert prompt is None, "the lexical explainer asks nobody"
    return LexicalExplainer(settings)


def _n_fired(evidence: Evidence) -> int:
    return sum(stat.fired for stat in evidence.token_stats)


def _coverage(stats: Iterable[TokenStat], evidence: Evidence) -> float:
    """Return the share of the firings that fall on these tokens, 0 to 1."""
    return sum(stat.fired for stat in stats) / max(_n_fired(evidence), 1)


def _find_affix(strong: list[TokenStat], evidence: Evidence, settings: ExplainSettings) -> LexicalRule | None:
    """Return the longest ending or beginning that at least 3 words share and that covers enough."""
    for length in AFFIX_LENGTHS:
        for part, rule in ((slice(-length, None), "suffix"), (slice(None, length), "prefix")):
            found = _common_part(strong, part, length)
            if found and _coverage(found[1], evidence) >= settings.min_coverage:
                return LexicalRule(**{rule: found[0]})  # type: ignore[arg-type]
    return None


def _common_part(stats: list[TokenStat], part: slice, length: int) -> tuple[str, list[TokenStat]] | None:
    """Return the affix on which the feature fired most often, with its tokens; None below 3 words."""
    groups: dict[str, list[TokenStat]] = {}
    for stat in stats:
        word = stat.token.strip().lower()
        if len(word) > length:
            groups.setdefault(word[part], []).append(stat)
    wide = {k: v for k, v in groups.items() if len({stat.token.strip().lower() for stat in v}) >= 3}
    best = min(wide, key=lambda k: (-sum(stat.fired for stat in wide[k]), k), default=None)
    return None if best is None else (best, wide[best])


def _find_context(evidence: Evidence, settings: ExplainSettings) -> frozenset[str]:
    """Return the one token that directly precedes enough of the firings, with lift; else nothing."""
    windows = {s.window.item: s.window for s in evidence.shown if s.window.is_firing and s.stratum != "neighbour"}
    firing = Counter(_before_peaks(windows.values(), settings.mark_fraction))
    anywhere = Counter(token.strip() for window in windows.values() for token in window.tokens)
    n_firing, n_tokens = sum(firing.values()), sum(anywhere.values())
    for token, count in firing.most_common(1):
        share, base = count / n_firing, anywhere[token] / n_tokens
        if n_firing >= 3 and share >= settings.min_coverage and share >= settings.min_lift * base:
            return frozenset([token])
    return frozenset()


def _before_peaks(windows: Iterable[Window], fraction: float) -> Iterator[str]:
    """Yield the token, without spaces, directly before each token near its window's peak."""
    for window in windows:
        marked = near_peak(window, fraction=fraction)
        for (before, _), (_, is_marked) in pairwise(zip(window.tokens, marked, strict=True)):
            if is_marked and before.strip():
                yield before.strip()


def _quoted(token: str) -> str:
    return f'"{safe_text(token.strip())}"'
