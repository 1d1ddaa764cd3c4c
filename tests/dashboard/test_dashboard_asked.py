"""What was asked and answered in words, beside labels and scores."""

import json
from pathlib import Path
from typing import Any

import pytest
from dashboard_builders import Client, open_app, toy_home

from autointerp.core.types import About, FeatureId, Question, Reply, YesNo
from autointerp.dashboard.building import build_snapshot
from autointerp.pipeline.ledger import Ledger
from autointerp.store.parts import read_table, write_part

HOSTILE = "<script>alert(1)</script>\u202e"


def reply_to(question: Question, text: str) -> Reply:
    return Reply(question.key, "local:writer", text, (), "text", 10, 2, 0, 0.1, None)


def home_with_words(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Return a home whose first label and detection items have transcripts, and the rows they belong to."""
    home = toy_home(folder)
    run = home / "runs" / "toy-1"
    labels = read_table(run, "explanations")
    predictions = read_table(run, "predictions")
    said_of = predictions[(predictions["scorer"] == "detection") & (predictions["control"] == "none")].iloc[0]
    label = labels[labels["explanation"] == said_of["explanation"]].iloc[0]
    feature = FeatureId(str(label["dictionary"]), int(label["feature"]))

    asked = Question(f"be brief {HOSTILE}", f"which windows? {HOSTILE} " + "x" * 9_000 + "END", 20, YesNo())
    explained = Ledger(run, "explain", "local:writer")
    explained.note(asked, reply_to(asked, f"a label {HOSTILE}"))
    explained.keep()
    about = About(feature, str(said_of["item"]), str(label["text"]), scorer="detection")
    judged = Question("", "does it fit?", 2, YesNo(), about=about)
    for name, words in ((str(said_of["judge"]), f"yes it does {HOSTILE}"), ("local:another", "it does not")):
        scored = Ledger(run, "score", name)
        scored.note(judged, reply_to(judged, words))
        scored.keep()
    frame = labels.assign(question=labels["question"].where(labels["explanation"] != label["explanation"], asked.key))
    for dictionary, rows in frame.groupby("dictionary"):
        write_part(run, "explanations", str(dictionary), rows)
    build_snapshot(home)
    return home, {"key": asked.key, "feature": feature, "label": label, "said_of": said_of}


def links_in(page: str, start: str) -> list[str]:
    return [part.partition('"')[0].replace("&amp;", "&") for part in page.split('href="')[1:] if part.startswith(start)]


def test_prompt_reply_and_words_are_one_click_away(tmp_path: Path) -> None:
    """From a label to what its explainer was asked, from a score to what the judge said; all of it as text."""
    home, known = home_with_words(tmp_path)
    feature = known["feature"]
    with open_app(home) as client:
        page = client.get(f"/f/{feature.dictionary}/{feature.index}").text
        (address,) = links_in(page, "/asked/")
        shown = client.get(address)
        assert shown.status == 200
        assert "END" in shown.text
        assert "<script>alert" not in shown.text
        assert "\u202e" not in shown.text
        assert "\\u202e" in shown.text
        (one,) = client.get(f"{address}.json").json()["transcripts"]
        assert (one["prompt"].endswith("END"), one["reply"]) == (True, f"a label {HOSTILE}")
        words = [evidence_of(client, link) for link in links_in(page, "/scores/") if "/detection" in link]
        # Another judge's words of the same item are none of this score's.
        assert [f"yes it does {HOSTILE}"] in words
        assert "it does not" not in str(words)


def test_neighbours_stand_with_their_labels(tmp_path: Path) -> None:
    """Features of near direction lead to their pages, the nearest first; one without a label says so."""
    home = toy_home(tmp_path)
    run = home / "runs" / "toy-1"
    features = read_table(run, "features")
    dictionary = str(features["dictionary"].iloc[0])
    near = [f"{dictionary}#{index}" for index in (3, 1)]
    features["siblings"] = [near if (d, f) == (dictionary, 2) else [] for d, f in zip(
        features["dictionary"], features["feature"], strict=True
    )]  # fmt: skip
    for name, rows in features.groupby("dictionary"):
        write_part(run, "features", str(name), rows)
    build_snapshot(home)
    labels = read_table(run, "explanations").set_index(["dictionary", "feature"])["text"]
    with open_app(home) as client:
        text = client.get(f"/f/{dictionary}/2").text
        shown = text.partition("<h3>Neighbours</h3>")[2].partition("</ul>")[0]
        found = links_in(shown, "/f/")
        assert [address.partition("?")[0] for address in found] == [f"/f/{dictionary}/{index}" for index in (3, 1)]
        assert str(labels[dictionary, 1].iloc[0]) in shown
        assert "<h3>Neighbours" not in client.get(f"/f/{dictionary}/1").text


def evidence_of(client: Client, address: str) -> list[str]:
    path, _, query = address.partition("?")
    items = json.loads(client.get(f"{path}.json?{query}").text)["items"]
    return [item["words"] for item in items if item["words"]]


@pytest.mark.parametrize("address", ["/asked/toy-1/0000", "/asked/none/0000"])
def test_words_that_are_not_there_are_not_there(client: Client, address: str) -> None:
    """An unknown key and an unknown run are 404, and a page of a run without words has no link to them."""
    assert client.get(address).status == 404
    page = client.get("/f/toy-l12/512/1")
    assert page.status == 200
    assert not links_in(page.text, "/asked/")


def test_a_ledger_keeps_words_of_labels_and_scores_alone(tmp_path: Path) -> None:
    """Prompts of explainers whole, of judges what they said, cut; of the zoo nothing."""
    feature = FeatureId("d/16", 3)
    judged = Question("", "p", 2, YesNo(), about=About(feature, "doc:0", "a label", scorer="fuzzing"))
    for stage in ("certify", "score", "explain"):
        question = Question("s", "p", 2, YesNo()) if stage == "explain" else judged
        ledger = Ledger(tmp_path, stage, "local:writer")
        ledger.note(question, reply_to(question, "y" * 1_000))
        ledger.keep()
    told = read_table(tmp_path, "transcripts").set_index("stage")
    assert set(told.index) == {"score", "explain"}
    assert len(told.loc["score", "reply"]) == 300
    assert told.loc["score", ["dictionary", "feature", "scorer", "item", "label"]].tolist() == [
        "d/16", 3, "fuzzing", "doc:0", "a label",
    ]  # fmt: skip
    assert told.loc["explain", ["system", "prompt", "reply"]].tolist() == ["s", "p", "y" * 1_000]
    assert len(read_table(tmp_path, "calls")) == 3
