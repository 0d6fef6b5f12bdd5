"""The kinds of nodes: one class each."""

from typing import Annotated

from pydantic import Field

from ivr.nodes.authenticate import Authenticate
from ivr.nodes.base import Node
from ivr.nodes.callback import Callback
from ivr.nodes.collect import Collect
from ivr.nodes.decide import Branch, Emergency, Hours, Set
from ivr.nodes.lookup import Lookup
from ivr.nodes.menu import Language, Menu
from ivr.nodes.messages import Escalate, Record, Send, Voicemail
from ivr.nodes.payment import Payment
from ivr.nodes.people import Queue, Transfer
from ivr.nodes.say import Goodbye, Goto, Play, Say
from ivr.nodes.survey import Survey

AnyNode = Annotated[
    Authenticate
    | Branch
    | Callback
    | Collect
    | Emergency
    | Escalate
    | Goodbye
    | Goto
    | Hours
    | Language
    | Lookup
    | Menu
    | Payment
    | Play
    | Queue
    | Record
    | Say
    | Send
    | Set
    | Survey
    | Transfer
    | Voicemail,
    Field(discriminator="do"),
]

__all__ = ["AnyNode", "Node"]
