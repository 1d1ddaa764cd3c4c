"""The table ``[gate]`` of the configuration: when a run may not pass."""

from pydantic import Field, field_validator

from autointerp.core.types import FeatureId
from autointerp.pipeline.terms import Section


class GateSection(Section):
    """Rules against a baseline; none of them decides what a run finds. What is left out is not looked at.

    ``max_drop``: of the paired mean of each main measure; passed where its interval lies above, failed where it lies
    below. ``min_coverage``: of the features asked about, those with a score. ``max_flip_rate``: of verdicts on the same
    windows. ``same_judge``: the systems that judged must be the baseline's. ``drift``: known-truth anchors must raise
    no alarm. ``watched``: features none of which may be shown to be lower. ``remeasure``: a drop, flips or a watched
    feature are asked once more, afresh, before they count.
    """

    max_drop: float | None = Field(default=0.05, ge=0, lt=1)
    min_coverage: float | None = Field(default=0.5, ge=0, le=1)
    max_flip_rate: float | None = Field(default=None, ge=0, le=1)
    same_judge: bool = True
    drift: bool = True
    watched: tuple[str, ...] = ()
    remeasure: bool = True

    @field_validator("watched")
    @classmethod
    def _are_features(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            FeatureId.parse(name)
        return names
