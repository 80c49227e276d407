"""`metaworld-py agents`: the trained agents that come with the baselines, and whether they still do what their cards say."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from metaworld_py.agents.cards import Card, agents_folder, cards, find_card

if TYPE_CHECKING:
    from metaworld_py.evaluation.results import EvaluationResult

HEAD = ("agent", "trained on", "steps", "of published", "hours", "success", "95 % interval", "before adaptation")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("agents", help="trained agents: list them, show a card, repeat their evaluations")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these; one alone is shown in full")
    parser.add_argument(
        "--check", action="store_true", help="repeat the evaluations; exit status 1 if an interval misses its card's number"
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
        print((agents_folder() / chosen[0].name / "README.md").read_text(), end="")
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
        f"{card.env_steps / card.published_env_steps:.0%}",
        f"{card.hours:.2f}",
        f"{card.success:.1%}",
        f"{low:.1%} – {high:.1%}",
        "" if card.success_before is None else f"{card.success_before:.1%}",
    )


def check(chosen: list[Card]) -> int:
    """Repeat the evaluations that cards quote, from the weights, with their seeds."""
    from tqdm import tqdm

    from metaworld_py.agents.loading import load_agent

    missed = 0
    for card in chosen:
        with tqdm(unit=" steps", unit_scale=True, desc=card.name, disable=None, leave=False) as bar:
            result, _ = evaluate_card(card, load_agent(card.name), lambda _, steps: bar.update(steps))
        low, high = result.interval
        is_covered = low <= card.success <= high
        missed += not is_covered
        verdict = "ok" if is_covered else "MISSED"
        print(f"{card.name:32s} card {card.success:6.1%}   now {result.success_rate:6.1%} [{low:.1%}, {high:.1%}]   {verdict}")
    return 1 if missed else 0


def evaluate_card(
    card: Card, agent: Any, progress: Callable[[str, int], None] | None = None
) -> tuple[EvaluationResult, EvaluationResult | None]:
    """Play what the card quotes: the result that counts, and of meta-learners the one before adaptation."""
    from metaworld_py.evaluation.adaptation import evaluate_adaptation
    from metaworld_py.evaluation.per_instance import evaluate

    benchmark = card.benchmark.split(",") if "," in card.benchmark else card.benchmark
    settings: dict[str, Any] = {
        "seed": card.seed,
        "instances_per_task": card.instances_per_task,
        "max_episode_steps": card.max_episode_steps,
        "reward_function_version": card.reward_version,
        "agent_name": card.name,
        "progress": progress,
    }
    if not card.adapts:
        return evaluate(agent, benchmark, **settings), None
    result = evaluate_adaptation(
        agent,
        benchmark,
        adaptation_episodes=card.adaptation_episodes,
        adaptation_steps=card.adaptation_rounds,
        evaluation_episodes=card.evaluation_episodes,
        **settings,
    )
    return result.after, result.before
