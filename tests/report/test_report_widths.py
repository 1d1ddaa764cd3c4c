"""Tables and curves by width: the numbers of the page's other tables; others' numbers are never one's own."""

import re

import numpy as np
import pandas as pd
import pytest
from dashboard_builders import changed
from report_builders import Builder

from autointerp.analysis.figures import with_interval
from autointerp.analysis.ladders import ladders
from autointerp.analysis.summary import summary_lines
from autointerp.analysis.width import width_trends
from autointerp.report.blocks import Figures, Table, every_block, every_table
from autointerp.report.charts import Picture, width_curve
from autointerp.report.page import Page, build_page
from autointerp.report.published import PUBLISHED, published_lines
from autointerp.report.sections import sections_of
from autointerp.report.tables import RunTables, values_of
from autointerp.store.schemas import TABLES

CAPTION = "By width: every quantity"
WIDTHS = (512, 1024, 2048, 4096)
NAN = float("nan")


@pytest.fixture(scope="module")
def run(build: Builder) -> RunTables:
    return build(n_scored=16, explainers=("examples",))


@pytest.fixture(scope="module")
def page(run: RunTables) -> Page:
    return build_page(run)


def tables_of(page: Page) -> dict[str, Table]:
    return {t.caption: t for section in sections_of(page) for t in every_table(section.blocks)}


def rows_of(page: Page, quantity: str) -> list[dict[str, str]]:
    grid = tables_of(page)[CAPTION].grid
    rows = [dict(zip(grid.head, row, strict=True)) for row in grid.rows]
    return [row for row in rows if row["quantity"] == quantity]


def test_dictionaries_stand_narrow_first_everywhere(page: Page) -> None:
    """In tables and beneath pictures, where names sorted as strings would put 512 last."""
    blocks = [block for section in sections_of(page) for block in every_block(section.blocks)]
    grids = [table.grid for section in sections_of(page) for table in every_table(section.blocks)]
    grids += [grid for block in blocks if isinstance(block, Figures) for _, grid in block.pictures]
    n_checked = 0
    for grid in grids:
        names = list(dict.fromkeys(row[0] for row in grid.rows if grid.head[0] == "dictionary"))
        if len(names) == len(WIDTHS):
            assert names == [f"toy-l12/{width}" for width in WIDTHS], grid.head
            n_checked += 1
    assert n_checked >= 8


def test_raw_means_are_those_of_the_score_tables(page: Page) -> None:
    """Each mean over features and over firings reads letter by letter as in the table of its measure."""
    printed = {}
    for caption, table in tables_of(page).items():
        if table.grid.head[:2] == ("dictionary", "labels by") and "mean over\nfeatures [95%]" in table.grid.head:
            places = [table.grid.head.index(f"mean over\n{over} [95%]") for over in ("features", "firings")]
            printed |= {(caption.lower(), row[0], row[1]): [row[place] for place in places] for row in table.grid.rows}
    n_found = 0
    for place, over in enumerate(("features", "firings")):
        for row in rows_of(page, f"mean over {over}"):
            key = row["measure"].lower(), row["dictionary"], row["labels by"]
            if key in printed:
                assert row["value [95%]"] == printed[key][place]
                n_found += 1
    assert n_found == 2 * len(printed) == 2 * 3 * len(WIDTHS)


def test_means_at_fixed_density_are_those_of_the_trends(run: RunTables, page: Page) -> None:
    """They are not drawn anew: value and interval are the curve's own, and counts are the matched features."""
    trends = width_trends(ladders(values_of(run), run["dictionaries"], run["features"]))
    means = {
        (f"toy-l12/{w}", t.scorer, t.variant): m
        for t in trends
        if t.means
        for w, m in zip(t.widths, t.means, strict=True)
    }
    assert means
    printed = {
        (row["dictionary"], row["measure"]): (row["value [95%]"], row["n"])
        for row in rows_of(page, "mean over features at fixed density")
    }
    for (dictionary, scorer, variant), mean in means.items():
        name = f"{scorer} ({variant.replace('_', ' ')})" if variant else scorer
        (found,) = [
            cells
            for (d, m), cells in printed.items()
            if d == dictionary and re.match(rf"{re.escape(name)}, (AUROC|corr)", m)
        ]
        assert found == (with_interval(mean), str(mean.n))


