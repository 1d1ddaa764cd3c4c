"""What does not depend on the machine, at 100,000 features: queries, rows, bytes and elements of a page."""

import importlib.util
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from dashboard_builders import Client, open_app

from autointerp.dashboard.building import build_snapshot
from autointerp.dashboard.explorer import PAGE, explore, stream
from autointerp.dashboard.shelf import Shelf

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "dashboard.py"
N = 100_000


class Counted(HTMLParser):
    n = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.n += 1


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The benchmark's two runs, smaller."""
    spec = importlib.util.spec_from_file_location("dashboard_benchmark", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    home = tmp_path_factory.mktemp("large")
    module.write_runs(home, N)
    build_snapshot(home)
    return home


@pytest.fixture(scope="module")
def client(large: Path) -> Iterator[Client]:
    with open_app(large) as client:
        yield client


@pytest.mark.parametrize(
    "address",
    ["/", "/features?q=sort:-detection", "/f/toy/6666/3", "/f/toy/53333/50000", "/runs/toy-second",
     "/dictionaries/toy/53333", "/ladders/toy", "/compare?a=toy-first&b=toy-second", "/cost"],
)  # fmt: skip
def test_a_page_is_no_heavier_for_more_features(client: Client, address: str) -> None:
    """Whatever the number of features, a page has at most 3,000 elements and 150 kB."""
    found = client.get(address, accept_encoding="gzip")
    assert found.status == 200
    assert len(found.body) <= 150_000
    counted = Counted()
    counted.feed(client.get(address).text)
    assert counted.n <= 3_000


def test_a_page_of_rows_reads_a_page(large: Path) -> None:
    """The explorer asks two queries, the second time one, and holds one row more than it shows."""
    shelf = Shelf(large)
    with shelf.lease() as reader:
        found = explore(reader, "run:toy-second detection>0.6 sort:-fuzzing")
        assert (len(found.rows), reader.n_queries) == (PAGE, 2)
        explore(reader, "run:toy-second detection>0.6 sort:-fuzzing", after=found.after)
        assert reader.n_queries == 3
    shelf.close()


def test_rows_are_streamed_in_pieces(large: Path) -> None:
    """All rows come once, and none waits until the last is read."""
    shelf = Shelf(large)
    with shelf.lease() as reader:
        rows = stream(reader, "run:toy-first")
        next(rows)
        assert reader.n_queries == 1
        assert 1 + sum(1 for _ in rows) == N // 15 + N * 2 // 15 + N * 4 // 15 + N * 8 // 15
    shelf.close()
