"""Losses against compute on a terminal."""

import pandas as pd

from autointerp.report.curves import ROWS_EACH, curve_text


def test_last_row_of_every_dictionary_is_shown() -> None:
    """However many steps there are, each dictionary has few rows, in order, and its last one."""
    steps = [1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 47]
    rows = [
        {"dictionary": name, "step": step, "tokens": 10 * step, "flops": 6e3 * step, "loss": 1 / step, "l0": 4.0}
        for name, last in (("l-s0/8", 12), ("l-s1/8", 3))
        for step in steps[:last]
    ]
    lines = [line.split() for line in curve_text(pd.DataFrame(rows)).splitlines() if line.startswith("│")]
    shown = [int(cells[3] if cells[1].startswith("l") else cells[2]) for cells in lines]
    assert shown[-3:] == [1, 2, 3]
    assert shown[:-3] == sorted(shown[:-3])
    assert shown[-4] == 47
    assert len(shown) - 3 <= ROWS_EACH
