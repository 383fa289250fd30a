"""What a query may be made of. An allow list: what is not here is refused."""

from __future__ import annotations

from sqlglot import exp

NODES: frozenset[type[exp.Expr]] = frozenset(
    {
        *(exp.Select, exp.Subquery, exp.Union, exp.Except, exp.Intersect, exp.With, exp.CTE, exp.From, exp.Join),
        *(exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit, exp.Offset, exp.Distinct),
        *(exp.Table, exp.TableAlias, exp.Alias, exp.Column, exp.Identifier, exp.Star),
        *(
            exp.Literal,
            exp.Boolean,
            exp.Null,
            exp.Paren,
            exp.Neg,
            exp.Interval,
            exp.Var,
            exp.DataType,
            exp.DataTypeParam,
        ),
        *(exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Between),
        *(exp.Like, exp.ILike, exp.Case, exp.If, exp.Exists, exp.Cast, exp.Filter),
        *(exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.DPipe),
        *(exp.Count, exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Round, exp.Abs, exp.Coalesce, exp.Nullif),
        *(exp.Lower, exp.Upper, exp.Length, exp.Substring, exp.Trim, exp.Extract, exp.Year, exp.Month, exp.Day),
        *(exp.DateTrunc, exp.TimestampTrunc, exp.CurrentDate, exp.CurrentTimestamp, exp.TimeToStr),
        *(exp.TsOrDsToTimestamp, exp.Date, exp.Anonymous),
    }
)

FUNCTIONS = frozenset({"date", "datetime", "julianday", "now", "strftime", "total"})
"""Of those that the parser has no node of its own for."""

CASTS = {
    **dict.fromkeys((exp.DType.TEXT, exp.DType.VARCHAR, exp.DType.CHAR), "TEXT"),
    **dict.fromkeys((exp.DType.INT, exp.DType.BIGINT, exp.DType.SMALLINT), "INTEGER"),
    **dict.fromkeys((exp.DType.FLOAT, exp.DType.DOUBLE, exp.DType.DECIMAL), "REAL"),
    exp.DType.DATE: "DATE",
}
"""What may be cast to, and to what that comes."""

SQLITE_FUNCTIONS = frozenset(
    {
        *("abs", "avg", "coalesce", "count", "date", "datetime", "ifnull", "iif", "julianday", "length", "like"),
        *("lower", "max", "min", "nullif", "round", "strftime", "substr", "substring", "sum", "total", "trim", "upper"),
    }
)
"""What the sandbox runs, whatever came through."""

VAR_PARENTS = (exp.Interval, exp.Extract, exp.DateTrunc, exp.TimestampTrunc)
