"""The application: addresses to pages, three formats, one snapshot a request, headers that let nothing else in."""

import hmac
from collections.abc import Awaitable, Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from autointerp.core.errors import AutointerpError, ConfigError
from autointerp.dashboard.ledgers import Ledgers
from autointerp.dashboard.rendering import as_json, csv_pieces, html, static_file
from autointerp.dashboard.shelf import Reader, Shelf
from autointerp.dashboard.views import Asked, NotThereError, Page, Sheet, View

PAGES = {
    "/": "overview.page",
    "/features": "features.page",
    "/f/{dictionary:path}/{index:int}": "feature.page",
    "/runs/{run}": "runs.page",
    "/dictionaries/{dictionary:path}": "dictionaries.dictionary_page",
    "/ladders/{family:path}": "dictionaries.ladder_page",
    "/scores/{run}/{dictionary:path}/{index:int}/{explanation}/{scorer}": "scores.page",
    "/asked/{run}/{question}": "asked.page",
    "/compare": "compare.page",
    "/agreement": "agreement.page",
    "/cost": "cost.page",
    "/flows": "flows.page",
    "/review": "review.page",
    "/docs/scorers/{name}": "docs.page",
}
"""Every page by its address, a function of a module in ``pages``; each is there with ``.json`` and ``.csv``, too."""

FORMATS = ("json", "csv")
STATIC = {"style.css": "text/css", "script.js": "text/javascript"}
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors {who}"
)
LONGEST_BODY = 10_000
COOKIE = "autointerp-token"
HERE = ("127.0.0.1", "localhost", "[::1]")


def make_app(home: Path, *, token: str = "", hosts: tuple[str, ...] = HERE) -> FastAPI:
    """Return the application over a home's snapshots.

    Args:
        home: Whose runs are shown.
        token: What a visitor has to know; empty where only this machine can ask.
        hosts: Names under which it may be asked: another site's name that leads here is refused.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    shelf = Shelf(home)
    app.state.shelf = shelf
    for path, name in PAGES.items():
        page = _endpoint(shelf, _page(name))
        app.add_api_route(path, page, methods=["GET"], include_in_schema=False, response_model=None)
    app.add_api_route("/review", _review(shelf), methods=["POST"], include_in_schema=False, response_model=None)
    app.add_api_route("/favicon.ico", _no_icon, methods=["GET"], response_model=None)
    app.add_api_route("/static/{name}", _static, methods=["GET"], response_model=None)
    app.add_exception_handler(404, _missing)
    app.add_middleware(GZipMiddleware, minimum_size=1_000, compresslevel=5)
    app.add_middleware(_Formats)
    app.add_middleware(_Guard, token=token)
    if "*" not in hosts:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    return app


def _page(name: str) -> Page:
    """Return a page by its name. Imported when first asked for: what draws or computes takes seconds to load."""
    module, _, function = name.partition(".")

    def page(reader: Reader, asked: Asked) -> View:
        made: Page = getattr(import_module(f"autointerp.dashboard.pages.{module}"), function)
        return made(reader, asked)

    return page


def _endpoint(shelf: Shelf, page: Page) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        asked = Asked(
            {name: str(value) for name, value in request.path_params.items()},
            dict(request.query_params),
            str(request.scope.get("autointerp.format", "html")),
        )
        try:
            return _answer(shelf, page, asked, _address(request))
        except AutointerpError as error:
            return _refusal(error, asked, _address(request))

    return answer


def _review(shelf: Shelf) -> Callable[[Request], Awaitable[Response]]:
    ledgers = Ledgers()

    def keep(body: bytes) -> str:
        from autointerp.dashboard.pages import review

        with shelf.lease() as reader:
            return review.keep_answer(reader, ledgers, body)

    async def answer(request: Request) -> Response:
        asked = Asked({}, {})
        if not _is_from_here(request):
            return _refusal(ConfigError("answers are taken from this dashboard's own page only"), asked, "/review")
        try:
            body = await _body(request)
            return RedirectResponse(await run_in_threadpool(keep, body), 303)
        except AutointerpError as error:
            return _refusal(error, asked, "/review")

    return answer


async def _body(request: Request) -> bytes:
    found = b""
    async for piece in request.stream():
        found += piece
        if len(found) > LONGEST_BODY:
            msg = f"an answer has at most {LONGEST_BODY} bytes"
            raise ConfigError(msg)
    return found


def _is_from_here(request: Request) -> bool:
    """Whether a form was sent from one of our pages: another site's page can send one, too, but not with our name."""
    origin = request.headers.get("origin", "")
    return origin.partition("://")[2] == request.headers.get("host", "")


