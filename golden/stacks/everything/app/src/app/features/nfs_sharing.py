"""NFS Sharing: files that one server writes and every other server reads."""

import logging
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Path, Request, Response
from fastapi.responses import JSONResponse

from app.checks import Check
from app.page import Panel
from app.settings import Settings
from app.shared_files import (
    FileMissingError,
    FolderUnavailableError,
    SharedFile,
    SharedFileError,
    SharedFiles,
    SharedSettings,
    TooLargeError,
    TooManyFilesError,
)

log = logging.getLogger(__name__)
router = APIRouter(prefix="/shared", tags=["shared files"])

_STATUS: dict[type[SharedFileError], int] = {
    FileMissingError: 404,
    TooLargeError: 413,
    TooManyFilesError: 507,
}

_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Disposition": "attachment",
    # Whoever may write a file must not be able to run it as a page of this site.
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}


def files_of(request: Request) -> SharedFiles:
    """Return the shared files, for routes that ask with `Depends`."""
    files: SharedFiles = request.app.state.shared_files
    return files


TheFiles = Annotated[SharedFiles, Depends(files_of)]
Name = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


@router.get("")
async def names(files: TheFiles) -> list[SharedFile]:
    """List the files, in the order of their names."""
    return await files.listing()


@router.get("/{name}")
async def get(name: Name, files: TheFiles) -> Response:
    """Send one file, as bytes that no browser takes for a page."""
    return Response(await files.read(name), 200, _HEADERS, "application/octet-stream")


@router.put("/{name}")
async def put(name: Name, request: Request, files: TheFiles) -> Response:
    """Write one file, or replace it: 204, or 202 where it is read from a copy that follows."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        files.check_size(len(content))
    await files.write(name, bytes(content))
    return Response(status_code=202 if files.copied else 204)


@router.delete("/{name}")
async def delete(name: Name, files: TheFiles) -> Response:
    """Take one file away; one that is not there is no error."""
    await files.delete(name)
    return Response(status_code=202 if files.copied else 204)


async def panel(request: Request) -> Panel:
    """Tell how many files all servers share."""
    try:
        found = await files_of(request).listing()
    except FolderUnavailableError:
        log.warning("the page is shown without the shared files")
        return Panel("Shared files", {"Files": "not available, the share is silent"})
    newest = max(found, key=lambda file: file.modified, default=None)
    return Panel(
        "Shared files", {"Files": str(len(found)), "Newest": newest.name if newest else "-"}
    )


async def refuse(request: Request, error: Exception) -> JSONResponse:
    """Answer for a file that could not be read or written."""
    status = next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), 503)
    if status != 503:
        return JSONResponse({"detail": str(error)}, status)
    log.error("shared files", extra={"reason": str(error)})
    return JSONResponse(
        {"detail": "shared files are not available at the moment"}, 503, {"Retry-After": "5"}
    )


def install(app: FastAPI, files: SharedFiles) -> None:
    """Add shared files to the application, wherever they lie."""
    app.state.shared_files = files
    app.state.panels.append(panel)
    app.state.checks.append(Check("share", files.probe_share, shared=True))
    if files.copied:
        app.state.checks.append(Check("copy of the share", files.probe_copy, shared=False))
    app.state.on_stop.append(files.close)
    app.add_exception_handler(SharedFileError, refuse)
    app.include_router(router)


def register(app: FastAPI, settings: Settings) -> None:
    """Add the files of the folder that all servers have mounted."""
    install(app, SharedFiles(SharedSettings()))
