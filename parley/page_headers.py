"""What a browser must know to keep our pages safe."""

from __future__ import annotations

PAGE_HEADERS = {
    # Nothing from elsewhere, no inline script or style; sockets to this host are `self` too.
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # Asked for again each time, answered with 304: modules of two versions never meet.
    "Cache-Control": "no-cache",
}
