"""The filter language on the command line: which of a run's labels an expression holds for, in its order."""

from collections.abc import Sequence
from pathlib import Path

from autointerp.dashboard.building import build_snapshot
from autointerp.dashboard.explorer import stream
from autointerp.dashboard.filters import Filter, Term, parse_filter
from autointerp.dashboard.shelf import Shelf
from autointerp.report.listing import FeatureLine


def chosen_lines(lines: Sequence[FeatureLine], run_dir: Path, where: str) -> list[FeatureLine]:
    """Return the lines of the labels that *where* holds for; the run's snapshot is made if it is not there.

    Raises:
        FilterError: The expression cannot be read, or names what is not there.
    """
    wanted = parse_filter(where)
    mine = Filter((*wanted.terms, Term("run", ":", run_dir.name)), wanted.sort)
    home = run_dir.absolute().parents[1]
    build_snapshot(home)
    shelf = Shelf(home)
    with shelf.lease() as reader:
        found = dict.fromkeys((row.name, row.explainer) for row in stream(reader, str(mine)) if row.label is not None)
    shelf.close()
    by_name = {(line.feature, line.explainer): line for line in lines}
    return [by_name[name] for name in found if name in by_name]