def _answer(shelf: Shelf, page: Page, asked: Asked, address: str) -> Response:
    if asked.format == "csv":
        return _csv(shelf, page, asked)
    with shelf.lease() as reader:
        view, key = page(reader, asked), reader.snapshot.key
        status = 400 if view.error else 200
        if asked.format == "json":
            return Response(as_json(view, snapshot=key), status, media_type="application/json")
        return HTMLResponse(html(view, snapshot=key, address=address), status)


def _csv(shelf: Shelf, page: Page, asked: Asked) -> Response:
    """Return rows while they are read; the snapshot is held until the last is sent."""
    lease = shelf.lease()
    reader = lease.__enter__()
    try:
        view = page(reader, asked)
        if view.error:
            raise ConfigError(view.error)
        sheet = view.sheet()
    except BaseException:
        lease.__exit__(None, None, None)
        raise

    def pieces() -> Iterator[str]:
        try:
            yield from csv_pieces(Sheet(["snapshot", *sheet.head], ([reader.snapshot.key, *row] for row in sheet.rows)))
        finally:
            lease.__exit__(None, None, None)

    name = "".join(char if char.isalnum() and char.isascii() else "-" for char in view.title).strip("-") or "table"
    headers = {"content-disposition": f'attachment; filename="{name}.csv"'}
    return StreamingResponse(pieces(), media_type="text/csv; charset=utf-8", headers=headers)


def _refusal(error: AutointerpError, asked: Asked, address: str) -> Response:
    """Return what is wrong, in the format that was asked for."""
    status = 404 if isinstance(error, NotThereError) else 400 if isinstance(error, ConfigError) else 503
    title = {404: "Not there", 400: "Not understood"}.get(status, "Not now")
    view = View(title, "error.html.jinja", {}, lambda: Sheet([], []), error=str(error))
    if asked.format != "html":
        return Response(as_json(view, snapshot=""), status, media_type="application/json")
    return HTMLResponse(html(view, snapshot="", address=address), status)


async def _missing(request: Request, _error: Exception) -> Response:
    asked = Asked({}, {}, str(request.scope.get("autointerp.format", "html")))
    return _refusal(NotThereError(f"there is no page {request.url.path}"), asked, _address(request))


def _address(request: Request) -> str:
    path = str(request.scope.get("autointerp.path", request.url.path))
    return quote(path, safe="/:~@") + (f"?{request.url.query}" if request.url.query else "")


def _no_icon() -> Response:
    # Browsers ask for one of themselves; an error would stand in their console.
    return Response(status_code=204)


def _static(name: str) -> Response:
    if name not in STATIC:
        return PlainTextResponse("no such file", 404)
    headers = {"cache-control": "public, max-age=31536000, immutable"}
    return Response(static_file(name), media_type=STATIC[name], headers=headers)


# ---- around every request

Scope = dict[str, Any]
Send = Callable[[Any], Awaitable[None]]


class _Formats:
    """Takes ``.json`` or ``.csv`` off a path, so that every page has its twins."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith("/static/"):
            path, dot, ending = scope["path"].rpartition(".")
            if dot and ending in FORMATS:
                # The overview's twins are /index.json and /index.csv: a bare dot would be no path.
                path = "/" if path == "/index" else path
                scope = {**scope, "path": path, "autointerp.format": ending}
                scope["raw_path"] = path.encode()
            scope.setdefault("autointerp.path", scope["path"])
        await self.app(scope, receive, send)


class _Guard:
    """Asks for the token, where there is one, and puts the headers on every answer."""

    def __init__(self, app: Any, *, token: str) -> None:
        self.app = app
        self.token = token

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        is_embedded = request.query_params.get("embed") == "1" and request.method == "GET"
        headers = _headers(is_embedded=is_embedded)

        async def send_with(message: Any) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                message["headers"] += [(name, value) for name, value in headers if name not in given]
            await send(message)

        response = self._refuse(request)
        await (response or self.app)(scope, receive, send_with)

    def _refuse(self, request: Request) -> Response | None:
        """Return None for who may look; who brings the token in the address gets it as a cookie."""
        if not self.token or self._knows(request.cookies.get(COOKIE, "")):
            return None
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self._knows(bearer):
            return None
        if self._knows(request.query_params.get("token", "")):
            response: Response = RedirectResponse(str(request.url.remove_query_params("token")), 303)
            response.set_cookie(COOKIE, self.token, httponly=True, samesite="strict")
            return response
        return PlainTextResponse("this dashboard asks for its token: add ?token=… to the address once", 401)

    def _knows(self, said: str) -> bool:
        return hmac.compare_digest(said.encode(), self.token.encode())


def _headers(*, is_embedded: bool) -> list[tuple[bytes, bytes]]:
    policy = POLICY.format(who="*" if is_embedded else "'none'")
    return [
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cache-control", b"private, no-cache"),
        (b"cross-origin-opener-policy", b"same-origin"),
    ]
