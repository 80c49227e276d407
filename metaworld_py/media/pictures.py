"""Pictures of whole episodes: an episode is played first, then drawn at the steps that matter, with a badge or side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from metaworld_py.agents.built_in import Agent
from metaworld_py.agents.inputs import AgentInputs, playing_alone
from metaworld_py.envs.env import MetaWorldEnv, env_class
from metaworld_py.envs.playing import play
from metaworld_py.envs.states import EnvState
from metaworld_py.instances.task import Task
from metaworld_py.rendering.cameras import Camera
from metaworld_py.rendering.renderer import DEFAULT_SIZE_PX, HIGH, choose_gl
from metaworld_py.tasks.common.definition import HORIZON

Picture = NDArray[np.uint8]  # (height, width, 3)

STEPS_BEFORE_SUCCESS = 12  # when a task is best recognised
_GREEN = (46, 160, 94)
_INK, _PAPER = (45, 45, 45), (255, 255, 255)


@dataclass(frozen=True)
class Take:
    """A played episode that can be drawn as it stood at any of its control steps. Owns an environment: close it when done."""

    env: MetaWorldEnv
    states: tuple[EnvState, ...]  # at the beginning and after each control step
    first_success: int | None  # control steps until then

    @property
    def num_steps(self) -> int:
        """Control steps that were played."""
        return len(self.states) - 1

    @property
    def outcome(self) -> str:
        """What happened in the episode, in words."""
        return outcome(self.first_success, self.num_steps)

    @property
    def telling_step(self) -> int:
        """Shortly before success, where one sees what the task is; the last step without success."""
        return self.num_steps if self.first_success is None else max(self.first_success - STEPS_BEFORE_SUCCESS, 0)

    def steps(self, num: int) -> list[int]:
        """At most `num` steps, evenly spread from first to last."""
        return sorted(set(np.linspace(0, self.num_steps, num).round().astype(int).tolist()))

    def picture(self, step: int, *, with_overlay: bool = False) -> Picture:
        """The scene after that many control steps.

        Raises:
          RenderingError: no OpenGL; says what to install.
        """
        self.env.set_state(self.states[step])
        picture = self.env.render()
        assert picture is not None
        return overlay(picture, step, self.first_success) if with_overlay else picture

    def close(self) -> None:
        """Free what rendered."""
        self.env.close()


def outcome(first_success: int | None, num_steps: int) -> str:
    """What happened in an episode, in words."""
    return f"no success in {num_steps} steps" if first_success is None else f"success after {first_success} steps"


def play_take(
    task: Task,
    agent: Agent,
    *,
    camera_name: str | Camera | None = None,
    width_px: int = DEFAULT_SIZE_PX,
    height_px: int = DEFAULT_SIZE_PX,
    quality: str = HIGH,
    max_episode_steps: int = HORIZON,
    steps_after_success: int | None = None,
    one_hot: Sequence[float] | None = None,
) -> Take:
    """Play one instance; nothing is drawn yet.

    Args:
      task: the instance.
      agent: see `metaworld_py.agents.Agent`.
      camera_name: a name or a camera of one's own; None for the overview.
      width_px, height_px: of pictures.
      quality: "high" or "fast", see `MetaWorldEnv`.
      max_episode_steps: control steps.
      steps_after_success: control steps after the first success at which to stop; None for the whole episode.
      one_hot: task id to append to states; by default what the agent declares of this task alone.

    Raises:
      ValueError: unknown camera, sizes or steps out of range.
      RenderingError: no OpenGL; says what to install.
    """
    inputs = AgentInputs.of(agent)
    env = env_class(task.env_name)(
        "rgb_array",
        camera_name,
        height=height_px,
        width=width_px,
        render_quality=quality,
        max_episode_steps=max_episode_steps,
        show_goal=inputs.own.show_goal,
    )
    choose_gl()
    env.set_task(inputs.instance(task))
    start, act = playing_alone(agent, env, one_hot)
    states: list[EnvState] = []
    first_success = None

    def begin() -> None:
        start()
        states.append(env.get_state())

    for step in play(env, act, begin):
        states.append(env.get_state())
        if first_success is None and step.info["success"]:
            first_success = step.number
        if first_success is not None and steps_after_success is not None and step.number >= first_success + steps_after_success:
            break
    return Take(env, tuple(states), first_success)


def overlay(picture: Picture, step: int, first_success: int | None) -> Picture:
    """The picture with a step counter and, from the first success on, a green frame and a badge."""
    canvas = Image.fromarray(picture)
    draw = ImageDraw.Draw(canvas, "RGBA")
    height, width = picture.shape[:2]
    font, gap = _font(height), max(height // 60, 2)
    is_success = first_success is not None and step >= first_success
    if is_success:
        draw.rectangle((0, 0, width - 1, height - 1), outline=_GREEN, width=max(gap // 2, 2))
    left = _badge(draw, 2 * gap, height - 2 * gap, f"step {step}", (20, 20, 20, 150), font)
    if is_success:
        _badge(draw, left + gap, height - 2 * gap, f"success at {first_success}", (*_GREEN, 235), font)
    return np.asarray(canvas)


def _badge(draw: ImageDraw.ImageDraw, left: float, bottom: float, text: str, color: tuple[int, ...], font: ImageFont.FreeTypeFont) -> float:
    """Draw a text on a rounded patch; returns its right edge."""
    pad = font.size * 0.45
    right, top = left + float(draw.textlength(text, font)) + 2 * pad, bottom - font.size - pad
    draw.rounded_rectangle((left, top, right, bottom), radius=font.size * 0.4, fill=color)
    draw.text((left + pad, (top + bottom) / 2), text, fill=(255, 255, 255, 255), font=font, anchor="lm")
    return right


def sheet(pictures: Sequence[Picture], columns: int, labels: Sequence[str] = ()) -> Picture:
    """Equal pictures side by side, row by row, each with its label underneath."""
    height, width = pictures[0].shape[:2]
    font, gap = _font(height), max(height // 40, 2)
    columns = min(columns, len(pictures))
    pitch_x, pitch_y = width + gap, height + (round(font.size * 1.9) if labels else gap)
    canvas = Image.new("RGB", (columns * pitch_x + gap, -(-len(pictures) // columns) * pitch_y + gap), _PAPER)
    draw = ImageDraw.Draw(canvas)
    for index, picture in enumerate(pictures):
        x, y = gap + index % columns * pitch_x, gap + index // columns * pitch_y
        canvas.paste(Image.fromarray(picture), (x, y))
        if labels:
            middle = y + height + (pitch_y - height) / 2
            draw.text((x + width / 2, middle), labels[index], fill=_INK, font=font, anchor="mm")
    return np.asarray(canvas)


@cache
def _font(height_px: int) -> ImageFont.FreeTypeFont:
    """A font that fits pictures of that height."""
    font = ImageFont.load_default(max(height_px / 24, 9))
    assert isinstance(font, ImageFont.FreeTypeFont), "with a size, Pillow gives a scalable font"
    return font
