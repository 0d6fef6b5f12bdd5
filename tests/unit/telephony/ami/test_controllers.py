"""Nobody takes an ARI application away from a controller that is at work."""

import pytest

from telephony.ami import controllers
from telephony.ami.controllers import Controller, read_controllers, require_alone
from telephony.errors import LinkDown, RequestRejected, SetupError

# What Asterisk 22.10.1 prints: the first session lost its application to the second.
PRINTED = """\
Connection ID                         Type            RemoteAddr                       State Apps
------------------------------------- --------------- -------------------------------- ----- ----------------
3771528c-81e6-4a13-a20d-d1bc64640f85  inbound         127.0.0.1:57384                  Up
d957d7e8-e6a0-44e4-9cb5-30832cf373dc  inbound         127.0.0.1:57398                  Up    other,timbre

""".splitlines()
NOBODY = PRINTED[:3]


class Scripted:
    """A manager that answers as scripted, its last answer for ever."""

    def __init__(self, *answers: list[str] | Exception) -> None:
        self.answers = list(answers)

    async def wait_up(self) -> None:
        pass

    async def command(self, line: str) -> list[str]:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controllers, "_LOOK_EVERY_S", 0.0)


def test_given_two_sessions_then_only_the_one_that_has_the_application_counts() -> None:
    (found,) = read_controllers(PRINTED, "timbre")
    assert found == Controller("d957d7e8-e6a0-44e4-9cb5-30832cf373dc", "127.0.0.1:57398")
    assert read_controllers(PRINTED, "timb") == []


async def test_given_a_controller_at_work_then_it_is_named_and_left_alone() -> None:
    with pytest.raises(SetupError, match=r"127\.0\.0\.1:57398.*asterisk\.app"):
        await require_alone(Scripted(PRINTED), "timbre")


async def test_given_one_that_was_killed_a_moment_ago_then_its_session_is_waited_out() -> None:
    await require_alone(Scripted(PRINTED, LinkDown("again"), PRINTED, NOBODY), "timbre")


async def test_given_an_asterisk_that_cannot_tell_then_it_is_taken_at_its_word() -> None:
    await require_alone(Scripted(RequestRejected(400, "No such command", "AMI Command")), "timbre")


async def test_given_a_manager_that_never_stays_then_the_link_is_tried_again() -> None:
    with pytest.raises(LinkDown):
        await require_alone(Scripted(LinkDown("gone")), "timbre")
