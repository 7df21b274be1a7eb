"""Compare columns with constants in the column's own type. Pure.

Python's 0.3 is sent as an exact decimal: integers and numerics are then compared exactly, and double precision finds the
nearest double. A `real` would be widened instead: 0.3 as it is stored there is more than 0.3. So where the constant is not
the same number as a real, the server asks what type the subject has; an expression, a domain and a column of a join
are of a type that nobody else knows.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from psycopg import sql

from pytest_tgintegrity.planning.exact import exact


def changes_as_real(value: Any) -> bool:
    """Whether PostgreSQL's `real` can hold a number only as another one."""
    if not isinstance(value, int | float | Decimal) or isinstance(value, bool) or not math.isfinite(value):
        return False
    try:
        (near,) = struct.unpack("<f", struct.pack("<f", value))
    except (OverflowError, struct.error):
        return False
    return bool(near) and Decimal(near) != Decimal(exact(value))


def as_real(constant: sql.Composable) -> sql.Composed:
    """A constant, rounded as a column of type `real` would."""
    return sql.SQL("CAST({} AS pg_catalog.float4)").format(constant)


def own_type(
    subject: sql.Composable, values: Iterable[Any], plain: sql.Composable, real: sql.Composable
) -> sql.Composable:
    """The comparison of a subject with constants: `plain`, or `real` where the subject is one and they are not."""
    if not any(map(changes_as_real, values)):
        return plain
    return sql.SQL(
        "CASE WHEN pg_catalog.pg_typeof({} + NULL::pg_catalog.float4) = 'pg_catalog.float4'::pg_catalog.regtype THEN {} ELSE {} END"
    ).format(subject, real, plain)
