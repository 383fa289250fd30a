"""The tables of the records, as their migrations make them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, String, Table

from services.backoffice.database import metadata

records = Table(
    "records",
    metadata,
    Column("call_id", String(200), primary_key=True),
    Column("leg", BigInteger, primary_key=True, autoincrement=False),
    Column("open", BigInteger, primary_key=True, autoincrement=False),
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("swept", Boolean, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)
