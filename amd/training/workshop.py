"""From clips to a model: one training set, folds that leave whole sources out, thresholds, and the final trees."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amd.features import NAMES
from amd.model import Model
from amd.policy import Curve
from amd.training.calls import LINES, Call, LineSettings, Recipe
from amd.training.clips import Clip
from amd.training.fit import Examples, examine, fit_trees
from amd.training.fit_music import fit_music
from amd.training.thresholds import Heard, Outcome, play, search
from amd.trees import Trees
from amd.verdict import CallClass

Say = Callable[[str], None]
_BACKGROUND_KINDS = ("noise", "moh", "conversation")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to make. Call counts are totals; folds: how many groups of sources are left out in turn."""

    training_calls: int = 12000
    test_calls: int = 3600
    folds: int = 4
    seed: int = 1
    made_on: str = ""
    trees: int = 300
    music_calls: int = 160  # per track
    search_rounds: int = 600  # for thresholds


@dataclass(frozen=True, slots=True)
class Fold:
    """A model and the sources that neither its trees nor its thresholds ever heard."""

    families: frozenset[str]
    model: Model


@dataclass(frozen=True, slots=True)
class Made:
    """The final model, the fold models behind its scores, and the operating point on sources left out."""

    model: Model
    folds: tuple[Fold, ...]
    outcome: Outcome


def family(source: str, language: str) -> str:
    """Clips that share voices or rooms: greetings joined from a language's prompts belong to those prompts."""
    return f"asterisk-core-sounds-{language}-wav" if source == "vm_composites" else source


def deal(clips: Iterable[Clip], folds: int) -> list[frozenset[str]]:
    """Deal families to folds so that each leaves out people and machines."""
    people: dict[str, int] = {}
    machines: dict[str, int] = {}
    for clip in clips:
        if clip.kind in ("human_short", "human_sentence"):
            people[family(clip.source, clip.language)] = people.get(family(clip.source, clip.language), 0) + 1
        elif clip.kind in ("machine_prompt", "machine_greeting"):
            machines[family(clip.source, clip.language)] = machines.get(family(clip.source, clip.language), 0) + 1
    groups: list[set[str]] = [set() for _ in range(folds)]
    for counts in (people, machines):
        for place, name in enumerate(sorted(counts, key=lambda name: (-counts[name], name))):
            groups[place % folds].add(name)
    return [frozenset(group) for group in groups if group]


def training_calls(clips: Sequence[Clip], plan: Plan) -> list[Call]:
    """The training set: half people, half machines, every line at random."""
    recipe = Recipe(clips, np.random.default_rng(plan.seed), training=True)
    return [
        recipe.call(recipe.person() if number % 2 else recipe.machine(), recipe.line())
        for number in range(plan.training_calls)
    ]


