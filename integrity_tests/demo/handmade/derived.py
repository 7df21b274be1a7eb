"""What the application computes when it saves a thing or a place, by the table of the class that computes it."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

Values: TypeAlias = Mapping[str, object]
Derive: TypeAlias = Callable[[Values], Values]

_CRITICAL_RANK: Final = 7
_BUILD_POINTS: Final = (11, 22, 33, 44, 55, 70, 85, 100, 115, 150)
_MAINTENANCE: Final = (1, 2, 3, 4, 5, 10, 15, 20, 25, 50)
_HAVEN: Final = "size security location has_guardian has_luxury is_hidden has_library has_workshop"
_CHANTRY: Final = (
    "size security_level library_rating has_sanctum has_sanctum has_wards has_blood_forge has_scrying_chamber"
    " has_gargoyle_guardians"
)
_GROUND: Final = "size population supernatural_activity contact_network surveillance_coverage control_level"
_SAFEHOUSE: Final = (
    "size security_level armory_level surveillance_level medical_facilities has_panic_room has_escape_routes"
    " has_dead_drop"
)


def derived(chain: tuple[str, ...], values: Values) -> dict[str, object]:
    """Compute the columns that follow from the others, class by class, root first."""
    found: dict[str, object] = {}
    for table in chain:
        if table in _DERIVED:
            found |= _DERIVED[table](values)
    return found


def _sum(values: Values, words: str) -> int:
    """The sum of some columns; what is not given is 0, and a flag counts 1."""
    given = (values.get(word, 0) for word in words.split())
    return sum(value for value in given if isinstance(value, int))


def _total(plus: str, minus: str = "") -> Derive:
    return lambda values: {"total_rating": max(0, _sum(values, plus) - _sum(values, minus))}


def _cost(column: str) -> Derive:
    return lambda values: {"background_cost": _sum(values, column)}


def _vessel(values: Values) -> Values:
    rank = _sum(values, "rank")
    return {"background_cost": rank, "max_ba": 10 * rank}


def _ushabti(values: Values) -> Values:
    rank = _sum(values, "rank")
    return {"ba_to_animate": rank, "ba_per_day": rank}


def _caern(values: Values) -> Values:
    rank = _sum(values, "rank")
    return {"gauntlet": 4 if rank < 3 else 3 if rank < 5 else 2}


def _haunt(values: Values) -> Values:
    return {"shroud_rating": 6 - _sum(values, "rank")}


def _node(values: Values) -> Values:
    return {"points": 3 * _sum(values, "rank")}


def _horizon_realm(values: Values) -> Values:
    step = _sum(values, "rank") - 1
    return {"build_points": _BUILD_POINTS[step], "base_maintenance": _MAINTENANCE[step]}


def _tomb(values: Values) -> Values:
    rank = _sum(values, "size security sanctity")
    return {"rank": rank} | ({"duat_barrier": max(3, 14 - rank)} if rank >= _CRITICAL_RANK else {})


_DERIVED: Final[Mapping[str, Derive]] = {
    "items_fetish": _cost("rank"),
    "items_mummyrelic": _cost("rank"),
    "items_talen": _cost("rank"),
    "items_ushabti": _ushabti,
    "items_vessel": _vessel,
    "items_wraithartifact": _cost("level"),
    "items_wraithrelic": _cost("level"),
    "locations_caern": _caern,
    "locations_domain": _total("size population control has_rack", "is_disputed"),
    "locations_haunt": _haunt,
    "locations_haven": _total(_HAVEN),
    "locations_horizonrealm": _horizon_realm,
    "locations_huntingground": _total(_GROUND, "is_contested is_contested"),
    "locations_node": _node,
    "locations_safehouse": _total(_SAFEHOUSE, "is_compromised is_compromised"),
    "locations_tomb": _tomb,
    "locations_tremerechantry": _total(_CHANTRY),
}
