"""What a demo is asked to do, and where its parts live."""

import random
from dataclasses import dataclass
from pathlib import Path

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from server.settings import (
    AgentPart,
    AsteriskPart,
    HttpSettings,
    LogSettings,
    MediaSettings,
    RedisSettings,
    Settings,
    TrunkPart,
)
from telephony.asterisk.ports import free_rtp_range, free_tcp_port, free_udp_port
from telephony.asterisk.settings import AsteriskSettings


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """seconds: how long the campaign dials. folder: database, recordings and logs, emptied first."""

    seconds: float
    agents: int
    leads: int
    seed: int
    folder: Path


class DemoSettings(Settings):
    """Settings that read no file and no variable: a demo is the same on every machine."""

    model_config = SettingsConfigDict(toml_file=None)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is given."""
        return (init_settings,)


def agent_name(index: int) -> str:
    """The id of an agent, which is also its phone's name."""
    return f"agent{index + 1:02}"


def demo_settings(options: DemoOptions, network_port: int) -> Settings:
    """The dialer's settings: every port free at this moment, the network as its only trunk."""
    rtp = free_rtp_range(random.Random(), 40 + 8 * options.agents + 400)
    return DemoSettings(
        node="demo",
        var=options.folder,
        campaigns=options.folder / "campaigns",
        http=HttpSettings(port=free_tcp_port()),
        redis=RedisSettings(port=free_tcp_port()),
        asterisk=AsteriskPart(
            http_port=free_tcp_port(),
            ami_port=free_tcp_port(),
            sip_port=free_udp_port(),
            rtp_first=rtp.first,
            rtp_last=rtp.last,
        ),
        media=MediaSettings(min_free_mb=50),
        log=LogSettings(level="warning"),
        trunks=(
            TrunkPart(name="network", host="127.0.0.1", port=network_port, channels=60, calls_per_s=10, qualify_s=0),
        ),
        agents=tuple(AgentPart(name=agent_name(index)) for index in range(options.agents)),
    )


def network_settings(options: DemoOptions) -> AsteriskSettings:
    """The second Asterisk, which plays the telephone network."""
    return AsteriskSettings(
        directory=options.folder / "network",
        name="network",
        http_port=free_tcp_port(),
        ami_port=free_tcp_port(),
        sip_port=free_udp_port(),
        rtp_ports=free_rtp_range(random.Random(), 600),
    )
