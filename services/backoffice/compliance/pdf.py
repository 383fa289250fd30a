"""The same report as a PDF, to be kept. By ReportLab."""

from __future__ import annotations

from io import BytesIO
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from services.backoffice.compliance.auditing import Report
from services.backoffice.compliance.report import NOTE, WORDS, declared, in_short, moment, ordered

_WIDTHS = [52 * mm, 26 * mm, 24 * mm, 18 * mm, 80 * mm, 65 * mm]
_TINTS = {"fail": "#f6d5d0", "unknown": "#f7e8c8", "declare": "#f7e8c8", "declared": "#e1eee2", "pass": "#e1eee2"}


def pdf(report: Report) -> bytes:
    """Landscape A4. Letters outside of Latin-1 come out as `?`: the fonts are those that every reader has."""
    styles = getSampleStyleSheet()
    small = ParagraphStyle("small", parent=styles["BodyText"], fontSize=7.5, leading=9.5)
    head = ["Control", "Paragraph", "Result", "Severity", "Found", "Remedy"]
    rows: list[list[object]] = [[Paragraph(f"<b>{cell}</b>", small) for cell in head]]
    tints = []
    for number, each in enumerate(ordered(report), 1):
        control, finding = each.control, each.finding
        found = ". ".join(filter(None, (finding.detail, declared(each))))
        remedy = "" if finding.result in ("pass", "declared") else control.remedy
        cells = (
            control.title,
            f"{control.law} {control.paragraph}",
            WORDS[finding.result],
            control.severity,
            found,
            remedy,
        )
        rows.append([Paragraph(_plain(cell), small) for cell in cells])
        tints.append(("BACKGROUND", (2, number), (2, number), colors.HexColor(_TINTS[finding.result])))
    table = Table(rows, colWidths=_WIDTHS, repeatRows=1)
    grid = [("GRID", (0, 0), (-1, -1), 0.3, colors.HexColor("#c9c9c9")), ("VALIGN", (0, 0), (-1, -1), "TOP")]
    table.setStyle(TableStyle([*grid, *tints]))  # type: ignore[list-item]
    body = styles["BodyText"]
    story = [
        Paragraph("Compliance audit", styles["Title"]),
        Paragraph(_plain(f"{moment(report.at_s)}. {in_short(report)}."), body),
        Paragraph(_plain(NOTE), body),
        Spacer(1, 4 * mm),
        table,
    ]
    out = BytesIO()
    margin = 14 * mm
    SimpleDocTemplate(
        out, pagesize=landscape(A4), title="Compliance audit", author="Parley",
        leftMargin=margin, rightMargin=margin, topMargin=margin, bottomMargin=margin,
    ).build(story)  # fmt: skip
    return out.getvalue()


def _plain(text: str) -> str:
    return escape(text.encode("latin-1", "replace").decode("latin-1"))
