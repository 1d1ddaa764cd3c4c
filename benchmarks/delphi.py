"""From text to 100 windows of every feature, beside delphi: ``python benchmarks/delphi.py --delphi PATH [--json]``.

PATH (or $DELPHI_PATH) is a folder from which EleutherAI's delphi can be imported; without it nothing is measured.
Both read the same contexts of 128 tokens with the same model and dictionary on the CPU, each side in a process of
its own, and end with 100 windows of 32 tokens of every feature that fires: all of them where it fires in fewer.

- delphi: ``LatentCache.run`` and ``save_splits``, then ``LatentDataset`` with its constructor and sampler. It runs
  the whole model; of one file and of five the faster and the smaller are taken; no silent windows are drawn.
- autointerp: the harvest as ``autointerp harvest`` does it, once with each of ``HARVESTS``, then ``read_samples`` and
  a keyed draw of windows.

Ratios are delphi's figure by ours, with the harvest named ``hundred``; seconds do not count loading a model, nor
making token ids of the text. ``time_ratio``: all of it. ``time_ratio_same_forward``: as if delphi's pass through
the model and its encoding took as long as ours, which ends at the site. ``time_ratio_without_forward``: less each
side's own pass and a dense encoding of the same vectors. ``time_ratio_load``: files to windows.
``time_ratio_with_strings``: both also turn every window's token ids into text. ``cpu_ratio...``: the same of
processor time, which other work on the machine lengthens less. ``bytes_ratio``: of what stands on the disk.

Bars, an aim: ``time_ratio``, ``time_ratio_without_forward`` and ``bytes_ratio`` at least 5. All grow with the text:
delphi keeps every activation and makes a window of each stretch that fires, we keep samples. ``--small`` checks that
the benchmark works; its figures are not results.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("TQDM_DISABLE", "1")

import harvest as common
from sides.ours import measure_ours
from sides.text import HARVESTS, Figures, open_run, write_world
from sides.theirs import SPLITS, import_delphi, measure_delphi

AIM = 5.0
MAIN = "hundred"
"""The harvest whose ratios are judged, as the task is put: 100 windows of every feature that has so many."""
RATIOS = ("time_ratio", "time_ratio_without_forward", "bytes_ratio")


# ---- figures


def compared(ours: Figures, theirs: Figures) -> Figures:
    """Return the ratios, delphi's figure by ours."""
    return {
        **ratios_of(ours["clock"]["wall"], theirs["clock"]["wall"], kind="time"),
        **ratios_of(ours["clock"]["cpu"], theirs["clock"]["cpu"], kind="cpu"),
        "bytes_ratio": min(theirs["bytes"].values()) / ours["bytes"],
    }


def ratios_of(ours: Mapping[str, float], theirs: Mapping[str, float], *, kind: str) -> dict[str, float]:
    """Return the ratios of seconds, of all and of parts; with strings only where ours made them."""
    mine, least = ours["cache"] + ours["load"], min(theirs[f"save_{n}"] + theirs[f"load_{n}"] for n in SPLITS)
    bare, their_bare = (side["forward"] + side["encode"] for side in (ours, theirs))
    # The same passes through the model for both: what is left of the ratio when nobody stops at the site.
    same = their_bare - bare
    found = {
        f"{kind}_ratio": (theirs["cache"] + least) / mine,
        f"{kind}_ratio_same_forward": (theirs["cache"] - same + least) / mine,
        f"{kind}_ratio_without_forward": (theirs["cache"] - their_bare + least) / (mine - bare),
        f"{kind}_ratio_load": min(theirs[f"load_{n}"] for n in SPLITS) / ours["load"],
    }
    if "strings" in ours:
        strings = theirs[f"save_{SPLITS[-1]}"] + theirs["load_strings"]
        found[f"{kind}_ratio_with_strings"] = (theirs["cache"] + strings) / (mine + ours["strings"])
    return found


# ---- all of it


