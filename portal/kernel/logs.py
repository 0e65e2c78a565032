"""How lines of the log are written: what comes from outside cannot forge or hide one."""

import logging

from portal.kernel.text import make_visible


class VisibleFormatter(logging.Formatter):
    """One line for each message; control and unseen characters are shown by their number.

    The lines of a traceback stay lines.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:
        line = super().formatMessage(record)
        return make_visible(line.replace("\n", "\\n").replace("\t", " "))

    def formatException(self, ei: object) -> str:
        return make_visible(super().formatException(ei))  # type: ignore[arg-type]
