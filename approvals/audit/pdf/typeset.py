"""The program that sets one document: JSON on its standard input, PDF on its standard output.

It runs alone (`write_pdf.py`), so that a document which takes too long or too much ends with it.
Nothing but `document.typ` is read, which imports nothing: there is nothing to fetch.
"""

import resource
import sys
from pathlib import Path

import typst

TEMPLATE = Path(__file__).with_name("document.typ")
MEMORY = 1 << 30  # bytes of addresses
SECONDS = 20  # of processor time


def main() -> None:
    """Set the document within these limits."""
    if sys.platform == "linux":  # others count memory in other ways
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    data = sys.stdin.buffer.read().decode()
    pdf = typst.compile(TEMPLATE, root=TEMPLATE.parent, sys_inputs={"data": data})
    sys.stdout.buffer.write(pdf)


if __name__ == "__main__":
    main()
