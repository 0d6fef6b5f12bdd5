"""The words of `timbre pacing explain`, in English and Spanish."""

from dialer.pacing import hazard_core
from dialer.pacing.hazard import WHY
from dialer.pacing.plan import AgentActivity, FlightStage, Plan, Snapshot
from dialer.pacing.simple import idle_agents

_LINK = "the exchange is out of reach or being reconciled"
_EN = {
    "held": "{clock}: nothing was dialled: {why}.",
    "no_record": "{clock}: the trace holds no plan of this moment: the campaign did not run, or its trace is gone.",
    "plan_before": " The plan before it is of {at} ({zone}).",
    "plan_after": " The next plan is of {at} ({zone}).",
    "nothing": "{clock}: nothing was dialled. {why}",
    "placed_one": "{clock}: one call was placed. What set the number: {why}",
    "placed": "{clock}: {count} calls were placed. What set the number: {why}",
    "gave_up": " {count} ringing calls were taken back: a person would probably have found nobody.",
    "gave_up_one": " One ringing call was taken back: a person would probably have found nobody.",
    "team": (
        "Agents: {idle} idle, {talking} with a customer, {wrap_up} in wrap-up, {paused} paused. "
        "Calls: {ringing} on their way, {screening} being listened to, {waiting} people waiting."
    ),
    "forecast": "The next call would find no agent with a chance of {risk:.1f} %; {theta:.1f} % is allowed now.",
    "budget": (
        "Abandoned so far: {abandoned} of {people} people ({share:.2f} %); cap {cap:.2f} %, aim {target:.2f} %."
    ),
    "lowered": " The cap is lowered by what happened earlier in the period of {rule}.",
    "fell": "Fewer calls than planned were placed: {why}.",
    "refused": "In the ten minutes before, rules forbade {count} leads: {reasons}.",
    "refused_one": "In the ten minutes before, rules forbade one lead: {reasons}.",
    "arm": "It was {arm}'s turn in the comparison of two ways of pacing (turn {block}).",
    "nobody": "No agent is signed in and able to take calls.",
    "all_paused": "Every agent is paused (or without audio, or leaving after the call).",
    "enough": "Idle agents have enough calls on their way already.",
    "busy": "No agent is idle, and the law in use dials for idle agents only.",
    "the law": "The law wants no more.",
    "channels": "The channels are full: {in_use} of {channels} in use (the campaign's limit, or the trunk's).",
    "calls per second": "The trunk takes {rate:g} calls a second.",
    "leads": "No leads are left to dial now: the hopper is empty.",
    "somebody waits for an agent": "Somebody waits for an agent: nothing is dialled until then.",
    "agents place their own calls": "In this mode agents place their calls themselves.",
    "FORECAST": "The forecast: one more call would find nobody more often than is allowed now.",
    "START_UP": "Too little is known of this list yet: few calls for each idle agent until fifteen have ended.",
    "BUDGET": (
        "The abandonment budget has no room for dialling ahead: one more abandoned person could pass the cap. "
        "One call for each idle agent and no more."
    ),
    "SILENT": "Nothing has been answered for long, the network may be dead: one call for each idle agent.",
    "NOT_MY_TURN": "Another campaign with the same agents has its turn to dial ahead.",
    "FLOOR": "One call for each idle agent: never fewer are placed.",
}
_ES = {
    "held": "{clock}: no se marcó nada: {why}.",
    "no_record": "{clock}: la traza no tiene ningún plan de ese momento: la campaña no corría, o su traza ya se borró.",
    "plan_before": " El plan anterior es de {at} ({zone}).",
    "plan_after": " El siguiente es de {at} ({zone}).",
    "nothing": "{clock}: no se marcó nada. {why}",
    "placed_one": "{clock}: se lanzó una llamada. Lo que fijó el número: {why}",
    "placed": "{clock}: se lanzaron {count} llamadas. Lo que fijó el número: {why}",
    "gave_up": " Se retiraron {count} llamadas que sonaban: probablemente nadie habría podido atenderlas.",
    "gave_up_one": " Se retiró una llamada que sonaba: probablemente nadie habría podido atenderla.",
    "team": (
        "Agentes: {idle} libres, {talking} con un cliente, {wrap_up} en tipificación, {paused} en pausa. "
        "Llamadas: {ringing} en camino, {screening} en escucha, {waiting} personas esperando."
    ),
    "forecast": "La siguiente llamada se quedaría sin agente con probabilidad {risk:.1f} %; se admite {theta:.1f} %.",
    "budget": (
        "Abandonadas hasta ahora: {abandoned} de {people} personas ({share:.2f} %); "
        "tope {cap:.2f} %, objetivo {target:.2f} %."
    ),
    "lowered": " El tope está rebajado por lo ocurrido antes en el periodo de {rule}.",
    "fell": "Se lanzaron menos llamadas de las previstas: {why}.",
    "refused": "En los diez minutos anteriores las normas impidieron {count} contactos: {reasons}.",
    "refused_one": "En los diez minutos anteriores las normas impidieron un contacto: {reasons}.",
    "arm": "Era el turno de {arm} en la comparación de dos formas de marcar (turno {block}).",
    "nobody": "No hay ningún agente conectado que pueda atender llamadas.",
    "all_paused": "Todos los agentes están en pausa (o sin audio, o se van al acabar la llamada).",
    "enough": "Los agentes libres ya tienen bastantes llamadas en camino.",
    "busy": "No hay agentes libres, y esta ley solo marca para agentes libres.",
    "the law": "La ley no quiere más.",
    "channels": "Los canales están llenos: {in_use} de {channels} en uso (límite de la campaña o del enlace).",
    "calls per second": "El enlace admite {rate:g} llamadas por segundo.",
    "leads": "No quedan contactos que marcar ahora: la cola de marcación está vacía.",
    "somebody waits for an agent": "Alguien espera a un agente: no se marca nada hasta atenderlo.",
    "agents place their own calls": "En este modo los agentes lanzan sus propias llamadas.",
    "FORECAST": "La previsión: una llamada más se quedaría sin agente más a menudo de lo que ahora se admite.",
    "START_UP": "Aún se sabe poco de esta lista: pocas llamadas por agente libre hasta que acaben quince.",
    "BUDGET": (
        "El presupuesto de abandono no deja marcar por adelantado: un abandono más podría pasar el tope. "
        "Una llamada por agente libre y ninguna más."
    ),
    "SILENT": "Hace mucho que nadie contesta, la red puede estar muerta: una llamada por agente libre.",
    "NOT_MY_TURN": "Es el turno de otra campaña con los mismos agentes para marcar por adelantado.",
    "FLOOR": "Una llamada por agente libre: nunca se lanzan menos.",
    _LINK: "la centralita no responde, o se está comprobando qué llamadas siguen vivas",
    "the campaign is paused": "la campaña está en pausa",
    "the campaign is stopped": "la campaña está parada",
    "too few leads were at hand": "había menos contactos a mano",
    "the database was slow, the plan was stale": "la base de datos tardó y el plan ya no valía",
}
_TABLES = {"en": _EN, "es": _ES}
_CORE = ("FORECAST", "START_UP", "BUDGET", "SILENT", "NOT_MY_TURN", "FLOOR")


