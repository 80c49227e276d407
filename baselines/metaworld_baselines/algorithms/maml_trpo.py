"""MAML (Finn et al. 2017) for reinforcement learning: parameters from which one policy-gradient step goes far on a new goal.

    inner    θ_i = θ − α ∇ L_i(θ),   L_i(θ) = −E[ r A ] over the episodes of goal i by θ,   r = π(a|s) / π_old(a|s)
    outer    lower  mean_i L'_i(θ_i(θ))  over new episodes by θ_i, through the inner step, within a trust region:
             mean_i KL(π_{θ_i(θ_old)} ‖ π_{θ_i(θ)}) ≤ δ

Goals are vectorised: each has parameters, episodes and gradients of its own, with a leading goal axis. Fisher-vector products go through
the inner step as well (forward over reverse). `first_order` takes the inner gradient as a constant (FOMAML); `outer="ppo"` replaces the
trust region by epochs of clipped ascent. Advantages A are over a linear fit to each goal's episodes; with `baseline="critic"` those of the
outer step are over a value network that is told the hidden instance, and the inner step's, which test time knows as well, stay. With
`information_weight` the first layer is drawn for each goal, does not adapt, and has a price (meta_regularization.py).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Float

from metaworld_baselines.algorithms import meta_regularization
from metaworld_baselines.algorithms.maml_agent import MamlAgent, repeated
from metaworld_baselines.algorithms.maml_config import PPO, TRPO, MamlConfig
from metaworld_baselines.algorithms.meta import Instances, evaluate_and_keep, make_train_envs
from metaworld_baselines.algorithms.ppo import clipped_surrogate, divergence, followed, next_noise, stepped
from metaworld_baselines.algorithms.privileged_critic import CRITIC, LINEAR, estimate_advantages, instance_inputs
from metaworld_baselines.algorithms.trpo import trust_region_step
from metaworld_baselines.arrays import Array
from metaworld_baselines.experience.off_policy import Chunk
from metaworld_baselines.experience.on_policy import OnPolicyCollector, Rollout, linear_advantages, standardized
from metaworld_baselines.gradients.accumulation import accumulated_grad
from metaworld_baselines.gradients.combination import MultiTaskOptimizer
from metaworld_baselines.gradients.methods import find_method
from metaworld_baselines.networks.falling_std import with_std_below
from metaworld_baselines.networks.gaussian import MLP, Gaussian, GaussianPolicy
from metaworld_baselines.networks.scaling import new_scale, rescaled, updated_scale
from metaworld_baselines.runs.rl_run import RlRun
from metaworld_baselines.runs.throughput import Throughput
from metaworld_py import OBSERVATION_SIZE
from metaworld_py.instances import Task

INNER_RATES = "inner_rates"  # beside the weights, where they are learned
SCALE = "scale"  # of the inputs, likewise, where these are normalised
ENCODER = {"MLP_0": {"Dense_0": True}}  # whose weights have a price with `information_weight`


class Maml(NamedTuple):
    """What learns, with its optimizers' states."""

    policy: Any
    opt: Any  # of the outer "ppo", or of what combines meta-gradients
    critic: Any = ()  # the rest only where there is one
    critic_opt: Any = ()
    critic_scale: Any = ()  # of its inputs
    target_scale: Any = ()  # of each task's returns
    rate_factor: Any = 1.0  # of the outer "ppo"


@dataclass(frozen=True)
class Learner:
    """What stays the same during a run."""

    config: MamlConfig
    policy: GaussianPolicy
    optimizer: optax.GradientTransformation | MultiTaskOptimizer  # of the outer "ppo", and what combines meta-gradients
    critic: MLP
    critic_optimizer: optax.GradientTransformation


def make_learner(config: MamlConfig, seed: int = 0) -> Learner:
    """Network and optimizer for a configuration; the seed is of what combinations of gradients draw."""
    clip, adam = optax.clip_by_global_norm(config.ppo_max_grad_norm), optax.adam(config.ppo_learning_rate, eps=1e-5)
    optimizer: Any = optax.chain(clip, adam)
    if config.combination is not None:
        method = find_method(config.combination, config.num_losses, may_be_negative=True)
        after = optimizer if config.outer == PPO else optax.chain(optax.identity())  # TRPO wants the gradient itself
        optimizer = MultiTaskOptimizer(method, after, seed)
    policy = GaussianPolicy(
        config.width,
        config.depth,
        "tanh",
        initial_std=config.initial_std,
        min_std=config.min_std,
        max_std=config.max_std,
        has_clipped_densities=config.clipped_densities,
    )
    critic = MLP(config.critic_width, 2, 1, "tanh")
    return Learner(config, policy, optimizer, critic, optax.chain(clip, optax.adam(config.critic_learning_rate, eps=1e-5)))


