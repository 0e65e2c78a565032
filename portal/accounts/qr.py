"""A QR code as SVG that stands in the page itself: the content policy allows no data: image."""

from django.utils.html import format_html
from django.utils.safestring import SafeString
from qrcode import QRCode  # type: ignore[import-untyped]

DOT = 5  # px


def qr_svg(text: str, label: str) -> SafeString:
    """`text` in black on white in every theme, as cameras want it; `label` for who cannot see."""
    code = QRCode(border=4)
    code.add_data(text)
    rows = code.get_matrix()
    dots = "".join(
        f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark
    )
    size = len(rows)
    return format_html(
        '<svg role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}">'
        '<path fill="#fff" d="M0 0h{}v{}H0z"/><path d="{}"/></svg>',
        label, size, size, size * DOT, size * DOT, size, size, dots,
    )  # fmt: skip
