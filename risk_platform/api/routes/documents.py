"""The documentation of the API, served without any outside host."""

from pathlib import Path

import fastapi_offline
from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles

from risk_platform.api.guard import PUBLIC

ASSETS_PATH = "/assets"
_OPENAPI = "/openapi.json"
_ASSETS = Path(fastapi_offline.__file__).parent / "static"
# The pages start themselves with a few lines of their own; everything else comes from here.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; worker-src blob:; frame-ancestors 'none'"
)
_HEADERS = {"Content-Security-Policy": _POLICY}

router = APIRouter(include_in_schema=False)


@router.get("/docs", dependencies=PUBLIC)
def swagger(request: Request) -> HTMLResponse:
    """The API to try out; Authorize takes the access token that login answers."""
    page = get_swagger_ui_html(
        openapi_url=_OPENAPI,
        title=request.app.title,
        swagger_js_url=f"{ASSETS_PATH}/swagger-ui-bundle.js",
        swagger_css_url=f"{ASSETS_PATH}/swagger-ui.css",
        swagger_favicon_url=f"{ASSETS_PATH}/favicon.png",
    )
    return HTMLResponse(page.body, headers=_HEADERS)


@router.get("/redoc", dependencies=PUBLIC)
def redoc(request: Request) -> HTMLResponse:
    """The API to read."""
    page = get_redoc_html(
        openapi_url=_OPENAPI,
        title=request.app.title,
        redoc_js_url=f"{ASSETS_PATH}/redoc.standalone.js",
        redoc_favicon_url=f"{ASSETS_PATH}/favicon.png",
        with_google_fonts=False,
    )
    return HTMLResponse(page.body, headers=_HEADERS)


@router.get(_OPENAPI, dependencies=PUBLIC)
def openapi(request: Request) -> JSONResponse:
    """The OpenAPI document."""
    return JSONResponse(request.app.openapi())


def serve_assets(app: FastAPI) -> None:
    """Serve scripts and styles of the pages."""
    app.mount(ASSETS_PATH, StaticFiles(directory=_ASSETS))