def phrases(language: str) -> dict[str, str]:
    """The words of a language; English when there is none."""
    return _TABLES.get(language, _EN)


def bound_words(snapshot: Snapshot, plan: Plan, language: str) -> str:
    """What bound a plan, in words."""
    say = phrases(language)
    in_use = len(snapshot.flights) + snapshot.calls_up
    text = say.get(_key(snapshot, plan), plan.bound_by)
    return text.format(in_use=in_use, channels=snapshot.limits.channels, rate=snapshot.limits.calls_per_s)


def _key(snapshot: Snapshot, plan: Plan) -> str:
    """The name of what bound a plan: the law's own word, made exact by what stood in the snapshot."""
    if plan.place == 0 and not snapshot.agents:
        return "nobody"
    if plan.place == 0 and all(view.activity is AgentActivity.PAUSED or view.leaving for view in snapshot.agents):
        return "all_paused"
    if plan.place == 0 and any(view.stage is FlightStage.WAITING for view in snapshot.flights):
        return "somebody waits for an agent"
    for name in _CORE:
        if plan.bound_by == WHY.get(getattr(hazard_core, name)):
            return name
    if plan.bound_by == "the law" and plan.place == 0:
        return "enough" if idle_agents(snapshot) else "busy"
    return plan.bound_by