def init(learner: Learner, seed: int) -> Maml:
    """Networks at the start of a run."""
    critic_size = OBSERVATION_SIZE + instance_inputs(learner.config, []).shape[-1] + 2

    @jax.jit
    def at_start(key: Array) -> Maml:
        policy = learner.policy.init(key, jnp.zeros(OBSERVATION_SIZE))
        if learner.config.learned_inner_rates:
            rates = jax.tree.map(lambda p: jnp.full_like(p, learner.config.inner_learning_rate), policy["params"])
            policy = {**policy, INNER_RATES: rates}
        if learner.config.information_weight:
            policy = meta_regularization.with_deviations(policy, ENCODER, learner.config.information_std)
        if learner.config.normalize_inputs:
            policy = {**policy, SCALE: new_scale(OBSERVATION_SIZE)}
        if learner.config.outer == PPO:
            opt = learner.optimizer.init(policy)
        else:
            opt = () if learner.config.combination is None else learner.optimizer.init(ravel_pytree(policy)[0])
        if learner.config.baseline == LINEAR:
            return Maml(policy, opt)
        critic = learner.critic.init(jax.random.fold_in(key, 1), jnp.zeros(critic_size))
        return Maml(
            policy, opt, critic, learner.critic_optimizer.init(critic), new_scale(critic_size), new_scale(learner.config.value_scales)
        )

    return at_start(jax.random.PRNGKey(seed))


def distribution_of(learner: Learner, policy: Any, obs: Float[Array, "*batch obs"]) -> Gaussian:
    """Distributions of actions (…, 4)."""
    if SCALE in policy:
        obs = rescaled(jax.lax.stop_gradient(policy[SCALE]), obs, learner.config.min_input_std)
    return learner.policy.apply({"params": policy["params"]}, obs)


# Losses of one goal -------------------------------------------------------------------------------


class Batch(NamedTuple):
    """Episodes of one goal (sample, …); with a leading goal axis, of many."""

    obs: Float[Array, "sample obs"]
    action: Float[Array, "sample action"]
    log_prob: Float[Array, " sample"]
    advantage: Float[Array, " sample"]


