"""`metaworld-py agents`: the trained agents that come with the baselines, and whether they still do what their cards say."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from metaworld_py.agents.cards import Card, agents_folder, cards, find_card

if TYPE_CHECKING:
    from metaworld_py.evaluation.adaptation import AdaptationResult
    from metaworld_py.evaluation.results import EvaluationResult

HEAD = ("agent", "trained on", "steps", "of published", "hours", "success", "95 % interval", "before adaptation")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("agents", help="trained agents: list them, show a card, repeat their evaluations")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these; one alone is shown in full")
    parser.add_argument(
        "--check", action="store_true", help="repeat the evaluations, meta-learners' with other random actions; exit status 1 if one is off"
    )
    parser.add_argument("--json", action="store_true", help="print the cards as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the agents' cards, or repeat their evaluations."""
    from metaworld_py.checks.bench import table

    chosen = [find_card(name) for name in options.names] or list(cards().values())
    if options.check:
        return check(chosen)
    if options.json:
        print(json.dumps([asdict(card) for card in chosen], indent=1, ensure_ascii=False))
    elif len(chosen) == 1:
        print((agents_folder() / chosen[0].name / "README.md").read_text(encoding="utf-8"), end="")
    else:
        print("\n".join(table(HEAD, [row(card) for card in chosen])))
        print("\nPlay one:    metaworld-py evaluate BENCHMARK --agent NAME    metaworld-py render TASK --agent NAME")
        print("Its card:    metaworld-py agents NAME                       evaluations again: metaworld-py agents --check")
    return 0


def row(card: Card) -> tuple[str, ...]:
    """Row of one agent in the table."""
    low, high = card.interval
    return (
        card.name,
        card.trained_on,
        f"{card.env_steps:,}",
        card.share_of_published,
        f"{card.hours:.2f}",
        f"{card.success:.1%}",
        f"{low:.1%} – {high:.1%}",
        "" if card.success_before is None else f"{card.success_before:.1%}",
    )


def check(chosen: list[Card]) -> int:
    """Repeat the evaluations that cards quote, from the weights, with their seeds; of agents that adapt, with other random actions."""
    from tqdm import tqdm

    from metaworld_py.agents.loading import load_agent

    missed = 0
    for card in chosen:
        with tqdm(unit=" steps", unit_scale=True, desc=card.name, disable=None, leave=False) as bar:
            found = evaluate_card(card, load_agent(card.name), lambda _, steps: bar.update(steps), first_draw=card.adaptation_draws)
        result = counted(found)
        low, high = card.repeat_interval or result.interval
        is_covered = low <= (result.success_rate if card.repeat_interval else card.success) <= high
        missed += not is_covered
        within = "accepted" if card.repeat_interval else "interval"
        verdict = "ok" if is_covered else "MISSED"
        print(f"{card.name:32s} card {card.success:6.1%}   now {result.success_rate:6.1%}   {within} [{low:.1%}, {high:.1%}]   {verdict}")
    return 1 if missed else 0


def evaluate_card(
    card: Card, agent: Any, progress: Callable[[str, int], None] | None = None, *, first_draw: int = 0
) -> EvaluationResult | AdaptationResult:
    """Play what the card quotes.

    Args:
      card: of the agent.
      agent: loaded.
      progress: see `evaluate`.
      first_draw: of agents that adapt; other ones are other random actions than those of the card.
    """
    from metaworld_py.evaluation.adaptation import evaluate_adaptation
    from metaworld_py.evaluation.per_instance import evaluate

    settings = protocol(card) | {"progress": progress}
    if not card.adapts:
        return evaluate(agent, benchmark(card), **settings)
    settings |= {"adaptation_episodes": card.adaptation_episodes, "draws": card.adaptation_draws, "first_draw": first_draw}
    return evaluate_adaptation(agent, benchmark(card), **settings)


def counted(found: EvaluationResult | AdaptationResult) -> EvaluationResult:
    """The episodes that a card quotes: of agents that adapt, those after adaptation."""
    return found.after if hasattr(found, "after") else found


def benchmark(card: Card) -> str | list[str]:
    """What `evaluate` takes."""
    return card.benchmark.split(",") if "," in card.benchmark else card.benchmark


def protocol(card: Card) -> dict[str, Any]:
    """Keywords of evaluations of the agent, but for those of adaptation that vary."""
    settings: dict[str, Any] = {
        "seed": card.seed,
        "instances_per_task": card.instances_per_task,
        "max_episode_steps": card.max_episode_steps,
        "reward_function_version": card.reward_version,
        "agent_name": card.name,
    }
    return settings | ({"adaptation_steps": card.adaptation_rounds, "evaluation_episodes": card.evaluation_episodes} if card.adapts else {})
