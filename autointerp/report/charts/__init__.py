"""The one set of charts of reports and dashboard: each a pure function of a frame, returning a ``Picture``.

Each takes ``link``, which turns a filter of the shared filter language into an address; without it marks are no links.
"""

from autointerp.report.charts.agreement import scorer_agreement
from autointerp.report.charts.calibration import judge_calibration
from autointerp.report.charts.cost import cost_against_decided
from autointerp.report.charts.coverage import coverage_waterfall
from autointerp.report.charts.curve import width_curve
from autointerp.report.charts.density import score_by_density
from autointerp.report.charts.difference import paired_difference
from autointerp.report.charts.distribution import extent_of, score_distribution
from autointerp.report.charts.drift import drift_over_runs
from autointerp.report.charts.filters import score_name
from autointerp.report.charts.layers import means_table
from autointerp.report.charts.neighbourhood import neighbourhood_map
from autointerp.report.charts.picture import Link, Picture, nothing_to_draw
from autointerp.report.charts.strata import yes_by_stratum

__all__ = [
    "Link",
    "Picture",
    "cost_against_decided",
    "coverage_waterfall",
    "drift_over_runs",
    "extent_of",
    "judge_calibration",
    "means_table",
    "neighbourhood_map",
    "nothing_to_draw",
    "paired_difference",
    "score_by_density",
    "score_distribution",
    "score_name",
    "scorer_agreement",
    "width_curve",
    "yes_by_stratum",
]