def make_batch(config: MamlConfig, rollout: Rollout, goals: int) -> Batch:
    """Batches (goal, sample, …) from experience whose environments of a goal stand in a row."""
    envs, steps = rollout.reward.shape
    by_goal = jax.tree.map(lambda x: np.reshape(x, (goals, envs // goals * steps, *x.shape[2:])), rollout)
    advantage = standardized(linear_advantages(by_goal, config.discount, config.trace), axis=1)
    return Batch(by_goal.obs, by_goal.action, by_goal.log_prob, advantage)


def policy_gradient_loss(learner: Learner, policy: Any, batch: Batch) -> Array:
    """Importance-weighted advantage, negative; at the policy that acted, its gradient is the policy gradient."""
    log_prob = distribution_of(learner, policy, batch.obs).log_prob(batch.action)
    return -(jnp.exp(log_prob - batch.log_prob) * batch.advantage).mean()


def inner_step(learner: Learner, policy: Any, batch: Batch) -> Any:
    """Adapted parameters."""
    params, rate = policy["params"], learner.config.inner_learning_rate
    gradient = jax.grad(lambda params: policy_gradient_loss(learner, {**policy, "params": params}, batch))(params)
    if learner.config.first_order:
        gradient = jax.lax.stop_gradient(gradient)
    if learner.config.information_weight:
        gradient = meta_regularization.without_encoder(policy, gradient)
    rates = policy[INNER_RATES] if learner.config.learned_inner_rates else jax.tree.map(lambda _: rate, params)
    return {**policy, "params": jax.tree.map(lambda p, r, g: p - r * g, params, rates, gradient)}


def adapt_each(learner: Learner, policies: Any, batches: Batch) -> Any:
    """One inner step of each goal's own parameters (goal, …)."""
    return jax.vmap(partial(inner_step, learner))(policies, batches)


def drawn_for(learner: Learner, policy: Any, key: Array) -> Any:
    """The policy that a goal begins with: with meta-regularisation one drawn from it by that goal's key."""
    return {**policy, **meta_regularization.drawn(policy, key)} if learner.config.information_weight else policy


def adapted(learner: Learner, policy: Any, key: Array, before: tuple[Batch, ...]) -> Any:
    """Parameters of a goal after all inner steps, each with episodes of its own."""
    policy = drawn_for(learner, policy, key)
    for batch in before:
        policy = inner_step(learner, policy, batch)
    return policy


# The outer step -----------------------------------------------------------------------------------


class Goals(NamedTuple):
    """What an iteration met, with a leading goal axis."""

    key: Array  # of what is drawn for a goal
    before: tuple[Batch, ...]  # each inner step
    after: Batch


def price(learner: Learner, policy: Any) -> Array | float:
    """What the first layer's weights know, in units of the loss."""
    weight = learner.config.information_weight
    return weight * meta_regularization.nats(policy) if weight else 0.0


def outer_loss(learner: Learner, policy: Any, goals: Goals) -> Array:
    """Mean over goals of the loss after adaptation, and the price of information."""
    losses = jax.vmap(lambda key, b, a: policy_gradient_loss(learner, adapted(learner, policy, key, b), a))(*goals)
    return losses.mean() + price(learner, policy)


def outer_kl(learner: Learner, policy: Any, goals: Goals, old: Gaussian) -> Array:
    """Mean divergence of the adapted policies from those that acted, in the states that these met."""

    def of_goal(goal: Goals, old: Gaussian) -> Array:
        return old.kl_to(distribution_of(learner, adapted(learner, policy, goal.key, goal.before), goal.after.obs)).mean()

    return jax.vmap(of_goal)(goals, old).mean()


def distributions(learner: Learner, policy: Any, goals: Goals) -> Gaussian:
    """Distributions of the adapted policies in the states that they met (goal, sample, 4)."""
    return jax.vmap(lambda key, b, a: distribution_of(learner, adapted(learner, policy, key, b), a.obs))(*goals)


def by_loss(learner: Learner, of_goals: Any) -> Any:
    """Arrays of goals (goal, …) as (task, goal of the task, …): those whose meta-gradients are combined."""
    return jax.tree.map(lambda x: x.reshape(learner.config.num_losses, -1, *x.shape[1:]), of_goals)


def learn(learner: Learner, agent: Maml, goals: Goals, env_steps: int | Array = 0) -> tuple[Maml, dict[str, Array]]:
    """The outer step of an iteration, after so many steps of the run, in one compiled call; also metrics."""
    old = distributions(learner, agent.policy, goals)
    agent, metrics = (trpo_step if learner.config.outer == TRPO else ppo_step)(learner, agent, goals, old)
    if learner.config.normalize_inputs:  # only now: densities belong to the scale that actions were drawn with, which no step has changed
        obs = jnp.concatenate([batch.obs.reshape(-1, OBSERVATION_SIZE) for batch in (*goals.before, goals.after)])
        agent = agent._replace(policy={**agent.policy, SCALE: updated_scale(agent.policy[SCALE], obs.T)})
    if learner.config.final_max_std is not None:
        params = with_std_below(learner.config, agent.policy["params"], env_steps)
        agent = agent._replace(policy={**agent.policy, "params": params})
    if learner.config.information_weight:
        policy = agent.policy
        metrics |= {"nats": meta_regularization.nats(policy), "weights_std": meta_regularization.mean_std(policy)}
    return agent, metrics


def trpo_step(learner: Learner, agent: Maml, goals: Goals, old: Gaussian) -> tuple[Maml, dict[str, Array]]:
    """Within the trust region."""
    config, conflict = learner.config, dict[str, Array]()
    flat, unravel = ravel_pytree(agent.policy)
    gradient, opt = None, agent.opt
    if isinstance(learner.optimizer, MultiTaskOptimizer):

        def losses(x: Array, batches: Any) -> tuple[Array, tuple[()]]:
            return jax.vmap(lambda of_task: outer_loss(learner, unravel(x), of_task))(batches), ()

        gradient, opt, _, conflict = learner.optimizer.measured_update(losses, flat, opt, by_loss(learner, goals))
    step = trust_region_step(
        lambda x: outer_loss(learner, unravel(x), goals),
        lambda x: outer_kl(learner, unravel(x), goals, old),
        flat,
        max_kl=config.max_kl,
        cg_iterations=config.cg_iterations,
        damping=config.cg_damping,
        backtrack=config.backtrack,
        max_backtracks=config.max_backtracks,
        gradient=gradient,
    )
    metrics = {
        "loss": step.loss,
        "kl": step.kl,
        "accepted": step.is_accepted,
        "backtracks": step.backtracks,
        "entropy": old.entropy().mean(),
    }
    return agent._replace(policy=unravel(step.params), opt=opt), metrics | conflict


def ppo_step(learner: Learner, agent: Maml, goals: Goals, old: Gaussian) -> tuple[Maml, dict[str, Array]]:
    """Epochs of clipped ascent, each step on a share of every goal's episodes after adaptation, and on all those before."""
    config = learner.config

    def loss(policy: Any, goals: Goals) -> tuple[Array, Array]:
        log_prob = distributions(learner, policy, goals).log_prob(goals.after.action)
        surrogate = clipped_surrogate(log_prob, goals.after.log_prob, goals.after.advantage, config.ppo_clip).mean()
        return price(learner, policy) - surrogate, divergence(log_prob, goals.after.log_prob).mean()

    def losses(policy: Any, batches: Any) -> tuple[Array, Array]:
        return jax.vmap(lambda of_task: loss(policy, of_task))(batches)

    def with_value(policy: Any, batch: Any) -> tuple[Array, tuple[Array, Array]]:
        value, kl = loss(policy, batch)
        return value, (value, kl)

    samples_before = goals.before[0].advantage.shape[1]

    def step(agent: Maml, chosen: Array) -> tuple[Maml, dict[str, Array]]:
        batch, conflict = goals._replace(after=jax.tree.map(lambda x: x[:, chosen], goals.after)), dict[str, Array]()
        if isinstance(learner.optimizer, MultiTaskOptimizer):
            of_tasks = by_loss(learner, batch)
            updates, opt, (value, kl), conflict = learner.optimizer.measured_update(losses, agent.policy, agent.opt, of_tasks)
        else:
            grads, (value, kl) = accumulated_grad(with_value, agent.policy, batch, samples_before)
            updates, opt = learner.optimizer.update(grads, agent.opt)
        factor = followed(agent.rate_factor, kl.mean(), config.ppo_target_kl) if config.ppo_target_kl else agent.rate_factor
        agent = agent._replace(policy=stepped(agent.policy, updates, factor), opt=opt, rate_factor=factor)
        return agent, conflict | {"loss": value.mean(), "rate_factor": factor}

    keys = jax.random.split(goals.key[0], config.ppo_epochs)
    orders = jax.vmap(lambda key: jax.random.permutation(key, goals.after.advantage.shape[1]))(keys)
    agent, metrics = jax.lax.scan(step, agent, orders.reshape(config.ppo_epochs * config.ppo_minibatches, -1))
    last = {name: metrics.pop(name)[-1] for name in ("loss", "rate_factor")}
    metrics = jax.tree.map(jnp.mean, metrics)
    return agent, metrics | last | {"kl": outer_kl(learner, agent.policy, goals, old), "entropy": old.entropy().mean()}


# The critic ---------------------------------------------------------------------------------------


def with_critics_advantages(
    learner: Learner, agent: Maml, rollout: Rollout, batch: Batch, goals: list[Task], key: Array
) -> tuple[Maml, Batch]:
    """Episodes after adaptation with advantages over the critic, standardised in each task, and the agent with a critic that knows them."""
    config = learner.config
    agent, advantage, inputs, target = estimate_advantages(learner, agent, rollout, instance_inputs(config, goals))
    advantage = standardized(advantage.reshape(len(config.tasks), -1), axis=1).reshape(batch.advantage.shape)
    return fitted(learner, agent, inputs.reshape(-1, inputs.shape[-1]), target.ravel(), key), batch._replace(advantage=advantage)


@partial(jax.jit, static_argnums=0)
def fitted(learner: Learner, agent: Maml, inputs: Float[Array, "sample input"], target: Float[Array, " sample"], key: Array) -> Maml:
    """The agent with a critic that has seen these samples for some epochs."""

    def error(critic: Any, chosen: Array) -> Array:
        return ((learner.critic.apply(critic, inputs[chosen])[..., 0] - target[chosen]) ** 2).mean()

    def step(critic_and_opt: tuple[Any, Any], chosen: Array) -> tuple[tuple[Any, Any], None]:
        critic, opt = critic_and_opt
        updates, opt = learner.critic_optimizer.update(jax.grad(error)(critic, chosen), opt)
        return (optax.apply_updates(critic, updates), opt), None

    orders = jax.vmap(lambda key: jax.random.permutation(key, len(target)))(jax.random.split(key, learner.config.critic_epochs))
    chosen = orders.reshape(learner.config.critic_epochs * learner.config.critic_minibatches, -1)
    (critic, opt), _ = jax.lax.scan(step, (agent.critic, agent.critic_opt), chosen)
    return agent._replace(critic=critic, critic_opt=opt)


# Training -----------------------------------------------------------------------------------------


def make_act(learner: Learner) -> Any:
    """Random actions of policies (goal, …), for environments that stand in a row for each goal."""

    @jax.jit
    def act(policies: Any, noise: Array | None, obs: Array, previous: Array | None, seed_and_step: Array) -> tuple[Array, Array, Array]:
        key = jax.random.fold_in(jax.random.PRNGKey(seed_and_step[0]), seed_and_step[1])
        goals = len(jax.tree.leaves(policies)[0])
        by_goal = jax.vmap(partial(distribution_of, learner))(policies, jnp.reshape(obs, (goals, -1, obs.shape[-1])))
        distribution = jax.tree.map(lambda x: x.reshape(len(obs), -1), by_goal)
        noise = next_noise(noise, jax.random.normal(key, distribution.mean.shape), learner.config.noise_correlation)
        action = distribution.at(noise)
        return action, distribution.log_prob(action), noise

    return act


def train(config: MamlConfig, seed: int, run: RlRun) -> Maml:
    """Train, or go on training, until the budget is spent.

    Raises:
      TooSlowError: see `RlRun.check_throughput`.
    """
    learner = make_learner(config, seed)
    compiled = jax.jit(partial(learn, learner))
    adapt = jax.jit(partial(adapt_each, learner))
    begin = jax.jit(lambda policy, keys: jax.vmap(partial(drawn_for, learner))(repeated(policy, len(keys)), keys))
    collector = OnPolicyCollector(make_train_envs(config, seed, config.episodes_per_goal), make_act(learner), seed=seed)
    agent, speed, instances = run.resume_with(init(learner, seed), collector), Throughput(), Instances(config, seed)
    while run.goes_on():
        iteration = run.env_steps // config.env_steps_per_iteration
        began = time.perf_counter()
        chunks: list[Chunk] = []
        batches: list[Batch] = []
        keys = jax.random.split(jax.random.fold_in(jax.random.PRNGKey(seed), iteration), config.meta_batch)
        policies = begin(agent.policy, keys)
        goals = [task for task in instances.of_iteration(iteration) for _ in range(config.episodes_per_goal)]
        for phase in range(config.inner_steps + 1):
            if phase:
                policies = adapt(policies, batches[-1])
            collector.restart(goals)
            first_step = (iteration * (config.inner_steps + 1) + phase) * config.max_episode_steps
            rollout, chunk, _ = collector.collect(policies, config.max_episode_steps, first_step)
            batches.append(make_batch(config, rollout, config.meta_batch))
            chunks.append(chunk)
        collected = time.perf_counter()
        if config.baseline == CRITIC:
            agent, batches[-1] = with_critics_advantages(learner, agent, rollout, batches[-1], goals, jax.random.fold_in(keys[0], 1))
        agent, metrics = jax.block_until_ready(
            compiled(agent, Goals(keys, tuple(batches[:-1]), batches[-1]), run.env_steps + config.env_steps_per_iteration)
        )
        whole = chunks[-1]._replace(seconds=sum(chunk.seconds for chunk in chunks))
        speed.count(whole, time.perf_counter() - collected, time.perf_counter() - began, 1)
        run.advance(config.env_steps_per_iteration)

        gain = float(np.mean(chunks[-1].returns) - np.mean(chunks[0].returns))
        numbers = {name: float(value) for name, value in metrics.items()} | {"adaptation_gain": gain}
        run.log("progress", speed.numbers(config.env_steps_per_iteration) | numbers)
        speed = run.show_and_check(speed, config.env_steps_per_iteration)
        if run.is_due(config.eval_every_env_steps):
            evaluate_and_keep(config, seed, run, as_agent(learner, agent.policy, seed), agent.policy)
        if run.is_save_due(config.save_every_env_steps):
            run.save_all(agent, collector.get_state())
    collector.close()
    return agent


def as_agent(learner: Learner, params: Any, seed: int = 0) -> MamlAgent:
    """Parameters for evaluation."""
    adapt_jitted = jax.jit(partial(adapt_each, learner))

    def adapt(policies: Any, rollout: Rollout) -> Any:
        return adapt_jitted(policies, make_batch(learner.config, rollout, len(rollout.reward)))

    likeliest = jax.jit(lambda policies, obs: jax.vmap(partial(distribution_of, learner))(policies, obs).mean)
    explored_episodes = learner.config.episodes_per_goal if learner.config.rehearses else 0
    return MamlAgent(make_act(learner), likeliest, adapt, params, seed, explored_episodes=explored_episodes)
