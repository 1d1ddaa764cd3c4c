"""A gate's verdict for machines that watch: GitHub annotations, JUnit XML, Markdown; all from the same checks."""

from collections.abc import Callable, Iterator, Mapping
from xml.sax.saxutils import escape, quoteattr

from autointerp.analysis.watching import Check, Verdict
from autointerp.report.gated import SHOWN, Gated
from autointerp.report.text import markdown, visible

LEVELS = {Verdict.PASS: "notice", Verdict.FAIL: "error", Verdict.INCONCLUSIVE: "warning"}


def as_github(gated: Gated) -> str:
    """Return workflow commands, an annotation a rule that did not pass and one for the verdict."""
    told = [c for c in gated.checks if c.verdict is not Verdict.PASS]
    lines = [_command(LEVELS[c.verdict], f"{c.rule}: {c.text}") for c in told]
    why = f". {gated.attribution}" if told else ""
    verdict = f"{gated.verdict.value}: {gated.run} against {gated.baseline}{why} {gated.remeasured}".strip()
    return "\n".join([*lines, _command(LEVELS[gated.verdict], verdict)])


def _command(level: str, text: str) -> str:
    # Percent signs and line breaks are the only characters with a meaning in a command's message.
    shown = visible(text, keep="").replace("%", "%25").replace("\n", "%0A")
    return f"::{level} title=autointerp gate::{shown}"


def as_junit(gated: Gated) -> str:
    """Return one test case a rule: failures for failed ones, skipped for those that could not be decided."""
    counts = {verdict: sum(c.verdict is verdict for c in gated.checks) for verdict in Verdict}
    name = quoteattr(f"{gated.run} against {gated.baseline}")
    head = (
        f'<testsuite name={name} tests="{len(gated.checks)}" failures="{counts[Verdict.FAIL]}" '
        f'skipped="{counts[Verdict.INCONCLUSIVE]}">'
    )
    cases = "\n".join(line for check in gated.checks for line in _case(check))
    said = escape(visible("\n".join(filter(None, [gated.verdict.value, gated.attribution, gated.remeasured]))))
    body = f"{head}\n{cases}\n<system-out>{said}</system-out>\n</testsuite>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n{body}\n</testsuites>'


def _case(check: Check) -> Iterator[str]:
    name, text = quoteattr(visible(f"{check.rule} {check.about}".strip())), quoteattr(visible(check.text, keep=""))
    inner = {Verdict.FAIL: f"<failure message={text}/>", Verdict.INCONCLUSIVE: f"<skipped message={text}/>"}
    yield f'<testcase classname="gate" name={name}>{inner.get(check.verdict, "")}</testcase>'


def as_markdown(gated: Gated) -> str:
    """Return the verdict, a table of the rules, and to what a difference may be put down."""
    rows = [f"| {SHOWN[c.verdict]} | {markdown(c.rule)} | {markdown(c.text)} |" for c in gated.checks]
    head = f"**{gated.verdict.value}**: {markdown(gated.run)} against {markdown(gated.baseline)}"
    table = ["| | rule | found |", "|---|---|---|", *rows]
    return "\n".join([head, "", *table, "", *map(markdown, filter(None, [gated.remeasured, gated.attribution]))])


FORMATS: Mapping[str, Callable[[Gated], str]] = {
    "text": Gated.text,
    "github": as_github,
    "junit": as_junit,
    "markdown": as_markdown,
}
