"""Pictures of an episode: colours, depth, segmentation and points, from any camera."""

from metaworld_py.rendering.cameras import FREE_CAMERA, Camera, chosen_camera, find_camera
from metaworld_py.rendering.renderer import (
    DEFAULT_SIZE_PX,
    DEPTH,
    FAST,
    HIGH,
    KINDS,
    MAX_SIZE_PX,
    POINT_CLOUD,
    QUALITIES,
    RGB,
    SEGMENTATION,
    EpisodeView,
    Renderer,
    RenderingError,
    check_size,
    choose_gl,
    segmentation_names,
)

__all__ = [
    "DEFAULT_SIZE_PX",
    "DEPTH",
    "FAST",
    "FREE_CAMERA",
    "HIGH",
    "KINDS",
    "MAX_SIZE_PX",
    "POINT_CLOUD",
    "QUALITIES",
    "RGB",
    "SEGMENTATION",
    "Camera",
    "EpisodeView",
    "Renderer",
    "RenderingError",
    "check_size",
    "choose_gl",
    "chosen_camera",
    "find_camera",
    "segmentation_names",
]
