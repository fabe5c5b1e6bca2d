"""The gateway's paths for documents: parse, authorise, one call, answer."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from planner_memory.core.errors import InvalidInput
from planner_memory.memory_gateway import document_schemas as schemas
from planner_memory.memory_gateway.document_service import Documents, NewDocument
from planner_memory.memory_gateway.parameters import Client
from planner_memory.memory_gateway.routes import Asked
from planner_memory.memory_gateway.schemas import no_nul
from planner_memory.ports.documents import MAX_DOCUMENT_BYTES
from planner_memory.web.auth import Authenticated, Caller

router = APIRouter(prefix="/api/v1/memory", tags=["documents"])
_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "string", "format": "binary", "description": f"At most {MAX_DOCUMENT_BYTES // 1_000_000} MB"},
        **{name: {"type": "string"} for name in ("title", "media_type", "doc_id", "source", "client_id")},
        "metadata": {"type": "string", "description": "A JSON object"},
    },
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": _FORM},
            "application/json": {"schema": schemas.DocumentIn.model_json_schema()},
        },
    }
}


async def documents_of(request: Request) -> Documents:
    documents: Documents = request.app.state.documents
    return documents


Service = Annotated[Documents, Depends(documents_of)]
DocId = Annotated[str, Path(min_length=1, max_length=255), AfterValidator(no_nul)]


@router.post(
    "/docs",
    status_code=201,
    operation_id="add_document",
    response_model=schemas.AddedOut,
    openapi_extra=_BODY,
    responses={207: {"model": schemas.AddedOut, "description": "Stored; the index answered with failure and is tried again"}},
)
async def add_document(request: Request, caller: Authenticated, documents: Service) -> Any:
    """Stores a Markdown, text, HTML, PDF or DOCX document: a file in a form, or a text in JSON. The same content again changes nothing."""
    added = await documents.add(await _sent(request, caller))
    return JSONResponse(asdict(added), status_code=207 if added.failed else 201)


@router.get("/docs", operation_id="list_documents")
async def list_documents(
    caller: Authenticated,
    documents: Service,
    client_id: Client = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> schemas.DocumentsOut:
    """The documents, the one changed last first."""
    return schemas.DocumentsOut.model_validate(await documents.listed(caller.clients(client_id), limit=limit, offset=offset))


@router.get("/docs/{doc_id:path}", operation_id="read_document")
async def read_document(doc_id: DocId, caller: Authenticated, documents: Service, client_id: Client = None) -> schemas.DocumentOut:
    """What is known of a document."""
    return schemas.DocumentOut.model_validate(await documents.document(doc_id, caller.clients(client_id)))


@router.delete("/docs/{doc_id:path}", operation_id="remove_document")
async def remove_document(doc_id: DocId, caller: Authenticated, documents: Service, client_id: Client = None) -> schemas.DocumentReceiptOut:
    """Removes a document in every store."""
    return schemas.DocumentReceiptOut.model_validate(await documents.remove(doc_id, caller.clients(client_id)))


@router.get("/search/docs", operation_id="search_documents", response_model=schemas.ChunkHitsOut)
async def search_documents(
    query: Asked, caller: Authenticated, documents: Service, client_id: Client = None, k: Annotated[int, Query(ge=1, le=100)] = 5
) -> Any:
    """Searches the documents by words and by meaning; best passages first."""
    return JSONResponse(await documents.search(query, (caller.client(client_id),), k=k))


async def _sent(request: Request, caller: Caller) -> NewDocument:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _from_form(request, caller)
    if kind != "application/json":
        raise InvalidInput("Send a form (multipart/form-data) with a file, or JSON with title and content.", field="Content-Type")
    try:
        about = schemas.DocumentIn.model_validate_json(await request.body())
        content = about.content.encode()
    except ValidationError as error:
        raise RequestValidationError([{**e, "loc": ("body", *e["loc"])} for e in error.errors(include_url=False, include_context=False)]) from error
    except UnicodeEncodeError as error:
        raise InvalidInput("The text holds half characters (lone surrogates). Remove them.", field="content") from error
    return _new(about, caller, content, about.text_type, None)


async def _from_form(request: Request, caller: Caller) -> NewDocument:
    try:
        async with request.form(max_files=1, max_fields=20) as form:
            upload = form.get("file")
            if not isinstance(upload, UploadFile):
                raise InvalidInput("The form needs a field file that holds the document.", field="file")
            content = await upload.read(MAX_DOCUMENT_BYTES + 1)
            fields = {name: value or None for name, value in form.items() if name != "file"}
            filename, said = upload.filename, upload.content_type
    except HTTPException as error:
        raise InvalidInput(f"The form cannot be read: {error.detail} Send one file in the field file.", field="file") from error
    try:
        about = schemas.DocumentAbout.model_validate(fields)
    except ValidationError as error:
        raise RequestValidationError([{**e, "loc": ("body", *e["loc"])} for e in error.errors(include_url=False, include_context=False)]) from error
    return _new(about, caller, content, about.media_type or said, filename)


def _new(about: schemas.DocumentAbout, caller: Caller, content: bytes, media_type: str | None, filename: str | None) -> NewDocument:
    return NewDocument(
        client_id=caller.client(about.client_id),
        content=content,
        media_type=media_type,
        filename=filename,
        title=about.title,
        doc_id=about.doc_id,
        source=about.source,
        metadata=about.metadata or {},
        is_file=not isinstance(about, schemas.DocumentIn),
    )
