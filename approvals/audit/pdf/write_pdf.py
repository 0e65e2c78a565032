"""A document as PDF: set by typst (the extra `pdf`), in a process that is bounded."""

import logging
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import BoundedSemaphore

import orjson
from django.utils.translation import gettext as _

from approvals.audit.pdf.document import Document
from portal.kernel.errors import NotFound, TooLarge, Unavailable

log = logging.getLogger(__name__)

MOST_BYTES = 500_000  # of what is to be set: some hundred pages
SECONDS = 30
AT_ONCE = 2
WAIT = 10.0  # seconds for a place among them
_PROGRAM = Path(__file__).with_name("typeset.py")
# One thread: the memory that is allowed is counted with what each thread might use.
_ENVIRONMENT = {"RAYON_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
_places = BoundedSemaphore(AT_ONCE)


@cache
def pdf_available() -> bool:
    """Whether the extra `pdf` is installed."""
    return find_spec("typst") is not None


def as_pdf(document: Document) -> bytes:
    """Raises NotFound where the extra is not installed, TooLarge, Unavailable."""
    if not pdf_available():
        raise NotFound(_("This portal makes no PDF: its extra “pdf” is not installed."))
    data = orjson.dumps(document.to_json())
    if len(data) > MOST_BYTES:
        raise TooLarge(_("This is too much for one PDF. Take a shorter period, or another form."))
    if not _places.acquire(timeout=WAIT):
        raise Unavailable(_("Other documents are being made. Try again."))
    try:
        return _set(data)
    finally:
        _places.release()


def _set(data: bytes) -> bytes:
    program = [sys.executable, "-I", str(_PROGRAM)]
    try:
        done = subprocess.run(
            program, input=data, capture_output=True, timeout=SECONDS, check=True, env=_ENVIRONMENT
        )
    except subprocess.CalledProcessError as failed:
        log.error("a PDF could not be made: %s", failed.stderr.decode(errors="replace")[-2000:])
    except subprocess.TimeoutExpired:
        log.error("a PDF of %d bytes was not made within %d s", len(data), SECONDS)
    else:
        return done.stdout
    raise Unavailable(_("The PDF could not be made. The other forms have everything, too."))
