"""Folders, and files that are uploaded."""

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from scanpool.emulator.errors import ApiError
from scanpool.emulator.files import MAX_FILE_BYTES
from scanpool.emulator.routes.endpoint import Routes, body, done
from scanpool.emulator.scanner import Scanner


async def listed(scanner: Scanner, _request: Request) -> Response:
    """Every folder."""
    return JSONResponse({"folders": scanner.folders.listed()})


async def create(scanner: Scanner, request: Request) -> Response:
    """Make a folder."""
    return JSONResponse({"id": scanner.folders.create((await body(request)).get("name"))})


async def rename(scanner: Scanner, request: Request) -> Response:
    """Give a folder another name."""
    scanner.folders.rename(request.path_params["folder_id"], (await body(request)).get("name"))
    return done()


async def delete(scanner: Scanner, request: Request) -> Response:
    """Remove a folder."""
    scanner.folders.delete(request.path_params["folder_id"])
    return done()


async def upload(scanner: Scanner, request: Request) -> Response:
    """Keep a file under the name it comes with."""
    async with request.form(max_files=1, max_part_size=MAX_FILE_BYTES) as form:
        given = form.get("Filedata")
        if not isinstance(given, UploadFile):
            raise ApiError(400, "No file in the field 'Filedata'")
        content = await given.read(MAX_FILE_BYTES + 1)
        return JSONResponse({"fileuploaded": scanner.files.upload(given.filename or "file", content)})


ROUTES: Routes = (
    ("GET", "/folders", listed),
    ("POST", "/folders", create),
    ("PUT", "/folders/{folder_id:int}", rename),
    ("DELETE", "/folders/{folder_id:int}", delete),
    ("POST", "/file/upload", upload),
)
