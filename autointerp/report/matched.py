"""A run's dictionaries matched with each other: what became of features at the next width, and of their scores."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from autointerp.analysis.change import ALL, Part, decompose_change, paired_change
from autointerp.analysis.estimates import FEW_FEATURES, Estimate
from autointerp.analysis.figures import count, number, with_interval
from autointerp.analysis.matching import KINDS, MatchSettings, Side, kind_of_features, match_features
from autointerp.analysis.values import MEASURE, feature_values, main_values, measure_name
from autointerp.core.errors import ConfigError
from autointerp.pipeline.finding import dictionaries_named
from autointerp.pipeline.run import Run
from autointerp.report.text import visible
from autointerp.store.parts import read_table, write_part

if TYPE_CHECKING:
    from autointerp.pipeline.pooled import PoolTokens
    from autointerp.subject.dictionaries import Dictionary


@dataclass(frozen=True, slots=True)
class Change:
    """A measure's change from the narrow to the wide dictionary, by what became of the features.

    ``paired``: the mean difference over matched pairs of which both were scored.
    """

    measure: str
    explainer: str
    judge: str
    parts: tuple[Part, ...]
    paired: Estimate


@dataclass(frozen=True, slots=True)
class Matched:
    """Two dictionaries matched: features by kind of each, and the changes of what was scored."""

    narrow: str
    wide: str
    n_tokens: int
    kinds_narrow: Mapping[str, int]
    kinds_wide: Mapping[str, int]
    changes: tuple[Change, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def text(self) -> str:
        return "\n".join(_lines(self))


def match_run(run_dir: Path, *, narrow: str = "", wide: str = "") -> list[Matched]:
    """Return the matches of neighbouring widths, or of the two dictionaries named; they are the table ``matches``.

    Reads the pool of the run's harvest; loads the dictionaries and, to find the harvest, the subject.

    Raises:
        ConfigError: The text is not harvested, a name is unknown, or there are no two widths of one family.
    """
    from autointerp.pipeline.pooled import pool_tokens  # brings torch: the report reads the table alone

    run = Run.at(run_dir)
    pairs = chosen_pairs(run.dictionaries, narrow=narrow, wide=wide)
    tokens = pool_tokens(run.harvest_folder)
    values = _values(run_dir)
    return [_matched(run, tokens, values, pair) for pair in pairs]


def chosen_pairs(
    dictionaries: "Sequence[Dictionary]", *, narrow: str = "", wide: str = ""
) -> "list[tuple[Dictionary, Dictionary]]":
    """Return the two dictionaries named, or each width of a family with the next. Raises ConfigError."""
    usable = dictionaries_named(dictionaries, "", with_directions=True)
    if narrow or wide:
        if not (narrow and wide):
            msg = f"--narrow and --wide go together, and {'--wide' if narrow else '--narrow'} names no dictionary"
            raise ConfigError(msg)
        return [(dictionaries_named(usable, narrow)[0], dictionaries_named(usable, wide)[0])]
    ordered = sorted(usable, key=lambda d: (d.family, d.n_features))
    pairs = [(a, b) for a, b in pairwise(ordered) if a.family == b.family]
    if not pairs:
        there = ", ".join(d.name for d in usable)
        msg = f"no family has two widths in this run ({there}); name two with --narrow and --wide"
        raise ConfigError(msg)
    return pairs


def _matched(run: Run, tokens: "PoolTokens", values: pd.DataFrame, pair: "tuple[Dictionary, Dictionary]") -> Matched:
    narrow, wide = pair
    if narrow.output_site != wide.output_site:
        msg = f"{narrow.name} writes at {narrow.output_site}, {wide.name} at {wide.output_site}: choose two of one site"
        raise ConfigError(msg)
    sides = [_side(run, d, tokens) for d in pair]
    matches = match_features(*sides, n_tokens=tokens.n_kept, settings=MatchSettings())
    rows = matches.assign(narrow=narrow.name, wide=wide.name)
    write_part(run.directory, "matches", f"{narrow.name} {wide.name}", rows)
    kinds = kind_of_features(matches, "parent"), kind_of_features(matches, "child")
    return Matched(
        narrow=narrow.name,
        wide=wide.name,
        n_tokens=tokens.n_kept,
        kinds_narrow=_counts(kinds[0]),
        kinds_wide=_counts(kinds[1]),
        changes=tuple(
            changes_of(values, matches, ((narrow.name, kinds[0]), (wide.name, kinds[1])), seed=run.config.seed)
        ),
    )


def _side(run: Run, dictionary: "Dictionary", tokens: "PoolTokens") -> Side:
    from autointerp.pipeline.pooled import pool_activations

    activations = pool_activations(run.harvest_folder, dictionary.name, dictionary.n_features, tokens)
    return Side(dictionary.directions.float().cpu().numpy(), activations)


def _counts(kinds: pd.Series) -> dict[str, int]:
    """Return how many features are of each kind, of kinds that occur."""
    return {kind: int(n) for kind in KINDS if (n := (kinds == kind).sum())}


# ---- scores


def _values(run_dir: Path) -> pd.DataFrame:
    return main_values(feature_values(read_table(run_dir, "scores"), read_table(run_dir, "explanations")))


def changes_of(
    values: pd.DataFrame, matches: pd.DataFrame, sides: Sequence[tuple[str, pd.Series]], *, seed: int
) -> Iterator[Change]:
    """Yield one change a main measure that both dictionaries have; sides: names, and the kinds of their features."""
    for key, rows in values.groupby(MEASURE, sort=True):
        explainer, scorer, variant, metric, judge = map(str, key)
        before, after = (_scored(rows[rows["dictionary"] == name], of) for name, of in sides)
        about = (*(name for name, _ in sides), *map(str, key))
        if parts := decompose_change(before, after, seed=seed, about=about):
            yield Change(
                measure=visible(measure_name(scorer, variant, metric), keep=""),
                explainer=visible(explainer, keep=""),
                judge=visible(judge, keep=""),
                parts=parts,
                paired=paired_change(before, after, matches, seed=seed),
            )


def _scored(rows: pd.DataFrame, kinds: pd.Series) -> pd.DataFrame:
    features = rows["feature"].astype(int)
    return pd.DataFrame({"feature": features, "value": rows["value"], "kind": features.map(kinds)})


# ---- as text


def rough(changes: Sequence[Change]) -> str:
    """Return what to think of the intervals where a side has few scored features, "" where all have enough."""
    sizes = [min(whole.n_narrow, whole.n_wide) for change in changes for whole in change.parts if whole.kind == ALL]
    if not sizes or min(sizes) >= FEW_FEATURES:
        return ""
    return f"Rough: over fewer than {FEW_FEATURES} scored features a side, intervals are too narrow to decide anything."


def _lines(matched: Matched) -> Iterator[str]:
    n = [sum(kinds.values()) for kinds in (matched.kinds_narrow, matched.kinds_wide)]
    yield f"{matched.narrow} and {matched.wide}, by directions and firings on {count(matched.n_tokens)} tokens"
    for kind in KINDS:
        own = [kinds.get(kind, 0) for kinds in (matched.kinds_narrow, matched.kinds_wide)]
        if any(own):
            yield f"  {kind:10} {_share(own[0], n[0])} narrow · {_share(own[1], n[1])} wide"
    for change in matched.changes:
        yield from _change_lines(change)


def _share(n: int, of: int) -> str:
    return f"{count(n)} of {count(of)}"


def _change_lines(change: Change) -> Iterator[str]:
    yield f"  {change.measure}, labels by {change.explainer}, judge {change.judge}:"
    if caution := rough([change]):
        yield f"    {caution}"
    for part in change.parts:
        means = (
            f"{number(part.mean_narrow)} ({part.n_narrow} scored) to {number(part.mean_wide)} ({part.n_wide} scored)"
        )
        yield f"    {part.kind:10} adds {with_interval(part.change, digits=3)} · {means}"
    if change.paired.n:
        yield f"    in matched pairs {with_interval(change.paired, digits=3)} · {change.paired.n} scored on both sides"
