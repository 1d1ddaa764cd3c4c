"""The tables of a snapshot, and the statements that fill them from the views ``<table>_in`` of one run's parts."""

NEVER_ASKED = ("dead", "too_few_examples", "not_sampled")
FOLDED = r"lower(regexp_replace({}, '[^\pL\pN]+', ' ', 'g'))"
"""Text as it is searched: words in small letters with one blank between them."""

# One row a label and judge, one a label that could not be written, one a feature that nobody asked about.
# place: unique, in the order of runs, dictionaries (narrow first) and features; folded: the label as it is searched.
LABEL_COLUMNS = (
    ("place", "BIGINT"), ("run", "VARCHAR"), ("dictionary", "VARCHAR"), ("feature", "INTEGER"), ("density", "DOUBLE"),
    ("peak", "DOUBLE"), ("explanation", "VARCHAR"), ("explainer", "VARCHAR"), ("judge", "VARCHAR"),
    ("status", "VARCHAR"), ("label", "VARCHAR"), ("folded", "VARCHAR"), ("tags", "VARCHAR[]"),
)  # fmt: skip
PLAIN_TABLES = {
    "runs": "run VARCHAR, name VARCHAR, created VARCHAR, content VARCHAR, folder VARCHAR, judge VARCHAR, "
    "explainer VARCHAR, subject VARCHAR, manifest VARCHAR, n_features BIGINT, n_asked BIGINT, n_scored BIGINT, "
    "n_failures BIGINT, n_unfinished BIGINT",
    "features": "run VARCHAR, dictionary VARCHAR, feature INTEGER, density DOUBLE, window_density DOUBLE, peak DOUBLE, "
    "n_windows BIGINT, n_held_out BIGINT, fraction_single_token DOUBLE, histogram_start BIGINT, histogram BIGINT[], "
    "promoted VARCHAR[], suppressed VARCHAR[], siblings VARCHAR[], status VARCHAR",
    "coverage": "run VARCHAR, dictionary VARCHAR, status VARCHAR, n BIGINT",
    "measures": "col VARCHAR, scorer VARCHAR, variant VARCHAR, metric VARCHAR, name VARCHAR, short VARCHAR, "
    "is_headline BOOLEAN",
    "tests": "run VARCHAR, dictionary VARCHAR, feature INTEGER, explanation VARCHAR, explainer VARCHAR, "
    "scorer VARCHAR, variant VARCHAR, judge VARCHAR, p DOUBLE, q DOUBLE, n_windows BIGINT, n_rivals BIGINT, "
    "n_tested BIGINT, is_decidable BOOLEAN",
    "spent": "run VARCHAR, stage VARCHAR, scorer VARCHAR, model VARCHAR, fingerprint VARCHAR, n_calls BIGINT, "
    "n_cached BIGINT, n_failed BIGINT, n_unpriced BIGINT, tokens_in BIGINT, tokens_out BIGINT, tokens_cached BIGINT, "
    "usd DOUBLE, seconds DOUBLE",
    "lines": "run VARCHAR, dictionary VARCHAR, width BIGINT, explainer VARCHAR, scorer VARCHAR, variant VARCHAR, "
    "metric VARCHAR, judge VARCHAR, chance DOUBLE, value DOUBLE, low DOUBLE, high DOUBLE, n_scored BIGINT, "
    "n_asked BIGINT, control VARCHAR, control_value DOUBLE, excess DOUBLE, excess_low DOUBLE, excess_high DOUBLE, "
    "standing VARCHAR",
    "told": "run VARCHAR, question VARCHAR, path VARCHAR",
    "parts": "run VARCHAR, tab VARCHAR, dictionary VARCHAR, first BIGINT, last BIGINT, path VARCHAR, size BIGINT, "
    "mtime BIGINT",
}
OF_HEADLINES = (("low", "DOUBLE"), ("high", "DOUBLE"), ("read", "INTEGER"), ("asked", "INTEGER"))

# A part of several dictionaries has none named: it may hold any.

PARTS = """
INSERT INTO parts BY NAME
SELECT ? AS run, ? AS tab, looks.path, any_value(looks.size) AS size, any_value(looks.mtime) AS mtime,
    CASE WHEN min(stats_min_value) FILTER (path_in_schema = 'dictionary')
        = max(stats_max_value) FILTER (path_in_schema = 'dictionary')
        THEN min(stats_min_value) FILTER (path_in_schema = 'dictionary') END AS dictionary,
    min(TRY_CAST(stats_min_value AS BIGINT)) FILTER (path_in_schema = 'feature') AS first,
    max(TRY_CAST(stats_max_value AS BIGINT)) FILTER (path_in_schema = 'feature') AS last
FROM parquet_metadata({files}) JOIN looks ON looks.path = file_name
WHERE path_in_schema IN ('dictionary', 'feature')
GROUP BY looks.path
"""