def test_scored_shares_count_what_was_asked(run: RunTables, page: Page) -> None:
    """The share of asked features with a score, over as many as were asked; precision stands beside the headlines."""
    lines = summary_lines(values_of(run), run["features"], run["dictionaries"])
    asked = {(line.dictionary, line.measure): (line.mean.n / line.n_asked, line.n_asked) for line in lines}
    rows = rows_of(page, "scored")
    assert {row["measure"] for row in rows} == {
        "detection, AUROC", "detection, precision", "simulation (top and random), correlation",
        "simulation (random only), correlation",
    }  # fmt: skip
    for row in rows:
        share, n = asked[row["dictionary"], row["measure"]]
        assert row["value [95%]"].startswith(f"{share:.2f} [")
        assert row["n"] == str(n)


@pytest.mark.parametrize(
    "settings", [{"scored": False}, {"n_scored": 0}, {"widths": (512,), "n_scored": 1}, {"value": 0.5}]
)
def test_poor_runs_have_a_whole_table(build: Builder, settings: dict[str, object]) -> None:
    """Nothing scored, one feature, one width, all equal: no NaN, and what has no number says so."""
    page = build_page(build(**{"widths": (512, 1024), "n_scored": 3, **settings}))
    found = tables_of(page).get(CAPTION)
    cells = [cell for row in found.grid.rows for cell in row] if found else []
    assert not any(re.search(r"\bnan\b|<NA>|None", cell) for cell in cells)
    place = found.grid.head.index("value [95%]") if found else 0
    assert all(row[place] == "unscored" or "[" in row[place] for row in (found.grid.rows if found else ()))


# ---- compute


def trained(run: RunTables) -> RunTables:
    """Return the run with what its dictionaries took: two epochs each, 100 FLOPs a feature in all."""
    rows = [
        dict.fromkeys(TABLES["training"].names, 0)
        | {"dictionary": f"toy-l12/{w}", "family": "toy-l12", "architecture": "topk", "axis": "k", "width": w}
        | {"step": step, "flops": 50.0 * step * w, "loss": 40 / w**0.5 / step}
        for w in WIDTHS
        for step in (1, 2)
    ]
    return changed(run, training=pd.DataFrame(rows)[list(TABLES["training"].names)])


def test_laws_against_compute_stand_where_training_is_on_record(run: RunTables, page: Page) -> None:
    """Scores and losses are fitted against the FLOPs of the whole training; without a record there is no such row."""
    grid = tables_of(build_page(trained(run)))["Power laws"].grid
    rows = [dict(zip(grid.head, row, strict=True)) for row in grid.rows]
    by_compute = [row for row in rows if row["against"] == "compute of training (FLOPs)"]
    assert {row["what"] for row in by_compute} >= {"detection, AUROC", "training loss of toy-l12"}
    for row in by_compute:
        assert [point.split(":")[0] for point in row["points"].split("; ")][:4] == [
            "51,200",
            "102,400",
            "204,800",
            "409,600",
        ]
    (loss,) = [row for row in by_compute if row["what"].startswith("training loss")]
    assert loss["exponent [95%]"].startswith("-0.500")
    bare = tables_of(page)["Power laws"].grid
    assert not [row for row in bare.rows if "FLOPs" in row[bare.head.index("against")]]


# ---- published


def others(*points: tuple[str, int, float]) -> pd.DataFrame:
    return pd.DataFrame(list(points), columns=["source", "width", "value"])


def means(*values: float, widths: tuple[int, ...] = WIDTHS) -> pd.DataFrame:
    rows = [
        {"dictionary": f"toy/{w}", "place": f"{w:,}", "width": w, "mean": m, "low": m - 0.1, "high": m + 0.1}
        | {"scored": 5, "asked": 6, "chance": 0.5, "shuffled": 0.51}
        for w, m in zip(widths, values, strict=False)
    ]
    return pd.DataFrame(rows)


def drawn(published: pd.DataFrame | None, own: pd.DataFrame | None = None) -> Picture:
    return width_curve(means(0.6, 0.7, 0.8, 0.9) if own is None else own, title="t", published=published)


