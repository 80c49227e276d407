"""Agents for evaluation: the protocol, the scripted experts, a random one, and loading a trained one or one's own by name."""

from metaworld_py.agents.built_in import BUILT_IN, Agent, ExpertAgent, RandomAgent, as_agent
from metaworld_py.agents.inputs import AgentInputs
from metaworld_py.agents.loading import load_agent

__all__ = ["BUILT_IN", "Agent", "AgentInputs", "ExpertAgent", "RandomAgent", "as_agent", "load_agent"]
