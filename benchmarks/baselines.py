"""What labels add to a token table where nothing is to be found: ``python benchmarks/baselines.py [--json] [--small]``.

On the demo's subject and site, and the smaller ones of its sources: random directions (matched density) beside one
dictionary of the demo's ladder, and a dictionary of the same recipe trained on the subject with its weights shuffled,
read on that subject. Features are drawn and their windows sampled as in any run; the label is the lexical
explainer's, the judge an oracle that says yes exactly where that label's rule fires, the scorer detection.

``excess_lookup``: AUROC of the label minus AUROC of the token look-up on the same windows, mean over features with
its 95% bootstrap interval; at most 0.02 for ``random`` and ``shuffled``. The rest has no bar: the ladder's own
excess, and how well the look-up alone does by kind (features of random weights may be *more* easily told by their
tokens: Towards Monosemanticity). Features without a lexical label are counted and have no excess.

``--small`` checks that the benchmark works; its figures are not results. ``--home`` keeps what was harvested.
"""

import argparse
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from lexical_oracle import Against, against_lookup
from trials.figure import Figure, at_most, report

from autointerp.analysis.estimates import Estimate, estimate_mean
from autointerp.pipeline.config import parse_config, parse_train_config, read_toml
from autointerp.pipeline.driver import opened
from autointerp.pipeline.order import carry_out_stages
from autointerp.pipeline.shipped import demo_ladder_folder
from autointerp.pipeline.training import train_ladder

ROOT = Path(__file__).parents[1]
MAX_EXCESS = 0.02
CORPUS = ["gensim-news", "python-topics"]
KINDS = ("random", "residual-basis", "pca")
"""Baselines beside the ladder; the bar is of the first."""


@dataclass(frozen=True)
class Sizes:
    """Tokens that train the shuffled dictionary, that fit baselines and that are harvested; features of each."""

    n_trained: int
    width: int
    n_fitted: int
    n_harvested: int
    n_features: int


FULL, SMALL = Sizes(24_576, 1024, 8_192, 16_000, 40), Sizes(8_192, 64, 2_048, 6_000, 8)


def show(stage: str, done: int, total: int, unit: str) -> None:
    """Write how far a stage is."""
    print(f"{stage} {done:,} of {total:,} {unit}", file=sys.stderr, flush=True)


def settings_of(sizes: Sizes) -> dict[str, Any]:
    """Return what both runs share: subject and text, windows as by default, no model asked."""
    demo = read_toml(ROOT / "data" / "demo.toml")
    shared = {name: demo[name] for name in ("seed", "subject", "site")}
    return shared | {
        "corpus": CORPUS,
        "harvest": {"n_tokens": sizes.n_harvested, "max_tokens_per_document": 1024},
        "features": {"n_per_dictionary": sizes.n_features},
        "explain": {"explainers": ["lexical"], "model": "constant:0.5"},
        "score": {"judge": "constant:0.5"},
        "certify": {"n_features": 0},
    }


def train_shuffled(sizes: Sizes, home: Path) -> Path:
    """Return the folder of a dictionary of the demo's recipe, trained on the shuffled subject."""
    folder = home / "shuffled"
    if not (folder / "manifest.json").exists():
        content = read_toml(ROOT / "data" / "ladder.toml") | {
            "name": "shuffled",
            "shuffle_weights": True,
            "corpus": CORPUS,
            "n_tokens": sizes.n_trained,
            "widths": [sizes.width],
            "epochs": 4,
            "batch": 512,
            "n_evaluation_contexts": 4,
            "n_cross_entropy_contexts": 1,
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            config = parse_train_config(content, source="benchmark")
            train_ladder(config, home=home, folder=folder, command="benchmarks/baselines.py", on_progress=show)
    return folder


def compared(content: dict[str, Any], home: Path) -> Iterator[Against]:
    """Yield the drawn features of a run carried out as far as its evidence."""
    with opened(parse_config(content, source="benchmark"), home=home, on_progress=show) as run:
        carry_out_stages(run, "evidence")
        yield from against_lookup(run)


def measure(sizes: Sizes, home: Path) -> list[Figure]:
    """Return all figures."""
    shared = settings_of(sizes)
    ladder = {
        "name": "trained",
        "dictionaries": [str(demo_ladder_folder() / "2048")],
        "baselines": [{"kind": kind, "n_tokens": sizes.n_fitted} for kind in KINDS],
    }
    lost = {"name": "lost", "dictionaries": [str(train_shuffled(sizes, home))], "shuffle_weights": True}
    found = [one for changes in (ladder, lost) for one in compared(shared | changes, home)]
    return [figure for name in ("random", "shuffled", *KINDS[1:], "smol-l12") for figure in figures_of(name, found)]


def figures_of(name: str, found: Sequence[Against]) -> Iterator[Figure]:
    """Yield the figures of one family: excess with its bounds, features, and the look-up's own AUROC."""
    mine = [one for one in found if one.feature.dictionary.split("/")[0] == name]
    excess = mean_of([one.excess for one in mine if one.excess is not None], name)
    has_bar = name in ("random", "shuffled")
    value = float("nan") if excess.value is None else excess.value
    yield at_most(f"excess_lookup_{name}", value, MAX_EXCESS) if has_bar else report(f"excess_lookup_{name}", value)
    if excess.low is not None and excess.high is not None:
        yield report(f"excess_lookup_{name}_low", excess.low)
        yield report(f"excess_lookup_{name}_high", excess.high)
    yield report(f"n_features_{name}", excess.n)
    yield report(f"n_without_label_{name}", len(mine) - excess.n)
    lookup = mean_of([one.lookup for one in mine], name)
    if lookup.value is not None:
        yield report(f"auroc_lookup_{name}", lookup.value)


def mean_of(values: Sequence[float], name: str) -> Estimate:
    """Return the mean over features with its interval."""
    import numpy as np

    return estimate_mean(np.array(values, np.float64), seed=0, about=(name,))


def main() -> int:
    """Print every figure; return 1 when one falls short of its bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line of standard output")
    parser.add_argument("--small", action="store_true", help="a check in minutes; not a result")
    parser.add_argument("--home", type=Path, help="a folder to keep what is trained and harvested")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(SMALL if arguments.small else FULL, arguments.home or Path(folder))
    print(*figures, sep="\n")
    short = [figure.name for figure in figures if not figure.is_met]
    if arguments.json:
        print(json.dumps({figure.name: figure.value for figure in figures} | {"falls_short": short}))
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
