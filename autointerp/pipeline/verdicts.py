"""``autointerp certify``: a judge's certificates on the harvest of a configuration."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autointerp.core.errors import ConfigError
from autointerp.pipeline.certifying import certify_judge
from autointerp.pipeline.config import CertifySection, Config
from autointerp.pipeline.driver import opened
from autointerp.pipeline.order import carry_out_stages
from autointerp.pipeline.readiness import make_judge_ready, scorer_askers
from autointerp.pipeline.run import OnProgress
from autointerp.trust.certificate import Certificate


@dataclass(frozen=True)
class Certified:
    """A judge's certificates."""

    judge: str
    certificates: tuple[Certificate, ...]

    @property
    def is_certified(self) -> bool:
        return bool(self.certificates) and all(c.certified for c in self.certificates)

    def as_dict(self) -> dict[str, Any]:
        return {
            "judge": self.judge,
            "scorers": [asdict(c) for c in self.certificates],
            "certified": self.is_certified,
        }

    def text(self) -> str:
        lines = []
        for c in self.certificates:
            tau = "tau undefined" if c.tau is None else f"tau {c.tau:.2f} [{c.tau_low:.2f}, {c.tau_high:.2f}]"
            auroc = (
                "AUROC undefined" if c.auroc is None else f"AUROC {c.auroc:.2f} [{c.auroc_low:.2f}, {c.auroc_high:.2f}]"
            )
            verdict = "certified" if c.certified else f"not certified: {c.reason}"
            lines.append(f"{c.scorer} {c.metric}: {tau} · {auroc} · {_counts(c)} · {verdict}")
        lines += [f"orders in the text turned {rate:.2f} of {n} verdicts" for rate, n in self._turned()]
        return "\n".join([f"judge {self.judge}", *lines])

    def _turned(self) -> set[tuple[float, int]]:
        """Return the one flip rate of detection, which stands in each of its certificates."""
        return {(c.flip_rate, c.n_flip or 0) for c in self.certificates if c.flip_rate is not None}


def _counts(c: Certificate) -> str:
    above = c.exact_above_neighbours
    share = "not measured" if above is None else f"{above:.0%} of ladders"
    return f"exact above broader and narrower {share} · {c.n_features} features · {c.n_read}/{c.n_asked} read"


def of_size(config: Config, *, n_features: int | None, n_items: int | None) -> Config:
    """Return the configuration with another size of the examination; None leaves a number as it is.

    Raises:
        ConfigError: Fewer than one feature or four items.
    """
    given = {"n_features": n_features, "n_items": n_items}
    wanted = config.certify.model_dump() | {name: n for name, n in given.items() if n is not None}
    if wanted["n_features"] < 1 or wanted["n_items"] < 4:
        msg = f"certify needs at least 1 feature and 4 items, not {wanted['n_features']} and {wanted['n_items']}"
        raise ConfigError(msg)
    return config.model_copy(update={"certify": CertifySection(**wanted)})


def certify_one(config: Config, judge: str, *, home: Path, on_progress: OnProgress) -> Certified:
    """Certify a judge on the harvest of a configuration, harvesting first if need be."""
    with opened(config, home=home, on_progress=on_progress) as run:
        make_judge_ready(run, judge, scorer_askers(run))
        carry_out_stages(run, "harvest")
        return Certified(judge, certify_judge(run, judge, stage="certify"))
