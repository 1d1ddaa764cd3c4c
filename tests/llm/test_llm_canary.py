"""A key, and whether it shows up anywhere it should not."""

import asyncio
import logging
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
import wire_shapes
from llm_builders import make_question
from local_server import Got, LocalServer, Respond, Send

from autointerp.core.types import Failure
from autointerp.llm.gather import answer_all
from autointerp.llm.probing import prepare
from autointerp.llm.registry import open_llm
from autointerp.llm.retrying import Patience
from autointerp.store.convert import call_row, failure_row

Serve = Callable[[Respond], LocalServer]
CANARY = "sk-canary-7d1f2e"
PATIENCE = Patience(tries=2, total_s=5, first_s=0.01)


def repeating(status: int) -> Respond:
    """Return a server that sends back, in every place, all that it was sent."""

    def respond(got: Got) -> Send:
        told = f"you sent {got.headers}"
        shape = wire_shapes.message() if "messages" in got.path else wire_shapes.chat()
        body = {"error": {"message": told, "code": told, "type": told}} if status >= 400 else shape
        return Send(body, status, {"x-told": told.replace("\n", " "), "request-id": "r1"})

    return respond


@pytest.mark.parametrize("provider", ["anthropic", "openai"])
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 500])
def test_the_key_goes_to_the_server_and_nowhere_else(
    serve: Serve,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    provider: str,
    status: int,
) -> None:
    """Not into logs (at their chattiest), files, failures, ledger rows, messages or tracebacks with their causes."""
    monkeypatch.setenv("CANARY_KEY", CANARY)
    caplog.set_level(logging.DEBUG)
    server = serve(repeating(status))
    root = "/v1" if provider == "openai" else ""
    options = {"base_url": server.url + root, "key_variable": "CANARY_KEY", "patience": PATIENCE}
    llm = open_llm(f"{provider}:m", store_path=tmp_path / "replies.sqlite", options=options)
    told = ""
    for attempt in (answer_all(llm, [make_question()], 1), prepare(llm, tmp_path)):
        try:
            outcome = asyncio.run(attempt)  # type: ignore[arg-type]
        except Exception as error:
            told += "".join(traceback.format_exception(error)) + repr(error)
        else:
            told += repr(outcome)
            answers = outcome if isinstance(outcome, list) else []
            told += repr([failure_row(a) if isinstance(a, Failure) else call_row(a) for a in answers])
    llm.close()  # type: ignore[attr-defined]
    assert any(CANARY in repr(got.headers) for got in server.got)
    assert CANARY not in told
    assert CANARY not in caplog.text
    assert CANARY not in repr(vars(llm)) + repr(vars(llm.inner))  # type: ignore[attr-defined]
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or CANARY.encode() not in path.read_bytes()


def test_a_password_in_an_address_is_not_repeated(tmp_path: Path) -> None:
    """Nor a key in its query."""
    options = {"base_url": f"http://me:{CANARY}@127.0.0.1:1/v1?key={CANARY}", "patience": Patience(tries=1)}
    llm = open_llm("openai:m", store_path=tmp_path / "r.sqlite", options=options)
    with pytest.raises(Exception, match=r"127\.0\.0\.1:1/v1 cannot be reached") as raised:
        asyncio.run(answer_all(llm, [make_question()], 1))
    assert CANARY not in "".join(traceback.format_exception(raised.value))
    llm.close()  # type: ignore[attr-defined]