# Where the prompt and the reply of each label stand, by the question's key.

TOLD = """
INSERT INTO told BY NAME
SELECT ? AS run, question, any_value(filename) AS path FROM read_parquet({files}, filename = true, union_by_name = true)
WHERE question IS NOT NULL GROUP BY question
"""

SPENT = """
INSERT INTO spent BY NAME
SELECT ? AS run, coalesce(stage, '') AS stage, coalesce(scorer, '') AS scorer, model,
    coalesce(fingerprint, '') AS fingerprint, count(*) AS n_calls, count(*) FILTER (cached) AS n_cached,
    count(*) FILTER (coalesce(failed, '') != '') AS n_failed,
    count(*) FILTER (NOT cached AND usd IS NULL) AS n_unpriced,
    sum(tokens_in) FILTER (NOT cached) AS tokens_in, sum(tokens_out) FILTER (NOT cached) AS tokens_out,
    sum(tokens_cached) FILTER (NOT cached) AS tokens_cached, sum(usd) FILTER (NOT cached) AS usd,
    sum(seconds) FILTER (NOT cached) AS seconds
FROM calls_in GROUP BY ALL
"""

OWN = """
CREATE OR REPLACE TEMP TABLE own AS
SELECT DISTINCT ON (dictionary, feature, explanation) dictionary, feature, explanation, explainer, text AS label
FROM explanations_in WHERE NOT starts_with(explainer, 'control:')
"""

# Where a measure has several judges each has a row of his own; what has one judge stands in all of them. What was
# asked without a label says something of the feature, so it stands with each of its labels.

MEASURED = """
CREATE OR REPLACE TEMP TABLE measured AS
WITH several AS (
    SELECT scorer, variant, metric FROM scores_in WHERE control = 'none'
    GROUP BY ALL HAVING count(DISTINCT judge) > 1
),
free AS (
    SELECT DISTINCT e.explanation, o.explanation AS own FROM explanations_in e
    JOIN own o ON o.dictionary = e.dictionary AND o.feature = e.feature WHERE e.explainer = 'control:unlabelled'
)
SELECT s.dictionary, s.feature, coalesce(free.own, s.explanation) AS explanation, c.col, s.value, s.low, s.high,
    s.n_read, s.n_asked, s.status,
    CASE WHEN several.scorer IS NULL THEN NULL ELSE s.judge END AS judge
FROM scores_in s JOIN columns_of c USING (scorer, variant, metric)
LEFT JOIN free ON free.explanation = s.explanation
LEFT JOIN several ON several.scorer = s.scorer AND several.variant = s.variant AND several.metric = s.metric
WHERE s.control = 'none'
"""

JUDGES = """
CREATE OR REPLACE TEMP TABLE judges AS
SELECT DISTINCT judge FROM measured WHERE judge IS NOT NULL
UNION ALL SELECT ? WHERE NOT EXISTS (FROM measured WHERE judge IS NOT NULL)
"""

PIVOT = """
CREATE OR REPLACE TEMP TABLE by_label AS
SELECT m.dictionary, m.feature, m.explanation, j.judge,
    bool_or(m.value IS NOT NULL) AS is_scored, min(m.status) FILTER (m.value IS NULL) AS why,
    {values}
FROM measured m JOIN judges j ON m.judge IS NULL OR m.judge = j.judge
GROUP BY m.dictionary, m.feature, m.explanation, j.judge
"""

ASKED = f"""
CREATE OR REPLACE TEMP TABLE asked AS
WITH writers AS (
    SELECT DISTINCT explainer FROM own
    UNION SELECT explainer FROM configured WHERE NOT EXISTS (FROM own)
),
open AS (SELECT dictionary, feature, status FROM features_in WHERE status NOT IN {NEVER_ASKED}),
lost AS (
    SELECT p.dictionary, p.feature, min(p.why) AS status FROM by_label p
    WHERE NOT EXISTS (FROM explanations_in e WHERE e.explanation = p.explanation) GROUP BY ALL
)
SELECT o.dictionary, o.feature, o.explanation, o.explainer, o.label, coalesce(p.judge, ?) AS judge,
    CASE WHEN p.is_scored THEN 'scored' ELSE coalesce(p.why, 'pending') END AS status,
    p.* EXCLUDE (dictionary, feature, explanation, judge, is_scored, why)
FROM own o LEFT JOIN by_label p
    ON p.dictionary = o.dictionary AND p.feature = o.feature AND p.explanation = o.explanation
UNION ALL BY NAME
SELECT open.dictionary, open.feature, w.explainer, ? AS judge, coalesce(lost.status, open.status) AS status
FROM open CROSS JOIN writers w
LEFT JOIN lost ON lost.dictionary = open.dictionary AND lost.feature = open.feature
WHERE NOT EXISTS (
    FROM own WHERE own.dictionary = open.dictionary AND own.feature = open.feature AND own.explainer = w.explainer
)
"""

