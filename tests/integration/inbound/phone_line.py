"""Settings and sounds of a node that people call: tones instead of words, so that a test can tell them apart."""

from pathlib import Path

from media import soundfiles
from server.demo.behaviours import Behaviour
from server.demo.numbering import DemoNumber
from tests.support.inbound_caller import tone
from tests.support.line_folder import furnish_line
from tests.support.slow_voice import SLOWLY

DID, QUEUE_DID, SURVEY_DID, TELL_DID = "+34910000001", "+34910000002", "+34910000003", "+34910000004"
ORDER_DID, SLOW_DID, OUTSIDE_DID = "+34910000005", "+34910000006", "+34910000007"
# Somebody who answers at once and stays for two minutes.
OUTSIDE = DemoNumber.of(Behaviour.PERSON_SENTENCE, stay=9).e164
MENU_HZ, ONE_HZ = 500.0, 1000.0
SETTINGS = f"""
[[lines]]
number = "{DID}"
flow = "tonos"
[[lines]]
number = "{QUEUE_DID}"
queue = "sales"
[[lines]]
number = "{SURVEY_DID}"
flow = "opinion"
[[lines]]
number = "{TELL_DID}"
flow = "avisa"
[[lines]]
number = "{ORDER_DID}"
flow = "pide"
[[lines]]
number = "{SLOW_DID}"
flow = "lento"
[[lines]]
number = "{OUTSIDE_DID}"
flow = "fuera"
[[extensions]]
number = "201"
agent = "agent00"
[[queues]]
queue_id = "sales"
wrap_up_s = 1.0
max_wait_s = 120
[[queues]]
queue_id = "later"
skills = ["nobody has it"]
"""
FLOW = """
flow: tonos
language: es
start: menu
rescue: {queue: sales}
nodes:
  menu:
    do: menu
    text: "{menu:prompt}"
    keys: {"1": uno, "2": cola}
    no_input: adios
    invalid: adios
    failed: adios
  uno:
    do: goodbye
    text: "{uno:prompt}"
  cola:
    do: queue
    queue: sales
    announce: {every_s: 5, text: "{position:number}"}
    timeout: adios
    next: adios
  adios:
    do: goodbye
    text: "{uno:prompt}"
"""

SURVEY_FLOW = """
flow: opinion
language: es
start: pregunta
rescue: {queue: later}
nodes:
  pregunta:
    do: survey
    text: "{menu:prompt}"
    question: trato
    scale: csat
    next: llamada
  llamada:
    do: callback
    queue: later
    offer: false
    confirm_number: false
    done_text: "{uno:prompt}"
    next: espera
  espera:
    do: menu
    text: "{menu:prompt}"
    keys: {"1": adios}
  adios:
    do: goodbye
    text: "{uno:prompt}"
"""

TELLING_FLOW = """
flow: avisa
language: es
start: menu
rescue: {queue: later}
variables:
  numero: {type: number, start: "0"}
nodes:
  menu:
    do: menu
    text: "{menu:prompt}"
    keys: {"1": cuenta}
  cuenta:
    do: set
    set: {numero: numero + 1}
    next: avisa
  avisa:
    do: escalate
    event: pago
    hook: crm
    data: {numero: numero}
    next: manda
    failed: manda
  manda:
    do: send
    channel: sms
    to: caller
    text: "Aviso {numero}"
    next: otra
    failed: otra
  otra:
    do: menu
    text: "{menu:prompt}"
    keys: {"1": cuenta, "2": adios}
  adios:
    do: goodbye
    text: "{uno:prompt}"
"""
# The order must not be placed twice: `pedido` is a source that is not repeatable.
ORDER_FLOW = """
flow: pide
language: es
start: menu
rescue: {queue: later}
nodes:
  menu:
    do: menu
    text: "{menu:prompt}"
    keys: {"1": pide}
  pide:
    do: lookup
    source: pedido
    ask: {quien: caller}
    timeout_s: 20
    next: adios
    timeout: duda
    failed: adios
  duda:
    do: menu
    text: "{menu:prompt}"
    keys: {"2": adios}
  adios:
    do: goodbye
    text: "{uno:prompt}"
"""

OUTSIDE_FLOW = f"""
flow: fuera
language: es
start: fuera
rescue: {{queue: later}}
nodes:
  fuera:
    do: transfer
    kind: number
    to: "'{OUTSIDE}'"
    next: adios
    busy: adios
    no_answer: adios
    failed: adios
  adios:
    do: goodbye
    text: "{{uno:prompt}}"
"""

SLOW_FLOW = f"""
flow: lento
language: es
start: alarma
rescue: {{queue: later}}
variables:
  nombre: {{type: text, start: "'Eva'"}}
nodes:
  alarma:
    do: emergency
    switch: fire
    text: Hemos cerrado.
    on: adios
    next: dice
  dice:
    do: say
    text: "Muy {SLOWLY}, {{nombre}}."
    next: adios
  adios:
    do: goodbye
    text: "{{uno:prompt}}"
"""
_CRM = """
[[ivr.sources]]
kind = "http"
name = "pedido"
url = "{crm}pedido"
method = "POST"
timeout_s = 20
[[ivr.hooks]]
name = "crm"
url = "{crm}"
secret = "{key}"
timeout_s = 20
[ivr.messages]
sms = "crm"
"""
CRM_KEY = "a secret of both sides"


def furnish(folder: Path, crm: str = "http://127.0.0.1:9/") -> str:
    """Write flows and sounds into `folder`; the settings that name them. crm: where webhooks go. Blocking."""
    for name, hz, seconds in (("menu", MENU_HZ, 8.0), ("uno", ONE_HZ, 1.0)):
        path = folder / "sounds" / "es" / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfiles.save(path, tone(hz, seconds))
    flows = {"tonos": FLOW, "opinion": SURVEY_FLOW, "avisa": TELLING_FLOW, "pide": ORDER_FLOW, "lento": SLOW_FLOW}
    flows["fuera"] = OUTSIDE_FLOW
    media = f'prompts = ["{folder}/sounds"]\nspeech_engine = "tests.support.slow_voice:SlowVoice"\n'
    return furnish_line(folder, flows, media=media) + SETTINGS + _CRM.format(crm=crm, key=CRM_KEY)
