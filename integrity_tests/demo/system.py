"""What `migrate` leaves in every TG database: content types, permissions, the record of migrations."""

from datetime import UTC, datetime, timedelta
from typing import Final

from .models import content_types
from .rows import Rows

_INSTALLED: Final = datetime(2023, 1, 8, 9, 30, tzinfo=UTC)
_MIGRATIONS: Final = {
    "contenttypes": ("0001_initial", "0002_remove_content_type_name"),
    "auth": ("0001_initial", "0002_alter_permission_name_max_length", "0012_alter_user_first_name_max_length"),
    "accounts": ("0001_initial", "0002_initial"),
    "admin": ("0001_initial", "0002_logentry_remove_auto_add", "0003_logentry_add_action_flag_choices"),
    "core": ("0001_initial", "0002_initial"),
    "game": ("0001_initial", "0002_initial"),
    "characters": ("0001_initial", "0002_initial"),
    "items": ("0001_initial", "0002_initial"),
    "locations": ("0001_initial", "0002_initial"),
    "sessions": ("0001_initial",),
}

# From the days before sessions moved to Redis: nobody ran `clearsessions` since.
_LEFT_SESSION: Final = {
    "session_key": "k3v9w2m8qx1z7c5b4n6a0s8d2f4g6h1j",
    "session_data": "e30:1pQw2X:0000000000000000000000000000000000000000000",
    "expire_date": _INSTALLED + timedelta(days=14),
}


def populate(rows: Rows) -> None:
    """Add the content types with their four permissions each, and the migrations."""
    for app_label, model in content_types():
        _add_content_type(rows, app_label, model)
    names = [(app, name) for app, names in _MIGRATIONS.items() for name in names]
    for number, (app, name) in enumerate(names):
        rows.add("django_migrations", app=app, name=name, applied=_INSTALLED + timedelta(seconds=number))
    rows.add("django_session", **_LEFT_SESSION)


def _add_content_type(rows: Rows, app_label: str, model: str) -> None:
    number = rows.add("django_content_type", app_label=app_label, model=model)
    for action in ("add", "change", "delete", "view"):
        name = f"Can {action} {model}"
        rows.add("auth_permission", content_type_id=number, codename=f"{action}_{model}", name=name)
