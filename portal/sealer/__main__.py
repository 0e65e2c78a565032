"""`python -m portal.sealer`: the one process that seals. Run it as an account of its own."""

import argparse
import logging
import sys

from portal.sealer.key import KeyRefused
from portal.sealer.options import read_options
from portal.sealer.seal import Unsafe, seal_for_ever


def main() -> None:
    """Seal until told to stop; the end at any moment leaves nothing half done."""
    parser = argparse.ArgumentParser(prog="python -m portal.sealer", description=__doc__)
    parser.add_argument(
        "--new-key", action="store_true", help="go on with another key than the one that signed"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        seal_for_ever(read_options(), new_key=arguments.new_key)
    except (KeyRefused, Unsafe) as refusal:
        sys.exit(str(refusal))


if __name__ == "__main__":
    main()
