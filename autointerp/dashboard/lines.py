"""Means over features as the snapshot has them: a value with interval, counts, chance and what a control got."""

from dataclasses import dataclass, fields

from autointerp.analysis.figures import number, ranged
from autointerp.analysis.values import is_headline, is_main, measure_name
from autointerp.dashboard import links
from autointerp.dashboard.shelf import Reader


@dataclass(frozen=True, slots=True)
class Line:
    """One dictionary, explainer and measure of a run; names as in the table ``lines``."""

    run: str
    dictionary: str
    width: int | None
    explainer: str
    scorer: str
    variant: str
    metric: str
    judge: str
    chance: float | None
    value: float | None
    low: float | None
    high: float | None
    n_scored: int
    n_asked: int
    control: str | None
    control_value: float | None
    excess: float | None
    excess_low: float | None
    excess_high: float | None
    standing: str | None

    @property
    def measure(self) -> str:
        return measure_name(self.scorer, self.variant, self.metric)

    @property
    def figure(self) -> str:
        return "unscored" if self.value is None else ranged(self.value, self.low, self.high)

    @property
    def beside(self) -> str:
        """What the control got, and by how much labels exceed it."""
        if self.control is None:
            return "none asked"
        excess = ranged(self.excess, self.excess_low, self.excess_high)
        return f"{self.control} {number(self.control_value)}, excess {excess}"

    @property
    def href(self) -> str:
        """The features behind the mean."""
        terms = [links.term(name, getattr(self, name)) for name in ("run", "dictionary")]
        if not self.explainer.startswith(("control:", "nobody")):
            terms.append(links.term("explainer", self.explainer))
        return links.features(" ".join(terms), sort=f"sort:{self.name}")

    @property
    def name(self) -> str:
        """The measure as filters name it."""
        return ".".join(filter(None, [self.scorer, self.variant, self.metric]))


NAMES = tuple(field.name for field in fields(Line))


def run_lines(reader: Reader, run: str, *, dictionary: str = "") -> tuple[Line, ...]:
    """Return the lines of a run, or of one dictionary of it, narrow dictionaries first."""
    also, values = ("AND dictionary = ?", [run, dictionary]) if dictionary else ("", [run])
    order = "width, dictionary, explainer, scorer, variant, metric, judge"
    sql = f"SELECT {', '.join(NAMES)} FROM lines WHERE run = ? {also} ORDER BY {order}"
    return tuple(Line(**row) for row in reader.rows(sql, values))


def main_lines(reader: Reader, run: str, *, dictionary: str = "") -> tuple[Line, ...]:
    """Return the lines that verdicts speak of."""
    found = run_lines(reader, run, dictionary=dictionary)
    return tuple(line for line in found if is_main(line.scorer, line.variant, line.metric))


def headline_lines(reader: Reader, run: str, *, dictionary: str = "") -> tuple[Line, ...]:
    """Return the lines of the metrics that scorers are read by."""
    found = run_lines(reader, run, dictionary=dictionary)
    return tuple(line for line in found if is_headline(line.scorer, line.metric))
