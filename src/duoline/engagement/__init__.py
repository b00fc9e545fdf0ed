"""Engagement: what guides do for their members, and what comes of it."""

from duoline.engagement.errors import TaskGone
from duoline.engagement.guide_tasks import How, Kind, Result, Task, open_tasks, results, take_up

__all__ = ["How", "Kind", "Result", "Task", "TaskGone", "open_tasks", "results", "take_up"]
