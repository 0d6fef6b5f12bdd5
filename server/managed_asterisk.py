"""The Asterisk that Timbre runs itself, out of the server's settings."""

from server.settings import AgentPart, Settings, TrunkPart
from telephony.asterisk.credentials import load_or_create
from telephony.asterisk.settings import AgentEndpoint, AsteriskSettings, PortRange, TlsTransport, Trunk


def asterisk_settings(settings: Settings) -> AsteriskSettings:
    """The instance that belongs to these settings, below the var folder. Its secrets are made when missing.

    Raises AsteriskSettingsError when a value cannot be written into Asterisk's configuration.
    """
    part = settings.asterisk
    directory = settings.var_dir / "asterisk"
    plain = AsteriskSettings(directory=directory)
    agents = tuple(_agent(agent, plain) for agent in settings.agents)
    trunks = tuple(_trunk(trunk) for trunk in settings.trunks if trunk.host)
    prompts = settings.var_dir / "prompts"
    return AsteriskSettings(
        directory=directory,
        http_port=part.http_port,
        ami_port=part.ami_port,
        sip_host=part.sip_host,
        sip_port=part.sip_port,
        rtp_ports=PortRange(part.rtp_first, part.rtp_last),
        external_address=part.external_address,
        country=part.country,
        stasis_app=part.app,
        websocket=any(agent.browser for agent in agents),
        tls=TlsTransport() if any(trunk.transport == "tls" for trunk in trunks) else None,
        agents=agents,
        trunks=trunks,
        readable_dirs=(prompts,),
        writable_dirs=(settings.recordings_dir,),
    )


def agent_secret(agent: AgentPart, asterisk: AsteriskSettings) -> str:
    """The agent's SIP password: the one that was set, else the instance's own for that name."""
    return agent.secret or load_or_create(asterisk.credentials_file).agent_secret(agent.name)


def _agent(agent: AgentPart, asterisk: AsteriskSettings) -> AgentEndpoint:
    return AgentEndpoint(agent.name, agent_secret(agent, asterisk), agent.display_name, agent.browser)


def _trunk(trunk: TrunkPart) -> Trunk:
    fields = trunk.model_dump(exclude={"channels", "calls_per_s", "endpoint"})
    return Trunk(**fields)
