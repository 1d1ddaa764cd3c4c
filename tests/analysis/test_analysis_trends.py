"""Width, agreement and the sentences: what is said, and what is not said without grounds."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from autointerp.analysis.agreement import agreement, agreements
from autointerp.analysis.certificates import Certificate, certificate_sentence, read_certificates, standing
from autointerp.analysis.estimates import Estimate
from autointerp.analysis.ladders import ladders
from autointerp.analysis.statements import Statement
from autointerp.analysis.summary import Against, Line
from autointerp.analysis.values import feature_values
from autointerp.analysis.width import Trend, estimate_slope, fit_slope, trend_sentence, trend_statements, width_trends
from autointerp.analysis.words import Findings, verdict

COVERAGE = pd.DataFrame(
    [{"dictionary": "toy/4", "width": 4, "n_eligible": 3, "n_drawn": 2, "scored": 2, "dead": 1, "unlisted": 0}]
)
CERTIFICATE = Certificate(
    "j",
    "detection",
    "auroc",
    24,
    168,
    336,
    330,
    0.10,
    -0.02,
    0.22,
    0.54,
    0.41,
    0.66,
    0.2,
    0.3,
    0.6,
    0.5,
    False,
    "low AUROC",
)


def line(excess: Estimate, n: int = 8, judge: str = "j") -> Line:
    mean = Estimate(0.7, 0.6, 0.8, 0.2, n)
    against = (Against("shuffled", Estimate(0.5, 0.4, 0.6, 0.2, n), excess),)
    return Line("toy/4", 4, "examples", "detection", "", "auroc", judge, 0.5, mean, mean, n, (), against)


def scores_table(values: dict[tuple[str, str], list[float]]) -> pd.DataFrame:
    """Return scores by (dictionary, scorer)."""
    metrics = {"detection": ("", "auroc"), "simulation": ("top_and_random", "correlation")}
    return pd.DataFrame(
        {
            "dictionary": d, "feature": i, "explanation": "e", "scorer": s, "variant": metrics[s][0],
            "metric": metrics[s][1], "judge": "j", "control": "none", "draw": 0, "value": v, "chance": 0.5,
            "status": "scored",
        }
        for (d, s), column in values.items() for i, v in enumerate(column)
    )  # fmt: skip


def values_table(values: dict[tuple[str, str], list[float]]) -> pd.DataFrame:
    return feature_values(scores_table(values), pd.DataFrame([{"explanation": "e", "explainer": "examples"}]))


def raw_trends(values: pd.DataFrame) -> tuple[Trend, ...]:
    """Return the trends of features of unknown density, in dictionaries whose names say how wide they are."""
    unknown = pd.DataFrame({"dictionary": [], "feature": [], "density": []})
    no_dictionaries = pd.DataFrame({"dictionary": [], "width": []})
    return tuple(trend for trend in width_trends(ladders(values, no_dictionaries, unknown)) if trend.is_raw)


def texts(statements: tuple[Statement, ...], tone: str = "") -> str:
    return "\n".join(s.text for s in statements if not tone or s.tone == tone)


def test_slope_by_hand() -> None:
    """Means that rise by 0.1 a doubling have a slope of 0.1."""
    assert fit_slope(np.array([4.0, 8.0, 16.0]), np.array([0.1, 0.2, 0.3])) == pytest.approx(0.1)


def test_baselines_are_no_rungs() -> None:
    """A ladder's trend is the same with baselines beside it; these have none, and do not speak for the ladder."""
    ladder = {(f"toy/{2**k}", "detection"): [0.9 - 0.05 * k, 0.92 - 0.05 * k] for k in range(2, 6)}
    baselines = {("pca/64", "detection"): [0.2, 0.3], ("random/64", "detection"): [0.1, 0.2]}
    alone = raw_trends(values_table(ladder))
    beside = raw_trends(values_table(ladder | baselines))
    assert [t for t in beside if t.family == "toy"] == list(alone)
    assert [(t.family, t.slope) for t in beside if t.family != "toy"] == [("pca", None), ("random", None)]
    few = {key: values for key, values in ladder.items() if key[0] != "toy/32"}
    trends = raw_trends(values_table(few | baselines))
    assert "3 widths" in next(trend_statements(trends)).text