ROWS = """
INSERT INTO labels BY NAME
SELECT row_number() OVER (ORDER BY width, dictionary, feature, explainer, judge, explanation)
    + (SELECT coalesce(max(place), 0) FROM labels) AS place, * EXCLUDE (width, one)
FROM (
    SELECT ? AS run, f.dictionary, f.feature, f.density, f.peak, coalesce(a.status, f.status) AS status,
        coalesce(a.explainer, '') AS explainer, coalesce(a.judge, '') AS judge,
        ' ' || trim({folded}) || ' ' AS folded, coalesce(t.tags, []) AS tags,
        coalesce(d.width, 0) AS width, a.* EXCLUDE (dictionary, feature, status, explainer, judge)
    FROM features_in f
    LEFT JOIN asked a ON a.dictionary = f.dictionary AND a.feature = f.feature
    LEFT JOIN (SELECT DISTINCT ON (dictionary) dictionary, width FROM dictionaries_in) d ON d.dictionary = f.dictionary
    LEFT JOIN tags_in t ON t.explanation = a.explanation
) ORDER BY place
"""

# A feature counts as scored as soon as one of its labels has one number, as in the report.

FEATURES = """
INSERT INTO features BY NAME
SELECT ? AS run, f.* EXCLUDE (status, token_stats, n_shown_tokens),
    CASE WHEN f.status != 'pending' THEN f.status ELSE coalesce(l.outcome, 'pending') END AS status
FROM features_in f LEFT JOIN (
    SELECT dictionary, feature,
        coalesce(min(status) FILTER (status = 'scored'), min(status) FILTER (status != 'pending')) AS outcome
    FROM labels WHERE run = ? GROUP BY ALL
) l ON l.dictionary = f.dictionary AND l.feature = f.feature
"""

COUNTS = f"""
SELECT (SELECT count(*) FROM features WHERE run = ?),
    (SELECT count(*) FROM features WHERE run = ? AND status NOT IN {NEVER_ASKED}),
    (SELECT count(*) FROM features WHERE run = ? AND status = 'scored'),
    count(*), count(*) FILTER (reason IN ('provider_error', 'timeout', 'cancelled', 'budget_stopped'))
FROM failures WHERE run = ?
"""

LINES = """
INSERT INTO lines BY NAME
WITH own AS (SELECT DISTINCT ON (explanation) explanation, explainer FROM explanations_in),
widths AS (SELECT DISTINCT ON (dictionary) dictionary, width FROM dictionaries_in),
wide AS (
    SELECT dictionary, scorer, variant, metric, feature, avg(value) AS value FROM scores_in
    WHERE control = 'shuffled' GROUP BY ALL
)
SELECT ? AS run, s.dictionary, any_value(w.width) AS width, coalesce(o.explainer, 'nobody (no label)') AS explainer,
    s.scorer, s.variant, s.metric, s.judge, avg(s.chance) AS chance, avg(s.value) AS value,
    avg(s.value) - 1.959964 * stddev_samp(s.value) / sqrt(count(s.value)) AS low,
    avg(s.value) + 1.959964 * stddev_samp(s.value) / sqrt(count(s.value)) AS high,
    count(s.value) AS n_scored, count(*) AS n_asked,
    CASE WHEN count(c.value) > 0 THEN 'shuffled' END AS control, avg(c.value) AS control_value,
    avg(s.value - c.value) AS excess,
    avg(s.value - c.value) - 1.959964 * stddev_samp(s.value - c.value) / sqrt(count(s.value - c.value)) AS excess_low,
    avg(s.value - c.value) + 1.959964 * stddev_samp(s.value - c.value) / sqrt(count(s.value - c.value)) AS excess_high,
    any_value(t.standing) AS standing
FROM scores_in s
LEFT JOIN own o ON o.explanation = s.explanation
LEFT JOIN widths w ON w.dictionary = s.dictionary
LEFT JOIN standings t USING (scorer, variant, metric, judge)
LEFT JOIN wide c ON c.dictionary = s.dictionary AND c.scorer = s.scorer AND c.variant = s.variant
    AND c.metric = s.metric AND c.feature = s.feature
WHERE s.control = 'none'
GROUP BY s.dictionary, o.explainer, s.scorer, s.variant, s.metric, s.judge
"""
