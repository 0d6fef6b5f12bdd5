"""The session's Redis and PostgreSQL are real, of their own, and gone after a kill."""

import psycopg
import redis

from tests.support.databases import redis_process
from tests.support.servers import accepts


def test_given_the_sessions_redis_when_asked_then_it_is_empty_and_of_our_own(redis_server: str) -> None:
    with redis.Redis.from_url(redis_server) as client:
        assert client.ping() is True
        assert client.config_get("save")["save"] == ""


def test_given_a_redis_when_it_is_killed_and_started_again_then_it_is_empty_at_the_same_address() -> None:
    with redis_process() as server:
        with redis.Redis.from_url(server.url) as client:
            client.set("a", 1)
        server.kill()
        assert not accepts(server.port)

        server.start()

        with redis.Redis.from_url(server.url) as client:
            assert client.get("a") is None
    assert not accepts(server.port)


def test_given_the_sessions_postgres_when_asked_then_it_listens_on_loopback_and_speaks_utf8(
    postgres_server: str,
) -> None:
    with psycopg.connect(postgres_server.replace("+psycopg", "")) as connection:
        row = connection.execute(
            "SELECT current_setting('listen_addresses'), current_setting('server_encoding')"
        ).fetchone()

    assert row == ("127.0.0.1", "UTF8")
