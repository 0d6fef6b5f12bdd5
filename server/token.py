"""The API's bearer token: the one in the settings, or one made at first start and kept for its owner alone."""

import os
import secrets

from server.settings import Settings


def api_token(settings: Settings) -> str:
    """The token. Blocking, a small file."""
    if settings.http.token:
        return settings.http.token
    path = settings.var_dir / "api-token"
    try:
        return path.read_text("utf-8").strip()
    except FileNotFoundError:
        settings.var_dir.mkdir(parents=True, exist_ok=True)
    token = secrets.token_urlsafe(32)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(token)
    except FileExistsError:
        return path.read_text("utf-8").strip()
    return token
