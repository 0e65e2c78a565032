"""Evidence on paper: the sheet of a request."""

from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from approvals.audit.sheet import take_sheet
from approvals.views.http import PersonRequest

PDF = "application/pdf"


@require_safe
def request_sheet(request: PersonRequest, request_id: UUID) -> HttpResponse:
    """Everything about one request, for whoever may see it."""
    name, pdf = take_sheet(by=request.user, request_id=request_id)
    return as_file(f"{name}.pdf", PDF, pdf)


def as_file(name: str, content_type: str, content: bytes) -> HttpResponse:
    """An answer that a browser keeps under this name, and that nobody in between keeps."""
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    return HttpResponse(content, content_type=content_type, headers=headers)
