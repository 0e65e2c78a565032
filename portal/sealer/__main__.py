"""`python -m portal.sealer`: the one process that seals. Run it as an account of its own."""

import argparse
import logging
import os
import sys

from portal.sealer.key import KeyRefused
from portal.sealer.options import read_options
from portal.sealer.refusals import Contradicted, Unsafe, WrongSetting
from portal.sealer.rotate import retire_previous, rotate
from portal.sealer.seal import go_on_anew, seal_for_ever

log = logging.getLogger("portal.sealer")


def main() -> None:
    """Seal until told to stop; the end at any moment leaves nothing half done."""
    parser = argparse.ArgumentParser(prog="python -m portal.sealer", description=__doc__)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--new-key", action="store_true", help="go on with another key than the one that signed"
    )
    choice.add_argument(
        "--rotate", action="store_true", help="make the next key and end; from then on both sign"
    )
    choice.add_argument(
        "--retire-previous", action="store_true", help="let the newest key sign alone, and end"
    )
    parser.add_argument(
        "--new-origin",
        action="store_true",
        help="name a new log that goes on from this one, after a restore, and end",
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        options = read_options()
        if arguments.rotate:
            rotate(options)
        elif arguments.retire_previous:
            retire_previous(options)
        elif arguments.new_origin:
            log.info(go_on_anew(options, new_key=arguments.new_key))
        else:
            seal_for_ever(options, new_key=arguments.new_key)
    except (Contradicted, KeyRefused, Unsafe, WrongSetting) as refusal:
        log.error("%s", refusal)
        sys.exit(os.EX_CONFIG)  # 78: starting again changes nothing


if __name__ == "__main__":
    main()
