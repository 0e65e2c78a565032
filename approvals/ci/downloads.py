"""The client, as pipelines download it, with its SHA-256 beside it."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from approvals.ci.problems import problem

FILES = {"countersign.py": "text/x-python", "countersign.sh": "text/x-shellscript"}


@require_safe
def client_file(request: HttpRequest, name: str) -> HttpResponse:
    """One of the client's files, or its checksum in the form `sha256sum --check` reads."""
    wanted = name.removesuffix(".sha256")
    path: Path = settings.BASE_DIR / "plugins" / "client" / wanted
    if wanted not in FILES or not path.is_file():
        return problem(404, "not-found", f"There is {' and '.join(FILES)} to download.")
    content = path.read_bytes()
    if name != wanted:
        line = f"{hashlib.sha256(content).hexdigest()}  {wanted}\n"
        return HttpResponse(line, content_type="text/plain; charset=utf-8")
    return HttpResponse(content, content_type=f"{FILES[wanted]}; charset=utf-8")
