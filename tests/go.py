"""Programs in Go for tests, built with Go and libraries from Debian packages.

The program is kept in the user's cache, under the digest of its source; Go is unpacked for the
build alone and removed again.
"""

import hashlib
import tempfile
from pathlib import Path

from tests.debian import kept, run, unpacked


def go_program(source: Path, *libraries: str) -> Path:
    """The program built from one file and these packages; else the tests are skipped, loudly."""
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    folder = kept(
        f"go/{source.stem}-{digest}",
        f"golang-go and {', '.join(libraries)}",
        lambda place: _build(source, list(libraries), place / source.stem),
    )
    return folder / source.stem


def _build(source: Path, libraries: list[str], program: Path) -> str:
    """Why it cannot be built, or empty."""
    with tempfile.TemporaryDirectory(dir=program.parent.parent) as place:
        debian = Path(place, "debian")
        problem = unpacked(["golang-go", *libraries], debian)
        if problem:
            return problem
        # usr/bin/go points at ../lib/go-1.NN/bin/go, which is in packages of that version.
        version = (debian / "usr" / "bin" / "go").readlink().parts[2].removeprefix("go-")
        problem = unpacked([f"golang-{version}-go", f"golang-{version}-src"], debian)
        root = debian / "usr" / "lib" / f"go-{version}"
        settings = {
            "CGO_ENABLED": "0",
            "GO111MODULE": "off",  # libraries come from GOPATH, never from the network
            "GOCACHE": f"{place}/cache",
            "GOPATH": str(debian / "usr" / "share" / "gocode"),
            "GOROOT": str(root),
            "PATH": "/usr/bin:/bin",
        }
        build = [str(root / "bin" / "go"), "build", "-o", str(program), str(source)]
        return problem or run(build, env=settings)
