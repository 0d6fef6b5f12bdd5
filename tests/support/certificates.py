"""An authority of the test's own and a certificate by it, made by the program openssl: real X.509, valid for a day."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    """ca_file: PEM of the authority. context: for the server that has the certificate."""

    ca_file: Path
    context: ssl.SSLContext


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)


def certificate(folder: Path, names: str = "DNS:localhost,IP:127.0.0.1", days: int = 1) -> Certificate:
    """Make both in a new folder; days 0: it has expired. Blocking."""
    folder.mkdir(parents=True)
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    _openssl(folder, "req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test authority",
             "-days", "2", "-addext", "basicConstraints=critical,CA:TRUE")  # fmt: skip
    _openssl(folder, "req", *curve, "-keyout", "mail.key", "-out", "mail.csr", "-subj", "/CN=mail.example")
    (folder / "mail.ext").write_text(f"subjectAltName={names}\n")
    _openssl(folder, "x509", "-req", "-in", "mail.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
             "-out", "mail.pem", "-days", str(days), "-extfile", "mail.ext")  # fmt: skip
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "mail.pem", folder / "mail.key")
    return Certificate(folder / "ca.pem", context)