def test_a_clear_trend_is_told_from_none() -> None:
    """Four widths with a steady fall: said to fall; the same values at every width: not distinguishable."""
    noise = [-0.05, -0.02, 0.0, 0.02, 0.05]
    falling = {(f"toy/{2**k}", "detection"): [0.9 - 0.05 * k + e for e in noise] for k in range(2, 6)}
    flat = {key: [0.7 + e for e in noise] for key in falling}
    (down,) = raw_trends(values_table(falling))
    (none,) = raw_trends(values_table(flat))
    assert down.slope is not None
    assert down.slope.value == pytest.approx(-0.05)
    assert "falls with width" in trend_sentence(down)
    assert "another training run" in trend_sentence(down)
    assert "not distinguishable from none" in trend_sentence(none)


def test_three_widths_are_not_fitted() -> None:
    """With three widths or fewer: points and no fit."""
    values = {(f"toy/{2**k}", "detection"): [0.5, 0.6] for k in range(2, 5)}
    (trend,) = raw_trends(values_table(values))
    assert trend.slope is None
    assert "no trend is fitted" in trend_sentence(trend)


def test_slope_interval_is_keyed() -> None:
    """The same features give the same interval."""
    by_width = {w: np.linspace(0, 1, 6) for w in (4, 8, 16, 32)}
    assert estimate_slope(by_width, seed=1, about=("a",)) == estimate_slope(by_width, seed=1, about=("a",))


def test_agreement_over_shared_features() -> None:
    """Only features both scorers have; too few of them is a note instead of a number."""
    values = {("toy/4", "detection"): [0.1, 0.2, 0.3, 0.4, 0.5], ("toy/4", "simulation"): [0.0, 0.1, 0.4, 0.5]}
    (found,) = agreements(values_table(values))
    assert (found.n, found.rho, found.high) == (4, pytest.approx(1.0), pytest.approx(1.0))
    values["toy/4", "simulation"] = [0.0, 0.1]
    (few,) = agreements(values_table(values))
    assert (few.rho, few.n, few.note) == (None, 2, "2 features, at least 4 needed")
    assert agreement(values_table(values))["n"].tolist() == [2]


def test_measures_of_one_name_are_two() -> None:
    """Variants that are printed alike are held against each other, and neither takes the other's place."""
    rows = scores_table({("toy/4", "detection"): [0.1, 0.2, 0.3, 0.4, 0.5]})
    table = pd.concat([rows.assign(variant="a b"), rows.assign(variant="a_b", value=-rows["value"])])
    (found,) = agreements(feature_values(table, pd.DataFrame([{"explanation": "e", "explainer": "examples"}])))
    assert (found.first, found.rho) == (found.second, pytest.approx(-1.0))


def test_a_judge_that_cannot_tell_is_said_so_first() -> None:
    """The first sentence says what limits all the others."""
    found = verdict(Findings((line(Estimate(0.2, 0.1, 0.3, 0.1, 8)),), COVERAGE, (CERTIFICATE,)))
    assert found[0].tone == "warning"
    assert "cannot tell right labels from wrong ones" in found[0].text
    assert "AUROC 0.54 [0.41, 0.66], tau 0.10" in found[0].text
    assert "uncertified; do not rely on single labels" in found[0].text


def test_nothing_held_under_an_uncertified_judge() -> None:
    """A positive excess is green only when the judge was certified."""
    members = (line(Estimate(0.2, 0.1, 0.3, 0.1, 8)),)
    good = replace(CERTIFICATE, certified=True, auroc=0.93, auroc_low=0.88, auroc_high=0.96)
    assert texts(verdict(Findings(members, COVERAGE, (CERTIFICATE,))), "good") == ""
    assert "better in 1 of 1 dictionary" in texts(verdict(Findings(members, COVERAGE, (good,))), "good")
    assert standing(members[0], (good,)) == "certified"
    assert standing(members[0], ()) == "uncertified (never examined)"


