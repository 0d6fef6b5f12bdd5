"""The `timbre` command."""

import os

from server.commands.lazy import Place, lazy_app

COMMANDS = {
    "up": Place("node:up", "Run the server until Ctrl-C: recovers what was live, goes on with the campaigns that ran."),
    "status": Place("node:status", "What the node does now, and its latest troubles."),
    "token": Place("node:token", "Print the API's bearer token."),
    "demo": Place("demo:demo", "Run a predictive campaign against a simulated telephone network."),
    "doctor": Place("doctor:doctor", "Look at everything a node needs, say what is missing and how to get it."),
    "asterisk": Place("asterisk:app", "The Asterisk beside the server: install, start, stop, status."),
    "campaign": Place("campaign:app", "Campaigns: check, add, import leads, start, pause, stop."),
    "rules": Place("rules:app", "Calling rules: what the law packs say; do-not-call numbers, consents."),
    "agent": Place("agent:app", "Agents: add, sign in, ready, pause, sign out."),
    "queue": Place("queue:app", "Calls from outside: queues, calls, ends, funnel, surveys, callbacks."),
    "ivr": Place("ivr:app", "Menus for callers: check, draw, simulate and test flow files."),
    "amd": Place("amd:app", "Answering machine detection: judge recordings, score and train the detector."),
    "pacing": Place("pacing:app", "Pacing: simulate shifts, compare laws, explain decisions."),
}
app = lazy_app(
    COMMANDS,
    help="Timbre: voice server and predictive dialer on Asterisk.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Entry point of the command."""
    os.umask(0o027)
    app()


if __name__ == "__main__":
    main()
