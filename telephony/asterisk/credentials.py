"""The instance's secrets: made at first start, kept in a file that its owner alone can read, never in git."""

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from telephony.errors import SetupError

_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who may speak ARI and AMI with one instance. Secrets never show in a repr."""

    ari_user: str
    ari_password: str = field(repr=False)
    ami_user: str
    ami_secret: str = field(repr=False)


def load_or_create(path: Path) -> Credentials:
    """Read the secrets at `path`, or make them (mode 0600). Raises SetupError when the file is not what we wrote."""
    try:
        return _load(path)
    except FileNotFoundError:
        pass
    made = Credentials("timbre", secrets.token_urlsafe(_SECRET_BYTES), "timbre", secrets.token_urlsafe(_SECRET_BYTES))
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(made), file)
    try:
        os.link(scratch, path)  # fails when somebody else was first: then theirs count
    except FileExistsError:
        return _load(path)
    finally:
        scratch.unlink()
    return made


def _load(path: Path) -> Credentials:
    text = path.read_text(encoding="utf-8")
    try:
        return Credentials(**json.loads(text))
    except (ValueError, TypeError) as error:
        raise SetupError(f"{path} is damaged ({error}): remove it and start again, new secrets are made") from error