@pytest.mark.parametrize(
    ("excess", "said"),
    [
        (Estimate(0.2, -0.1, 0.3, 0.1, 8), "better in 0 of 1 dictionary (undecided in 1) than"),
        (Estimate(0.2, 0.1, 0.3, 0.1, 5), "better in 0 of 1 dictionary (too few pairs in 1)"),
        (Estimate(-0.2, -0.3, -0.1, 0.1, 8), "better in 0 of 1 dictionary (worse in 1)"),
    ],
)
def test_no_claim_without_grounds(excess: Estimate, said: str) -> None:
    """An interval over 0, too few pairs or a negative excess is not called better."""
    assert said in texts(verdict(Findings((line(excess),), COVERAGE)), "warning")


def test_width_of_intervals_and_n_are_said() -> None:
    """SD 0.2: (1.96 * 0.2 / 0.05)^2 = 61.5, so 62 features."""
    text = texts(verdict(Findings((line(Estimate(0.2, 0.1, 0.3, 0.1, 8)),), COVERAGE)))
    assert "about 62 scored features" in text
    assert "fewer than 10 features" in text


def test_same_family_and_stand_ins_are_said() -> None:
    """Both limit what a score means; silence in the manifest says nothing."""
    members = (line(Estimate(0.2, 0.1, 0.3, 0.1, 8), judge="oracle:sensitivity=0.8"),)
    text = texts(verdict(Findings(members, COVERAGE, same_family=True, explainer="a", judge="b")), "warning")
    assert "same model family (a and b)" in text
    assert "stand-in, not a language model" in text
    assert "same model family" not in texts(verdict(Findings(members, COVERAGE)))


def test_a_run_without_scores_says_what_is_missing() -> None:
    """Nothing scored: the dictionaries are named; nothing at all: that is said."""
    assert "No label was scored for toy/4." in texts(verdict(Findings((), COVERAGE)), "warning")
    assert "nothing can be said" in texts(verdict(Findings((), COVERAGE.iloc[:0])))


def test_too_little_asked_is_not_a_failure_of_the_judge() -> None:
    """An interval from guessing to beyond the bar shows nothing; one below the bar shows that the judge is poor."""
    small = replace(CERTIFICATE, auroc=0.62, auroc_low=0.35, auroc_high=0.85)
    assert "was not shown to tell" in certificate_sentence(small)
    assert "too little was asked to decide" in certificate_sentence(small)
    assert "cannot tell right labels from wrong ones well enough to be used" in certificate_sentence(CERTIFICATE)
    bare = replace(CERTIFICATE, auroc=1.0, auroc_low=None, auroc_high=None)
    assert "too few labels for an interval" in certificate_sentence(bare)


def test_the_main_variant_is_spoken_of_with_its_own_certificate() -> None:
    """Certified on the strongest windows, failed on random ones: each line has its own standing."""
    simulated = replace(
        line(Estimate(0.2, 0.1, 0.3, 0.1, 8)), scorer="simulation", variant="top_and_random", metric="correlation"
    )
    random = replace(simulated, variant="random_only")
    bad = replace(CERTIFICATE, scorer="simulation", metric="correlation (random_only)")
    good = replace(
        bad, metric="correlation (top_and_random)", certified=True, auroc=0.93, auroc_low=0.9, auroc_high=1.0
    )
    assert (standing(simulated, (bad, good)), standing(random, (bad, good))) == ("certified", "uncertified (failed)")
    found = verdict(Findings((random, simulated), COVERAGE, (bad, good)))
    assert found[0].tone == "good"
    assert "AUROC 0.93" in found[0].text
    assert standing(random, (good,)) == "uncertified (never examined)"


