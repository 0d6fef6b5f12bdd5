from pathlib import Path

from telephony.asterisk.process import AsteriskInstance


async def test_given_an_instance_when_it_is_up_then_it_is_not_root_and_logged_no_error(
    dialer_asterisk: AsteriskInstance,
) -> None:
    pid = dialer_asterisk.pid
    assert pid is not None
    uids = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("Uid:"))
    assert "0" not in uids.split()[1:]
    assert "ERROR" not in dialer_asterisk.log_tail()


def test_servers(redis_server: str, postgres_server: str) -> None:
    assert redis_server.startswith("redis://")
    assert postgres_server.startswith("postgresql+psycopg://")
