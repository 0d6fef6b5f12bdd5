"""The instance's secrets: made at first start, kept in a file that its owner alone can read, never in git."""

import hashlib
import hmac
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
    agent_key: str = field(repr=False)

    def agent_secret(self, name: str) -> str:
        """The SIP password of an agent who was given none: the same at every start, different for every agent."""
        return hmac.new(self.agent_key.encode(), name.encode(), hashlib.sha256).hexdigest()[:32]


def load_or_create(path: Path) -> Credentials:
    """Read the secrets at `path`, or make them (mode 0600). Raises SetupError when the file is not what we wrote."""
    try:
        return _load(path)
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    ari, ami, agents = (secrets.token_urlsafe(_SECRET_BYTES) for _ in range(3))
    made = Credentials("timbre", ari, "timbre", ami, agents)
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
