"""Text inside installed packages: the demo's corpus, which needs no network and no file of ours."""

import re
import sysconfig
from collections.abc import Iterator
from functools import partial
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from autointerp.core.errors import EnvironmentProblem
from autointerp.subject.documents import Listed

WIKIPEDIA_FILE = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"


def _gensim_file(name: str) -> Path:
    try:
        return Path(str(resources.files("gensim") / "test" / "test_data" / name))
    except ModuleNotFoundError:
        msg = "the demo corpus needs gensim; install it with: pip install 'autointerp[demo]'"
        raise EnvironmentProblem(msg) from None


def _plain_wikitext(text: str) -> str:
    """Return article text without the headings' and lists' markup that ``filter_wiki`` leaves."""
    text = re.sub(r"'{2,}", "", text)
    text = re.sub(r"^[ \t]*=+\s*(.*?)\s*=+[ \t]*$", r"\1", text, flags=re.M)
    text = re.sub(r"^[*#:;]+\s*", "", text, flags=re.M)
    return re.sub(r"[ \t]*\n\s*\n+", "\n\n", text).strip()


def list_wikipedia(_: str) -> Iterator[Listed]:
    """Yield the 106 articles inside the gensim wheel, case and punctuation kept."""
    path = _gensim_file(WIKIPEDIA_FILE)
    import bz2

    from gensim.corpora.wikicorpus import extract_pages

    with bz2.open(path) as file:
        for title, text, _page in extract_pages(file, ("0",)):
            if not text.lstrip().upper().startswith("#REDIRECT"):
                yield Listed(f"wikipedia/{title}", partial(_article, text))


def _article(text: str) -> str:
    from gensim.corpora.wikicorpus import filter_wiki

    return _plain_wikitext(filter_wiki(text))


def list_news(_: str) -> Iterator[Listed]:
    """Yield the 300 news items of the Lee corpus inside the gensim wheel, one a line."""
    for number, line in enumerate(_gensim_file("lee_background.cor").read_text("utf-8").splitlines()):
        yield Listed(f"news/{number}", line.strip)


def list_python_stdlib(_: str) -> Iterator[Listed]:
    """Yield the standard library's source files, its tests left out."""
    root = Path(sysconfig.get_path("stdlib"))
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).parts
        if not {"test", "tests", "site-packages", "idle_test", "lib2to3", "pydoc_data"} & set(parts):
            yield Listed(f"python/{'/'.join(parts)}", partial(_text_or_nothing, path))


def list_python_topics(_: str) -> Iterator[Listed]:
    """Yield the language reference's topics, as ``help("...")`` prints them."""
    from pydoc_data.topics import topics

    for name, text in sorted(topics.items()):
        yield Listed(f"topic/{name}", partial(str, text))


def list_package_docs(_: str) -> Iterator[Listed]:
    """Yield the descriptions of the installed packages and the prose files that they ship."""
    for package in sorted(metadata.distributions(), key=lambda d: d.metadata["Name"].lower()):
        name = package.metadata["Name"].lower()
        yield Listed(f"package/{name}/description", partial(_description, package))
        for file in package.files or ():
            if file.suffix in {".md", ".rst"} and not re.search(r"licen[cs]e|notice|authors", file.name, re.I):
                yield Listed(f"package/{name}/{file.as_posix()}", partial(_text_or_nothing, Path(str(file.locate()))))


def _description(package: metadata.Distribution) -> str:
    message: Any = package.metadata  # an email.message.Message; its protocol names less
    return str(message.get_payload() or message.get("Description") or "").strip()


def _text_or_nothing(path: Path) -> str:
    """Return a file of other people's packages: what is not text is not corpus."""
    try:
        return path.read_text("utf-8")
    except (UnicodeDecodeError, OSError):
        return ""