def test_published_lines_are_of_the_same_kind_of_metric() -> None:
    """AUROC has none; balanced accuracy has those where guessing scores 0.50; accuracies of 4 in 14 are never drawn."""
    assert published_lines("detection", "auroc").empty
    assert published_lines("simulation", "correlation").empty
    found = published_lines("detection", "balanced_accuracy")
    assert dict(zip(found["width"], found["value"], strict=True)) == {16384: 0.70, 131072: 0.74}
    assert all("delphi" in source for source in found["source"])
    assert {p.source for p in PUBLISHED if not p.metric} == {"SAEBench AutoInterp, Gemma-2-2B layer 12"}


def test_a_published_line_cannot_be_taken_for_ones_own() -> None:
    """It is named in legend, words and table as another protocol's, with source and numbers; own numbers stay."""
    picture = drawn(others(("them 2024", 16384, 0.70), ("them 2024", 131072, 0.74), ("others", 1024, 0.3)))
    texts = re.findall(r"<text[^>]*>([^<]*)", picture.svg)
    assert [text for text in texts if "published" in text] == [
        "○··· published, other protocol: them 2024", "○··· published, other protocol: others",
    ]  # fmt: skip
    assert {"16,384", "131,072"} <= set(texts)
    assert "Published, other protocol, so not to be compared by height: them 2024, 16,384: 0.7" in picture.description
    mine = picture.table[~picture.table["dictionary"].str.startswith("published, other protocol: ")]
    assert mine["mean"].tolist() == [0.6, 0.7, 0.8, 0.9]
    theirs = picture.table[len(mine) :]
    assert theirs["width"].tolist() == [16384, 131072, 1024]
    assert theirs["mean"].tolist() == [0.70, 0.74, 0.3]
    assert theirs[["low", "high", "chance", "scored"]].isna().all().all()


def test_published_points_are_inside_the_frame() -> None:
    """The axis reaches to the widest, and the marks stand in the order of their widths and values."""
    picture = drawn(others(("them", 16384, 0.2), ("them", 131072, 0.3)))
    width = float(re.search(r'viewBox="0 0 ([\d.]+)', picture.svg)[1])  # type: ignore[index]
    circles = re.findall(r'<path aria-label="[^"]*"[^>]*transform="translate\(([\d.]+),([\d.]+)\)"', picture.svg) or (
        re.findall(r'transform="translate\(([\d.]+),([\d.]+)\)" d="M[^"]*A', picture.svg)
    )
    places = np.array(circles, dtype=float)
    assert len(places) >= 2
    assert (places[:, 0] <= width).all()
    assert places[-1, 0] > places[-2, 0]


@pytest.mark.parametrize("published", [None, others()])
def test_without_published_numbers_nothing_is_said(published: pd.DataFrame | None) -> None:
    """The picture is the very one without them."""
    assert drawn(published).svg == drawn(None).svg
    assert "ublished" not in drawn(published).description


def test_poor_curves_beside_published_ones() -> None:
    """One width is no curve, whatever others have; all equal is drawn; hostile sources are text."""
    one = others(("them", 2048, 0.7))
    assert "Nothing to draw" in drawn(one, means(0.6)).description
    assert "Nothing to draw" in drawn(one, means(NAN, NAN)).description
    assert "Nothing to draw" not in drawn(one, means(0.7, 0.7)).description
    assert "<script" not in drawn(others(("<script>alert(1)</script>", 2048, 0.7))).svg


def test_the_report_draws_them_beside_balanced_accuracy_alone(page: Page) -> None:
    """One curve a measure of the kind, its own means those of the lines; the table has every published number."""
    pictures = [
        picture
        for section in sections_of(page)
        for block in every_block(section.blocks)
        if isinstance(block, Figures)
        for picture, _ in block.pictures
    ]
    with_others = [p for p in pictures if "other protocol" in p.description]
    assert [p.title.split(":")[0] for p in with_others] == ["detection, balanced accuracy"]
    assert tables_of(page)["Published, other protocol"].grid.rows[0][3] == "0.815"
    assert len(tables_of(page)["Published, other protocol"].grid.rows) == len(PUBLISHED)
