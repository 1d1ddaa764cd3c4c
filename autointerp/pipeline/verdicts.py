"""``autointerp certify``: a judge's certificates on the harvest of a configuration."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autointerp.pipeline.certifying import certify_judge
from autointerp.pipeline.config import Config
from autointerp.pipeline.driver import opened
from autointerp.pipeline.order import carry_out_stages
from autointerp.pipeline.run import OnProgress


@dataclass(frozen=True)
class Certified:
    """A judge's certificates."""

    judge: str
    certificates: tuple[Any, ...]

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
            lines.append(f"{c.scorer} {c.metric}: {tau} · {auroc} · {c.n_read}/{c.n_asked} read · {verdict}")
        return "\n".join([f"judge {self.judge}", *lines])


def certify_one(config: Config, judge: str, *, home: Path, on_progress: OnProgress) -> Certified:
    """Certify a judge on the harvest of a configuration, harvesting first if need be."""
    with opened(config, home=home, on_progress=on_progress) as run:
        carry_out_stages(run, "harvest")
        return Certified(judge, certify_judge(run, judge, stage="certify"))
