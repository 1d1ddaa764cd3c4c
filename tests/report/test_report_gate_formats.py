"""A gate's verdict in every format: the same verdict, and nothing hostile gets out."""

import json
from xml.etree import ElementTree

import pytest

from autointerp.analysis.watching import Check, Verdict
from autointerp.report.gate_formats import FORMATS, as_github, as_junit, as_markdown
from autointerp.report.gated import Gated

HOSTILE = 'a%b\n::error::x <b>"q"</b> | \u202e'


def gated(*verdicts: Verdict) -> Gated:
    from autointerp.analysis.watching import decide

    checks = tuple(Check(f"rule{i}", "about", v, f"found {i} {HOSTILE}") for i, v in enumerate(verdicts))
    return Gated("run-1", "run-0", decide(checks), checks, "To nothing.", "not measured again: nobody there")


ALL = gated(Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE)


@pytest.mark.parametrize("verdict", Verdict)
def test_every_format_says_the_verdict(verdict: Verdict) -> None:
    """Text, GitHub, JUnit, Markdown and JSON come from one verdict, which is the exit code's, too."""
    one = gated(verdict)
    assert all(verdict.value in make(one) for make in FORMATS.values())
    found = json.loads(json.dumps(one.as_dict()))
    assert (found["verdict"], found["exit_code"]) == (verdict.value, one.exit_code)


def test_junit_counts() -> None:
    """It parses; failures and skips are counted, with what was found."""
    suite = ElementTree.fromstring(as_junit(ALL))[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    assert [len(case) for case in suite.iter("testcase")] == [0, 1, 1]
    assert "found 1" in str(suite.find("testcase/failure").get("message"))  # type: ignore[union-attr]


def test_github_commands_cannot_be_forged() -> None:
    """One line a command: text from a run begins none."""
    lines = as_github(ALL).splitlines()
    assert len(lines) == 3
    assert [line.split(" ")[0] for line in lines] == ["::error", "::warning", "::error"]


def test_hidden_characters_are_shown() -> None:
    """Bidi controls come through in no format."""
    assert all("\u202e" not in make(ALL) for make in FORMATS.values())
    assert "<b>" not in as_markdown(ALL)
