"""Accounts and chronicles: who plays, who tells, and where."""

import unicodedata
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Final

from .rows import Rows
from .vocabulary.common import GAMELINES
from .vocabulary.people import CULTURES, HANDLES
from .vocabulary.play import CHRONICLES, GROUPS, HOUSE_RULES, SETTING_ELEMENTS

TODAY: Final = date(2024, 6, 30)
"""The demo's last day, a Sunday. A constant: the same demo every day, and no date in it lies in the future."""

LINES: Final = ("wod", "vtm", "wta", "mta", "wto", "ctd", "dtf", "htr", "mtr")
_PLAYERS_EACH: Final = 18
_OPENED: Final = datetime(2023, 1, 10, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Chronicle:
    """A chronicle, those who run it (the head first) and those who play in it."""

    id: int
    name: str
    year: int
    lines: tuple[str, ...]
    storytellers: tuple[int, ...]
    players: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class People:
    """All accounts and chronicles."""

    staff: int
    chronicles: tuple[Chronicle, ...]


def populate(rows: Rows, chance: Random) -> People:
    """Add staff, players, storytellers, game lines and chronicles."""
    staff = _add_user(rows, chance, is_staff=True, is_superuser=True)
    for _ in range(4):
        _add_user(rows, chance, is_active=False)
    for name in GROUPS:
        rows.add("auth_group", name=name)
    for name in GAMELINES:
        rows.add("game_gameline", name=name)
    chronicles = tuple(_add_chronicle(rows, chance, *words) for words in CHRONICLES)
    _add_knowledge(rows, chronicles)
    return People(staff, chronicles)


def _plain(text: str) -> str:
    """Letters of a name as an e-mail address can carry them."""
    letters = unicodedata.normalize("NFKD", text.replace("ł", "l").replace("Ł", "L").replace("ß", "ss"))
    return "".join(letter for letter in letters.lower() if letter.isascii() and letter.isalpha())


def _add_user(rows: Rows, chance: Random, **rights: bool) -> int:
    givens, families = chance.choice(CULTURES)
    given, family = chance.choice(givens), chance.choice(families)
    number = rows.size("auth_user") + 1
    joined = _OPENED + timedelta(minutes=chance.randrange(400 * 24 * 60))
    user = rows.add(
        "auth_user",
        **{"is_active": True, **rights},
        username=f"{chance.choice(HANDLES)}{number:03}",
        first_name=given,
        last_name=family,
        email=f"{_plain(given) or 'player'}.{_plain(family) or 'name'}{number}@example.org",
        password=_password(chance),
        date_joined=joined,
        last_login=joined + timedelta(minutes=chance.randrange(90 * 24 * 60)),
    )
    _add_profile(rows, chance, user)
    return user


def _password(chance: Random) -> str:
    """A well-formed hash in Django's format that no password opens."""
    salt = "".join(chance.choices("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=22))
    return f"pbkdf2_sha256$1000000${salt}${b64encode(chance.randbytes(32)).decode()}"


def _add_profile(rows: Rows, chance: Random, user: int) -> None:
    rows.add(
        "accounts_profile",
        user_id=user,
        theme=chance.choice(("light", "dark")),
        preferred_heading=chance.choice(("vtm_heading", "wta_heading", "mta_heading", "wod_heading")),
        highlight_text=chance.random() < 0.7,
        lines="Harm to animals on stage." if chance.random() < 0.1 else "",
        veils="Romance." if chance.random() < 0.1 else "",
    )


def _add_chronicle(
    rows: Rows, chance: Random, name: str, theme: str, mood: str, year: int, headings: str, lines: tuple[str, ...]
) -> Chronicle:
    storytellers = tuple(_add_user(rows, chance) for _ in range(2))
    players = tuple(_add_user(rows, chance) for _ in range(_PLAYERS_EACH))
    values = {"name": name, "theme": theme, "mood": mood, "year": year, "headings": headings}
    number = rows.add("game_chronicle", **values, head_st_id=storytellers[0])
    rows.link("game_chronicle_game_storytellers", number, players[0])
    for user in storytellers:
        rows.link("auth_user_groups", user, 1)
        for line in lines:
            rows.add("game_strelationship", user_id=user, chronicle_id=number, gameline_id=LINES.index(line) + 1)
    return Chronicle(number, name, year, lines, storytellers, players)


def _add_knowledge(rows: Rows, chronicles: tuple[Chronicle, ...]) -> None:
    """Add house rules, and setting elements each known somewhere."""
    for chronicle, rule in zip(chronicles, HOUSE_RULES, strict=False):
        rows.add("core_houserule", name=rule, gameline=chronicle.lines[0], chronicle_id=chronicle.id)
    for chronicle, (name, description) in zip(chronicles, SETTING_ELEMENTS, strict=False):
        element = rows.add("game_settingelement", name=name, description=description, gameline=chronicle.lines[0])
        rows.link("game_chronicle_common_knowledge_elements", chronicle.id, element)
