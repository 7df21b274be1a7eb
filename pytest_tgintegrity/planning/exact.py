"""Numbers as they are written, not as the nearest binary fraction. Pure."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any


def exact(value: Any) -> Any:
    """A float as the decimal that it is written as; all else as it is."""
    return Decimal(repr(value)) if isinstance(value, float) and math.isfinite(value) else value
