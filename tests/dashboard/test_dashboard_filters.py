"""The filter language: what it reads, what it refuses, and that no text of it becomes SQL."""

import re
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autointerp.dashboard.compiling import Names, compile_terms
from autointerp.dashboard.filters import Filter, FilterError, Sort, Term, parse_filter
from autointerp.store.snapshot_rows import MeasureColumn

MEASURES = (
    MeasureColumn("m0", "detection", "", "auroc", "detection.auroc", "detection", True),
    MeasureColumn("m1", "simulation", "top_and_random", "correlation", "simulation.top_and_random.correlation",
                  "simulation", True),
    MeasureColumn("m2", "simulation", "random_only", "correlation", "simulation.random_only.correlation", "", True),
)  # fmt: skip
NAMES = Names.of(MEASURES)
ROWS = [
    # feature, density, m0, m1, m2, status, label, tags
    (1, 1e-3, 0.5, 0.1, 0.0, "scored", "Words of refusal, in law", ["too_broad"]),
    (2, 1e-2, 0.6, None, 0.2, "scored", "the word refuse", []),
    (3, 1e-4, 0.4, 0.3, None, "explain_failed", None, []),
    (4, 5e-3, None, None, None, "dead", "100% café_au lait 東京の", ["dense", "too_broad"]),
]


@pytest.fixture(scope="module")
def table() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        _fill(connection)
        yield connection


def _fill(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "CREATE TABLE labels (feature INTEGER, density DOUBLE, m0 DOUBLE, m1 DOUBLE, m2 DOUBLE, status VARCHAR, "
        "label VARCHAR, tags VARCHAR[], run VARCHAR DEFAULT 'r-1', dictionary VARCHAR DEFAULT 'toy/512', "
        "explainer VARCHAR DEFAULT 'examples', judge VARCHAR DEFAULT 'local:a b', peak DOUBLE DEFAULT 1, "
        "folded VARCHAR)"
    )
    names = "feature, density, m0, m1, m2, status, label, tags"
    connection.executemany(f"INSERT INTO labels ({names}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", ROWS)
    connection.execute(
        r"UPDATE labels SET folded = ' ' || trim(lower(regexp_replace(label, '[^\pL\pN]+', ' ', 'g'))) || ' '"
    )


def found(table: duckdb.DuckDBPyConnection, text: str) -> list[int]:
    condition = compile_terms(parse_filter(text), NAMES)
    rows = table.execute(f"SELECT feature FROM labels WHERE {condition.sql} ORDER BY feature", list(condition.values))
    return [row[0] for row in rows.fetchall()]


@pytest.mark.parametrize(
    ("text", "features"),
    [
        ("", [1, 2, 3, 4]),
        ("detection<0.6", [1, 3]),
        ("detection<=0.6 detection>0.4", [1, 2]),
        ("density:1e-4..1e-2", [1, 3, 4]),
        ("density:1e-3..", [1, 2, 4]),
        ("density:..1e-3", [3]),
        ("detection:0.5", [1]),
        ("simulation.random_only.correlation>=0", [1, 2]),
        ("simulation>0.2", [3]),
        ("detection.auroc>0.5", [2]),
        ("status:scored", [1, 2]),
        ("status:*d", [1, 2, 3, 4]),
        ("status:%", []),
        ("tag:too_broad", [1, 4]),
        ('tag:"too broad"', [1, 4]),
        ('label:"refus*"', [1, 2]),
        ("label:refuse", [2]),
        ("label:REFUSAL", [1]),
        ("label:fus*", []),
        ("label:*fus*", [1, 2]),
        ('label:"refusal in"', [1]),
        ('label:"words*law"', [1]),
        ('label:"law*words"', []),
        ("label:café", [4]),
        ("label:東京*", [4]),
        ('label:"100%"', [4]),
        ("dictionary:toy/*", [1, 2, 3, 4]),
        ("dictionary:toy/512 feature:2..4", [2, 3]),
        ('judge:"local:a b"', [1, 2, 3, 4]),
        ("run:other", []),
    ],
)
def test_each_term_holds_for_what_it_says(table: duckdb.DuckDBPyConnection, text: str, features: list[int]) -> None:
    """Spans are half-open, an unscored feature is in none, words are found whole unless a star says otherwise."""
    assert found(table, text) == features


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("detecton<0.6", "did you mean detection"),
        ("sensitivity>1", "no 'sensitivity'"),
        ("status<3", "status is text"),
        ("detection<high", "'high' is no number"),
        ("detection<nan", "no number"),
        ("detection<1_0", "no number"),
        ("density:2..1", "holds nothing"),
        ("density:..", "needs an end"),
        ("word", "'word' is no condition"),
        ('label:"open', "not closed"),
        ('label:"a"b', "a blank has to follow"),
        ('label:a"b"', "whole value"),
        ("label:", "no value"),
        ("label:...", "no letter or number"),
        ("sort:a sort:b", "by one name only"),
        ("sort<a", "sort:NAME"),
        ("density<1 " * 300, "at most 2000"),
    ],
)
def test_what_cannot_be_read_says_why(text: str, said: str) -> None:
    """An error names the term and what to write; an unknown name comes with the nearest."""
    with pytest.raises(FilterError, match=re.escape(said)):
        compile_terms(parse_filter(text), NAMES)


def test_a_sort_needs_something_counted() -> None:
    """Rows are sorted by numbers only."""
    assert NAMES.column("detection") == "m0"
    with pytest.raises(FilterError, match="status is text"):
        NAMES.column("status")


TEXTS = st.one_of(
    st.text(),
    st.text(alphabet=" :<>=\"'*.\\-;%_()abc019détection", max_size=40),
    st.sampled_from(["'; DROP TABLE labels; --", 'label:"\' OR true --"', "status:'", 'tag:"\\""', "run:\x00"]),
)


@given(TEXTS)
@example('label:"\'; DROP TABLE labels; --"')
@example("density:1e999..2")
@example("sort:-")
def test_any_text_compiles_or_is_refused_in_words(table: duckdb.DuckDBPyConnection, text: str) -> None:
    """Nothing else happens: no other error, no text in the SQL, and what compiles runs."""
    try:
        condition = compile_terms(parse_filter(text), NAMES)
    except FilterError:
        return
    assert re.fullmatch(r"[a-zA-Z0-9_ ?<>=%!|(),'\\\[\]^+]*", condition.sql)
    assert condition.sql.count("?") == len(condition.values)
    table.execute(f"SELECT count(*) FROM labels WHERE {condition.sql}", list(condition.values)).fetchall()


NAME = st.from_regex(r"[a-z_][a-z0-9_.]{0,8}", fullmatch=True).filter(lambda name: name != "sort")
TERMS = st.builds(
    Term, NAME, st.sampled_from(["<", "<=", ">", ">=", ":"]), st.text(min_size=1).filter(lambda text: text.strip())
)


@given(st.builds(Filter, st.lists(TERMS, max_size=4).map(tuple), st.none() | st.builds(Sort, NAME, st.booleans())))
def test_what_is_written_reads_as_the_same(filter_: Filter) -> None:
    """A filter written out and read again is the same filter, whatever its values are made of."""
    text = str(filter_)
    if len(text) <= 2_000:
        assert parse_filter(text) == filter_
