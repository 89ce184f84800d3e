"""The one style sheet."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

router = APIRouter(include_in_schema=False)


@router.get("/style.css")
async def style() -> FileResponse:
    return FileResponse(
        Path(__file__).with_name("style.css"), media_type="text/css", headers={"Cache-Control": "public, max-age=3600"}
    )
