"""Features against earlier neurons, as text, as a table, and as a section of the report."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from autointerp.analysis.against_neurons import PUBLISHED_SHARE, WEAK, AgainstNeurons, Weak, against_neurons
from autointerp.analysis.figures import count, number, ranged
from autointerp.report.blocks import Block, Prose, Table
from autointerp.report.grids import Grid
from autointerp.report.tables import RunTables
from autointerp.report.text import visible

ABOUT = (
    "Of each feature the highest |Pearson correlation| of its activation with any single MLP neuron computed before "
    "the dictionary's site, over the same tokens. Intervals are Wilson's, 95%, over features."
)
CAUTION = (
    "The highest of many correlations is never 0: what the same features reach with their tokens shifted, which is "
    "chance, stands beside. From few firings a correlation is rough, so features with too few on these tokens are "
    "counted apart; widths are compared raw, and features of a wider dictionary are rarer. That no neuron follows a "
    "feature does not say that no few neurons together do, nor that the feature is the better one to read. Scaling "
    f"Monosemanticity found {PUBLISHED_SHARE:.0%} of its features at most {WEAK}, in another model, on more text: a "
    "difference to that means nothing by itself."
)


@dataclass(frozen=True, slots=True)
class NeuronsFound:
    """What was found of every dictionary asked about."""

    dictionaries: tuple[AgainstNeurons, ...]

    def as_dict(self) -> dict[str, Any]:
        return {"weak": WEAK, "published_share": PUBLISHED_SHARE, **asdict(self)}

    def text(self) -> str:
        return "\n".join([*(line for one in self.dictionaries for line in _lines(one)), CAUTION])


def found_against_neurons(run_dir: Path, **settings: Any) -> NeuronsFound:
    """Return the comparison of a run's dictionaries with the neurons before them; it is the table ``neurons``.

    *settings* and errors are those of ``pipeline.neurons.compare_with_neurons``.
    """
    from autointerp.pipeline.neurons import compare_with_neurons  # brings torch: the report reads the table alone

    return NeuronsFound(against_neurons(compare_with_neurons(run_dir, **settings)))


def _lines(one: AgainstNeurons) -> Iterator[str]:
    name = visible(one.dictionary, keep="")
    yield f"{name}: highest |r| with any of {count(one.n_neurons)} earlier neurons, on {count(one.n_tokens)} tokens"
    if one.own.n:
        n = count(one.own.n)
        yield f"  {_share(one.own)} of {n} features at most {WEAK} · tokens shifted {_share(one.shifted)}"
        yield f"  10%, 50%, 90% of them at {_quantiles(one.own)} · tokens shifted {_quantiles(one.shifted)}"
    else:
        yield "  of no feature can anything be said"
    if one.left_out:
        yield f"  left out of {count(one.n_features)}: {_left_out(one)}"


def _share(weak: Weak) -> str:
    return ranged(weak.share, weak.low, weak.high)


def _quantiles(weak: Weak) -> str:
    return " · ".join(number(q) for q in weak.quantiles) or "none"


def _left_out(one: AgainstNeurons) -> str:
    return ", ".join(f"{count(n)} {status.replace('_', ' ')}" for status, n in one.left_out) or "none"


# ---- in the report


def neuron_blocks(run: RunTables) -> Iterator[Block]:
    """Yield what the table ``neurons`` says; nothing before ``features neurons``."""
    rows: pd.DataFrame = run["neurons"]
    if rows.empty:
        return
    yield Prose(ABOUT)
    yield Table("Features against earlier neurons", neurons_grid(against_neurons(rows)))
    yield Prose(CAUTION)


def neurons_grid(found: tuple[AgainstNeurons, ...]) -> Grid:
    """Return one row a dictionary: share of features without a strong neuron, and quantiles, beside shifted tokens."""
    head = (
        "dictionary", f"at most {WEAK} [95%]", "features", f"tokens shifted,\nat most {WEAK} [95%]",
        "|r| at 10%,\n50%, 90%", "tokens shifted", "tokens", "neurons", "left out",
    )  # fmt: skip
    rows = tuple(
        (
            *(one.dictionary, _share(one.own), count(one.own.n), _share(one.shifted), _quantiles(one.own)),
            *(_quantiles(one.shifted), count(one.n_tokens), count(one.n_neurons), _left_out(one)),
        )
        for one in found
    )
    return Grid(head, rows, 1, "No dictionary was compared with neurons.")
