"""The webhook: told once for each change of state, of measures alone; a failure to tell is said and no more."""

import json
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from autointerp.pipeline.notifying import STATES, VARIABLE, Notice, clip, notify


@pytest.fixture
def received(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return what the webhook is sent, as it comes."""
    got: list[Any] = []

    def take(request: Request) -> Response:
        got.append(json.loads(request.data))
        return Response("ok")

    httpserver.expect_request("/hook").respond_with_handler(take)
    monkeypatch.setenv(VARIABLE, httpserver.url_for("/hook"))
    return got


def notice(state: str, **more: Any) -> Notice:
    told: dict[str, Any] = {"watch": "gate good", "state": state, "run": "r", "baseline": "b", "verdict": state}
    return Notice(**told | {"problems": ["drop: lower"], "labels": {}} | more)


def test_once_for_each_change(received: list[Any], tmp_path: Path) -> None:
    """pass is the state nobody is told of first; then every change is told once, with what was before."""
    said = [notify(tmp_path, notice(state)) for state in ("pass", "fail", "fail", "inconclusive", "pass", "pass")]
    assert [one["state"] for one in received] == ["fail", "inconclusive", "pass"]
    assert [one["before"] for one in received] == ["pass", "fail", "inconclusive"]
    assert [s == "webhook: told" for s in said] == [False, True, False, True, True, False]


def test_what_is_watched_has_a_state_each(received: list[Any], tmp_path: Path) -> None:
    """One baseline's failure does not silence another's."""
    for watch in ("gate a", "gate b", "gate a"):
        notify(tmp_path, notice("fail", watch=watch))
    assert [one["watch"] for one in received] == ["gate a", "gate b"]


def test_labels_are_clipped(received: list[Any], tmp_path: Path) -> None:
    """A label comes on one line of at most 80 characters, without what is not drawn."""
    notify(tmp_path, notice("fail", labels={"t/4#1": "a\n\u202eb" + "x" * 500}))
    (label,) = received[0]["labels"].values()
    assert label.startswith("a b")
    assert len(label) == 80
    assert clip("short") == "short"


def test_a_failure_to_tell_is_said_and_told_the_next_time(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A refusal, a dead address and a wrong one raise nothing and name no address; the state stays untold."""
    httpserver.expect_request("/hook").respond_with_data("no", status=500)
    secret = httpserver.url_for("/hook")
    for url in (secret, "http://127.0.0.1:9/secret", "file:///etc/passwd", "no address"):
        monkeypatch.setenv(VARIABLE, url)
        said = notify(tmp_path, notice("fail"))
        assert "NOT sent" in said
        assert url not in said
        assert not (tmp_path / STATES).exists()


def test_without_an_address_nothing_happens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable, no word, no file."""
    monkeypatch.delenv(VARIABLE, raising=False)
    assert notify(tmp_path, notice("fail")) == ""
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_state_file_tells_again(received: list[Any], tmp_path: Path) -> None:
    """Better told twice than never."""
    (tmp_path / STATES).write_text("{")
    assert notify(tmp_path, notice("fail")) == "webhook: told"
    assert len(received) == 1
