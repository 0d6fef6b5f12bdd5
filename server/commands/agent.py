"""`timbre agent`: add agents, sign them in and out, see what they do and how their phones connect."""

import time
from typing import Annotated

import typer

from server.commands.console import ConfigOption, ask, console, fail, settings_of, table_of
from server.settings import Settings

app = typer.Typer(
    help="Agents: add, sign in, ready, pause, sign out.",
    epilog="For example: [[agents]] with name = 'ana' in timbre.toml, `timbre agent phone ana` for her SIP phone, then "
    "`timbre agent sign-in ana`.",
    no_args_is_help=True,
)
_LOOKS, _LOOK_EVERY_S = 10, 0.2
AgentId = Annotated[str, typer.Argument(help="The agent's id.")]


@app.command("list")
def show_all(config: ConfigOption = None) -> None:
    """Every agent and what it does."""
    rows = ask(settings_of(config), "GET", "/agents")
    console.print(table_of(rows, "agent_id", "name", "state", "audio", "audio_trouble", "endpoint", "probably"))


@app.command()
def phone(agent_id: AgentId, config: ConfigOption = None) -> None:
    """How this agent's SIP phone registers with the managed Asterisk."""
    from server.managed_asterisk import agent_secret, asterisk_settings

    settings = settings_of(config)
    agent = next((agent for agent in settings.agents if agent.name == agent_id), None)
    if agent is None:
        fail(f"no agent {agent_id!r} in the settings: add [[agents]] with name = {agent_id!r} to timbre.toml")
    part = settings.asterisk
    console.print(f"server {part.sip_host}:{part.sip_port} (UDP), user {agent.name}", highlight=False)
    console.print(f"secret {agent_secret(agent, asterisk_settings(settings))}", highlight=False)


@app.command()
def add(
    agent_id: AgentId,
    endpoint: Annotated[str, typer.Option(help="Dial string of the phone, such as PJSIP/ana.")],
    name: Annotated[str, typer.Option(help="What people call the agent.")] = "",
    config: ConfigOption = None,
) -> None:
    """Add an agent, or change it."""
    ask(settings_of(config), "PUT", f"/agents/{agent_id}", json={"name": name, "endpoint": endpoint})
    console.print(f"agent {agent_id} is dialled at {endpoint}", highlight=False)


@app.command("sign-in")
def sign_in(
    agent_id: AgentId,
    ready: Annotated[bool, typer.Option(help="Take calls at once.")] = True,
    config: ConfigOption = None,
) -> None:
    """Sign an agent in: its phone is called now and stays connected for the shift."""
    settings = settings_of(config)
    ask(settings, "POST", f"/agents/{agent_id}/sign-in")
    if ready:
        ask(settings, "POST", f"/agents/{agent_id}/ready")
    console.print(f"agent {agent_id} is signed in", highlight=False)
    if trouble := _phone_trouble(settings, agent_id):
        console.print(f"its phone is not connected yet: {trouble}", style="yellow", highlight=False, markup=False)
        console.print(f"`timbre agent phone {agent_id}` says how it registers; it is called again every few seconds")


def _phone_trouble(settings: Settings, agent_id: str) -> str:
    """Why there is no audio; empty as soon as there is."""
    trouble = ""
    for _ in range(_LOOKS):
        agent = next(each for each in ask(settings, "GET", "/agents") if each["agent_id"] == agent_id)
        if agent["audio"]:
            return ""
        trouble = agent["audio_trouble"] or "it rings"
        time.sleep(_LOOK_EVERY_S)
    return trouble


@app.command()
def ready(agent_id: AgentId, config: ConfigOption = None) -> None:
    """Take calls from now on."""
    ask(settings_of(config), "POST", f"/agents/{agent_id}/ready")
    console.print(f"agent {agent_id} takes calls", highlight=False)


@app.command()
def pause(
    agent_id: AgentId,
    reason: Annotated[str, typer.Option(help="A word for the reports.")] = "pause",
    config: ConfigOption = None,
) -> None:
    """Take no calls, at once or after the present one."""
    done = ask(settings_of(config), "POST", f"/agents/{agent_id}/pause", json={"reason": reason})["done"]
    console.print("paused" if done else "paused after the present call")


@app.command("sign-out")
def sign_out(agent_id: AgentId, config: ConfigOption = None) -> None:
    """Sign an agent out, at once or after the present call."""
    done = ask(settings_of(config), "POST", f"/agents/{agent_id}/sign-out")["done"]
    console.print("signed out" if done else "signs out after the present call")