def test_a_control_asked_in_one_dictionary_is_not_all_of_them() -> None:
    """Better in one of two, and not asked in the other: nothing held in all."""
    asked = line(Estimate(0.2, 0.1, 0.3, 0.1, 8))
    good = replace(CERTIFICATE, certified=True, auroc=0.93, auroc_low=0.88, auroc_high=0.96)
    findings = Findings((asked, replace(asked, dictionary="toy/8", against=())), COVERAGE, (good,))
    assert "better in 1 of 2 dictionaries (not asked in 1)" in texts(verdict(findings))
    assert "better in" not in texts(verdict(findings), "good")


def test_named_features_speak_for_no_others() -> None:
    """Drawn features are a sample of the eligible ones; named ones are not, and no score speaks for nothing."""
    members = (line(Estimate(0.2, 0.1, 0.3, 0.1, 8)),)
    assert "speak for eligible features only" in texts(verdict(Findings(members, COVERAGE)))
    named = texts(verdict(Findings(members, COVERAGE, is_named=True)))
    assert "2 named, 2 scored. The features were named, not drawn" in named
    nothing = texts(verdict(Findings((), COVERAGE.assign(scored=0))))
    assert "There is no score." in nothing
    assert "speak for" not in nothing


def test_a_trend_over_raw_widths_is_no_verdict_on_quality() -> None:
    """Wherever widths are compared, fitted or not, it says that density is not held fixed."""
    noise = [-0.05, -0.02, 0.0, 0.02, 0.05]
    for widths in (range(2, 6), range(2, 4)):
        falling = {(f"toy/{2**k}", "detection"): [0.9 - 0.05 * k + e for e in noise] for k in widths}
        trends = raw_trends(values_table(falling))
        text = texts(verdict(Findings((), COVERAGE, trends=trends)))
        assert "must not be read as a difference in quality" in text
    one = raw_trends(values_table({("toy/4", "detection"): noise}))
    assert "quality" not in texts(verdict(Findings((), COVERAGE, trends=one)))


@pytest.mark.parametrize("n", [0, 1, 2, 8])
@pytest.mark.parametrize("certificate", [None, CERTIFICATE, replace(CERTIFICATE, certified=True, auroc_low=0.9)])
def test_no_state_gives_a_bare_or_broken_figure(n: int, certificate: Certificate | None) -> None:
    """Whatever is missing, no sentence prints NaN or None, and nothing held without six pairs."""
    mean = Estimate(0.7, 0.6, 0.8, 0.2, n) if n > 1 else Estimate(0.7 if n else None, None, None, None, n)
    against = (Against("shuffled", mean, mean),)
    one = replace(line(Estimate(0.2, 0.1, 0.3, 0.1, 8)), mean=mean, per_firing=mean, against=against)
    found = verdict(Findings((one,), COVERAGE, (certificate,) if certificate else ()))
    assert not [s.text for s in found if "nan" in s.text.lower() or "None" in s.text]
    assert ("better in 1 of 1" in texts(found)) == (n >= 6)
    assert ("better in" in texts(found, "good")) == (n >= 6 and certificate is not None and certificate.certified)


def test_certificates_survive_the_table() -> None:
    """A row read back is the certificate; an unmeasured figure is None, and the sentence gives the reason."""
    fields = list(Certificate.__slots__)
    frame = pd.DataFrame([{name: getattr(CERTIFICATE, name) for name in fields}])
    frame.loc[0, ["auroc", "auroc_low", "auroc_high"]] = np.nan
    (read,) = read_certificates(frame)
    assert read == replace(CERTIFICATE, auroc=None, auroc_low=None, auroc_high=None)
    assert "could not be examined" in certificate_sentence(read)
    better = replace(CERTIFICATE, auroc=0.7, auroc_low=0.6, auroc_high=0.8)
    assert "better than chance, but was not shown to reach the bar" in certificate_sentence(better)
