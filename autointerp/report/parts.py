"""What sections are made of besides the tables of the page: pictures and blocks by section."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import pandas as pd

from autointerp.analysis.ladders import Ladder
from autointerp.analysis.laws import ScoreLaw
from autointerp.analysis.power_law import loss_laws
from autointerp.analysis.words import Findings
from autointerp.report.between import concept_blocks, match_blocks
from autointerp.report.blocks import Block, Figures
from autointerp.report.charts import coverage_waterfall
from autointerp.report.fits import density_blocks, fit_blocks
from autointerp.report.grids import picture_grid
from autointerp.report.judged import agreement_figure, answer_blocks
from autointerp.report.linking import NO_LINKS, Linking
from autointerp.report.mapping import map_blocks
from autointerp.report.measures import pictured
from autointerp.report.methods import column_blocks, method_blocks
from autointerp.report.neurons import neuron_blocks
from autointerp.report.spent import decided_blocks
from autointerp.report.tables import RunTables
from autointerp.report.widths import published_blocks, width_blocks

Parts: TypeAlias = Mapping[str, tuple[Block, ...]]


def parts_of(
    run: RunTables,
    findings: Findings,
    values: pd.DataFrame,
    ladders: Sequence[Ladder],
    laws: Sequence[ScoreLaw],
    *,
    seed: int,
    linking: Linking = NO_LINKS,
) -> Parts:
    """Return the blocks by the name of their section; *values* are ``feature_values`` of the run."""
    shown = pictured([line for line in findings.lines if line.is_main], run.explainers)
    unnamed = linking.unnamed(list(map(str, findings.coverage.columns)))
    words = "From all features to the scored ones"
    waterfall = coverage_waterfall(findings.coverage, title=words, unnamed=unnamed, link=linking.link)
    densities = density_blocks(
        findings.lines, values, run["features"], seed=seed, order=run.narrow_first, pictured=shown, linking=linking
    )
    losses = loss_laws(run["dictionaries"], run["training"])
    return {
        "coverage": (Figures(((waterfall, picture_grid(waterfall.table)),)),),
        "density": tuple(densities),
        "fits": tuple(fit_blocks(laws, losses, findings.lines, findings.trends)),
        "matches": tuple(match_blocks(run, values, seed=seed)),
        "concepts": tuple(concept_blocks(run)),
        "neurons": tuple(neuron_blocks(run)),
        "neighbourhoods": tuple(map_blocks(run, values, linking=linking)),
        "widths": tuple(width_blocks(findings, ladders)),
        "published": tuple(published_blocks(findings.lines, pictured=shown, linking=linking)),
        "agreement": tuple(agreement_figure(findings.agreements, lines=findings.lines, linking=linking)),
        "answers": tuple(answer_blocks(run, seed=seed, linking=linking)),
        "cost": tuple(decided_blocks(run, values, linking=linking)),
        "methods": tuple(method_blocks(run)),
        "columns": tuple(column_blocks()),
    }
