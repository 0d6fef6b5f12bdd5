"""One question of a survey."""

from enum import StrEnum
from typing import ClassVar, Literal

from campaigns.ids import key_of
from ivr.events import SurveyAnswered
from ivr.fields import Name, NodeName, Seconds, Tries, VariableName
from ivr.line import KeyRequest
from ivr.nodes.base import Node
from ivr.port import SurveyAnswer
from ivr.secret import Secret
from ivr.texts import Text
from ivr.values import PortTrouble
from ivr.visit import Go, Missed, Question, Step, Visit


class Scale(StrEnum):
    """What may be answered."""

    CSAT = "csat"  # 1 to 5
    NPS = "nps"  # 0 to 10
    YES_NO = "yes_no"  # 1 yes, 2 no


_RANGE = {Scale.CSAT: (1, 5), Scale.NPS: (0, 10), Scale.YES_NO: (1, 2)}


class Survey(Node):
    """Ask a question and keep the answer before anything else is said. Who answers nothing goes on by `no_input`.

    A store that fails is noted and the caller goes on: nobody is sent to a person because of a survey.
    """

    listens: ClassVar[bool] = True
    do: Literal["survey"]
    text: Text
    question: Name
    scale: Scale
    into: VariableName | None = None
    tries: Tries = 2
    timeout_s: Seconds = 6.0
    next: NodeName
    no_input: NodeName | None = None
    failed: NodeName | None = None

    async def visit(self, at: Visit) -> Step:
        """Ask and keep."""
        most = 2 if self.scale is Scale.NPS else 1
        request = KeyRequest(most, self.timeout_s, between_timeout_s=1.5)
        score = await at.ask(Question(self.text, request, self.tries), self._accept)
        if isinstance(score, Missed):
            return Go("no_input", self.no_input or self.next)
        if self.into:
            at.store(self.into, score)
        try:
            await at.durably(at.world.answers.survey(self._answer(at, score)), 10.0)
        except PortTrouble as error:
            at.trouble(f"a survey answer was not kept: {error}")
            return Go("failed", self.failed or self.next)
        self._note(at, score)
        return Go("next", self.next)

    def _accept(self, typed: Secret) -> int | None:
        digits = typed.reveal()
        least, most = _RANGE[self.scale]
        return int(digits) if digits.isdigit() and least <= int(digits) <= most else None

    def _answer(self, at: Visit, score: int) -> SurveyAnswer:
        facts = at.line.facts
        return SurveyAnswer(
            answer_id=key_of(f"{facts.call_id}:{at.node}:{self.question}"),
            call_id=facts.call_id,
            flow=at.flow.flow,
            node=at.node,
            question=self.question,
            scale=self.scale,
            score=score,
            at_s=at.now_s(),
            agent_id=str(at.variables.get("agent_id") or ""),
            language=at.language,
        )

    def _note(self, at: Visit, score: int) -> None:
        where = (at.line.facts.call_id, at.flow.flow, at.version, at.now_s())
        agent_id = str(at.variables.get("agent_id") or "")
        at.note(SurveyAnswered(*where, at.node, self.question, self.scale, score, agent_id))