def in_child(side: str, folder: Path, options: argparse.Namespace) -> Figures:
    """Return what one side measures in a process of its own."""
    command = [sys.executable, str(Path(__file__)), "--side", side, "--folder", str(folder)]
    command += ["--n-tokens", str(options.n_tokens)]
    command += ["--delphi", str(options.delphi)] + (["--small"] if options.small else [])
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def side_figures(options: argparse.Namespace) -> Figures:
    folder, name = options.folder, options.side
    if name == "world":
        write_world(folder, n_tokens=options.n_tokens, is_small=options.small)
        return {}
    run = open_run(folder, name=name, n_tokens=options.n_tokens, is_small=options.small)
    return (
        measure_delphi(run, folder, str(options.delphi))
        if name == "delphi"
        else measure_ours(run, with_strings=name == MAIN)
    )


def reason_to_skip(place: Path | None) -> str:
    """Return why nothing can be measured, "" when it can."""
    if place is None:
        return "no path to delphi: --delphi PATH, or DELPHI_PATH in the environment"
    command = [sys.executable, str(Path(__file__)), "--side", "check", "--delphi", str(place)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    return f"{place}: {done.stderr.strip().splitlines()[-1]}" if done.returncode else ""


HOW = (
    "To get it: pip install --no-deps --target /tmp/delphi eai-delphi asyncer; what else it misses, likewise; "
    "then python benchmarks/delphi.py --delphi /tmp/delphi"
)


def measure(folder: Path, options: argparse.Namespace) -> Figures:
    """Return all figures: both sides', and the ratios of each harvest."""
    in_child("world", folder, options)
    sides = {}
    for name in ("delphi", *HARVESTS):
        sides[name] = in_child(name, folder, options)
        print(f"\n{name}", *lines_of(sides[name]), sep="\n", flush=True)
    seen = {name: [side[count] for count in ("n_features", "n_activations")] for name, side in sides.items()}
    # Tokens of massive norm, which only the harvest leaves out, are a handful, but light features nothing else does.
    same = all(abs(a - b) <= b / 50 for own in seen.values() for a, b in zip(own, seen["delphi"], strict=True))
    common.require(same, f"the sides did not see the same activations, (features, activations): {seen}")
    ratios = {name: compared(sides[name], sides["delphi"]) for name in HARVESTS}
    for name, own in ratios.items():
        print(f"\ndelphi / {name}", *lines_of(own), sep="\n", flush=True)
    return {"n_tokens": options.n_tokens, "small": options.small} | ratios[MAIN] | {"sides": sides, "rows": ratios}


def lines_of(figures: Mapping[str, Any], indent: int = 2) -> Iterator[str]:
    for name, value in figures.items():
        if isinstance(value, dict):
            yield f"{'':{indent}}{name}"
            yield from lines_of(value, indent + 2)
        else:
            yield f"{'':{indent}}{name:{34 - indent}} " + (
                f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"
            )


def main() -> None:
    """Measure, print, and end with 1 below the aim; with 0 where delphi is not there, unless it is required."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--delphi", type=Path, default=os.environ.get("DELPHI_PATH"), help="a folder with delphi")
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    parser.add_argument("--small", action="store_true", help="a random model of two layers and a fifth of the text")
    parser.add_argument("--n-tokens", type=int, default=0, help="tokens to read, a multiple of 4,096")
    parser.add_argument("--require", action="store_true", help="end with 1 where delphi is not there")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.n_tokens = options.n_tokens or (8_192 if options.small else 40_960)
    if options.side == "check":
        import_delphi(str(options.delphi))
        return
    if options.side:
        print(json.dumps(side_figures(options)))
        return
    if reason := reason_to_skip(options.delphi):
        print(f"SKIPPED, nothing was compared. {reason}\n{HOW}", file=sys.stderr)
        print(json.dumps({"skipped": reason}) if options.json else "skipped")
        raise SystemExit(1 if options.require else 0)
    with tempfile.TemporaryDirectory(prefix="benchmark-delphi-") as folder:
        figures = measure(Path(folder), options)
    missed = [f"{name} {figures[name]:.2f}, aim >= {AIM:.0f}" for name in RATIOS if figures[name] < AIM]
    print("\n" + ("below the aim: " + "; ".join(missed) if missed else "all aims reached"), flush=True)
    if options.json:
        print(json.dumps(figures | {"missed": missed}))
    raise SystemExit(1 if missed else 0)


if __name__ == "__main__":
    main()