def test_calls(
    clips: Sequence[Clip],
    background: Sequence[Clip],
    count: int,
    seed: int,
    lines: Iterable[LineSettings] = tuple(LINES.values()),
) -> list[Call]:
    """Calls as section 5 of the brief wants them, the same number on every line; machines only if there are any."""
    chance = np.random.default_rng(seed)
    recipe = Recipe(clips, chance, training=False)
    others = Recipe(background, chance, training=False)
    recipe.noises, recipe.musics, recipe.talks = others.noises, others.musics, others.talks
    makers = [recipe.person] * bool(recipe.words or recipe.sentences) + [recipe.machine] * bool(
        recipe.long_prompts or recipe.greetings
    )
    wanted = list(lines)
    each = max(1, count // len(wanted))
    return [recipe.call(makers[number % len(makers)](), line) for line in wanted for number in range(each)]


def background_of(clips: Iterable[Clip]) -> list[Clip]:
    """What may sound behind a talker."""
    return [clip for clip in clips if clip.kind in _BACKGROUND_KINDS]


def subset(examples: Examples, wanted: NDArray[np.bool_]) -> Examples:
    """The evaluations of some calls."""
    rows = wanted[examples.call]
    return Examples(examples.rows[rows], examples.call[rows], examples.tick[rows], examples.human)


def make(clips: Sequence[Clip], plan: Plan, say: Say = lambda _: None) -> Made:
    """Train: fold models for honest scores and thresholds, then the final trees on everything."""
    say(f"building {plan.training_calls} calls from {len(clips)} clips")
    calls = training_calls(clips, plan)
    say(f"calls {_digest(call.samples for call in calls)}")
    examples = examine(calls)
    owners = np.array([family(call.source, call.language) for call in calls])
    say(f"{len(examples.rows)} moments heard ({_digest([examples.rows])}); fitting {plan.folds} folds")
    folds: list[tuple[frozenset[str], Trees, list[Call]]] = []
    heard: list[Heard] = []
    for number, families in enumerate(deal(clips, plan.folds)):
        kept = ~np.isin(owners, list(families))
        trees = fit_trees(subset(examples, kept), seed=plan.seed, iterations=plan.trees)
        held = [clip for clip in clips if family(clip.source, clip.language) in families]
        tests = test_calls(held, background_of(clips), plan.test_calls // plan.folds, plan.seed + 100 + number)
        moments = examine(tests)
        heard.append(Heard.of(tests, moments, trees.probability(moments.rows)))
        folds.append((families, trees, tests))
        say(f"fold {number + 1}: {', '.join(sorted(families))} left out")
    curves = [_curve(heard[:left] + heard[left + 1 :] or heard, plan) for left in range(len(heard))]
    outcome = Outcome.of(Heard.joined(heard), [play(*pair) for pair in zip(heard, curves, strict=True)])
    say(_told(outcome))
    curve = _curve(heard, plan)
    card = _card(clips, plan, outcome, [call for _, _, tests in folds for call in tests])
    music = fit_music(clips, plan.seed, each=plan.music_calls)
    final = Model(fit_trees(examples, seed=plan.seed, iterations=plan.trees), curve, music, card)
    made = tuple(
        Fold(families, Model(trees, own, music)) for (families, trees, _), own in zip(folds, curves, strict=True)
    )
    return Made(final, made, outcome)


def _digest(arrays: Iterable[NDArray[Any]]) -> str:
    """What two trainings compare to find where they part."""
    seen = hashlib.sha256()
    for array in arrays:
        seen.update(array.tobytes())
    return seen.hexdigest()[:16]


def _curve(heard: Sequence[Heard], plan: Plan) -> Curve:
    return search(heard, np.random.default_rng(plan.seed), rounds=plan.search_rounds)


def _told(outcome: Outcome) -> str:
    return (
        f"sources left out: people {outcome.people_right:.2%} (lost {outcome.people_lost:.2%}), machines "
        f"{outcome.machines_right:.2%}, verdict {outcome.p50_s:.2f} / {outcome.p95_s:.2f} s after the greeting"
    )


def _card(clips: Sequence[Clip], plan: Plan, outcome: Outcome, tests: Sequence[Call]) -> dict[str, Any]:
    counts: dict[str, int] = {}
    for clip in clips:
        counts[clip.source] = counts.get(clip.source, 0) + 1
    return {
        "made_on": plan.made_on,
        "plan": {"training_calls": plan.training_calls, "folds": plan.folds, "seed": plan.seed},
        "clips": counts,
        "features": list(NAMES),
        "left_out": {
            "people_right": round(outcome.people_right, 4),
            "people_lost": round(outcome.people_lost, 4),
            "machines_right": round(outcome.machines_right, 4),
            "p50_s": round(outcome.p50_s, 3),
            "p95_s": round(outcome.p95_s, 3),
            "calls": len(tests),
        },
        "sources": _per_source(outcome, tests),
    }


def _per_source(outcome: Outcome, tests: Sequence[Call]) -> dict[str, dict[str, float]]:
    right: dict[str, list[bool]] = {}
    for call, said in zip(tests, outcome.said, strict=True):
        name = f"{call.call_class.value} / {family(call.source, call.language)}"
        wanted = 1 if call.call_class is CallClass.HUMAN else -1
        right.setdefault(name, []).append(int(said) == wanted)
    return {name: {"right": round(float(np.mean(hits)), 4), "calls": len(hits)} for name, hits in sorted(right.items())}


def card_text(model: Model) -> str:
    """The model's card as Markdown."""
    card = model.card
    left_out = card["left_out"]
    made = f"Made on {card['made_on']} by" if "made_on" in card else "Made by"
    lines = [
        "# Model card: person or machine",
        "",
        f"{made} `timbre amd train` with {card['plan']}.",
        "",
        "Boosted trees (scikit-learn) over timing and sound of the foreground talker, asked in pauses from 0.3 s on",
        "and now and then in long speech. Trained on calls built from clips: nobody in them is answering a phone;",
        "short words and sentences of real people stand in for answers.",
        "",
        "## Scores on sources left out of training",
        "",
        f"{left_out['calls']} calls on nine kinds of line: people right {left_out['people_right']:.2%}, taken for a "
        f"machine {left_out['people_lost']:.2%}; machines right {left_out['machines_right']:.2%}; a person's verdict "
        f"{left_out['p50_s']:.2f} s (median) and {left_out['p95_s']:.2f} s (95 %) after the end of the greeting.",
        "Each group of sources was judged by trees and thresholds that were made without it.",
        "",
        "| calls / source left out | right | calls |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | {100 * row['right']:.1f} % | {row['calls']} |" for name, row in card["sources"].items()]
    if card.get("note"):
        lines += ["", str(card["note"])]
    lines += ["", "## Clips it was trained on", "", "| source | clips | licence |", "|---|---|---|"]
    lines += [f"| {name} | {count} | {LICENCES.get(name, 'see its source')} |" for name, count in card["clips"].items()]
    return "\n".join(lines) + "\n"


LICENCES = {
    "fsdd": "CC-BY-SA-4.0",
    "mycroft_precise": "public-domain waivers",
    "picovoice_intent": "Apache-2.0",
    "picovoice_wakeword": "Apache-2.0",
    "speech_commands_sample": "CC-BY-4.0",
    "speechbrain": "Apache-2.0, CC-BY-4.0",
    "pyannote": "CC-BY-4.0 (AMI excerpts)",
    "azure_voicemail2text": "MIT",
    "asterisk-core-sounds-en-wav": "CC-BY-SA-3.0",
    "asterisk-core-sounds-es-wav": "CC-BY-SA-3.0",
    "asterisk-core-sounds-fr-wav": "CC-BY-SA-3.0",
    "asterisk-core-sounds-it-wav": "CC-BY-SA-3.0",
    "vm_composites": "CC-BY-SA-3.0",
    "asterisk-moh-opsound": "CC-BY-SA-3.0",
    "pyroomacoustics": "CC-BY-4.0",
    "espeak": "made with espeak-ng",
}
