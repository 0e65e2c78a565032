"""Evidence on paper: the sheet of a request, the statement of the ledger's integrity."""

from uuid import UUID

import orjson
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from approvals.audit.integrity import document_of, note_taken, statement_for
from approvals.audit.pdf.write_pdf import as_pdf, pdf_available
from approvals.audit.sheet import take_sheet
from approvals.views.http import PersonRequest

PDF = "application/pdf"


@require_safe
def request_sheet(request: PersonRequest, request_id: UUID) -> HttpResponse:
    """Everything about one request, for whoever may see it."""
    name, pdf = take_sheet(by=request.user, request_id=request_id)
    return as_file(f"{name}.pdf", PDF, pdf)


@require_safe
def integrity(request: PersonRequest) -> HttpResponse:
    """What the log is, who has seen it, and what is missing."""
    statement = statement_for(request.user)
    context = {"statement": statement, "pdf": pdf_available()}
    return render(request, "audit/integrity.html", context)


@require_safe
def integrity_json(request: PersonRequest) -> HttpResponse:
    """The same for programs."""
    said = statement_for(request.user).to_json()
    content = orjson.dumps(said, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    note_taken(by=request.user, form="json", content=content)
    return as_file("integrity.json", "application/json", content)


@require_safe
def integrity_pdf(request: PersonRequest) -> HttpResponse:
    """The same on paper."""
    content = as_pdf(document_of(statement_for(request.user)))
    note_taken(by=request.user, form="pdf", content=content)
    return as_file("integrity.pdf", PDF, content)


def as_file(name: str, content_type: str, content: bytes) -> HttpResponse:
    """An answer that a browser keeps under this name, and that nobody in between keeps."""
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    return HttpResponse(content, content_type=content_type, headers=headers)
