"""Engagement: what guides do for their members, and what comes of it."""

from duoline.engagement.call import number_for
from duoline.engagement.errors import NoNumber, TaskGone
from duoline.engagement.guide_tasks import How, Kind, Result, Task, open_tasks, results, take_up
from duoline.engagement.looks import Suggestion, Why, look_for

__all__ = [
    "How",
    "Kind",
    "NoNumber",
    "Result",
    "Suggestion",
    "Task",
    "TaskGone",
    "Why",
    "look_for",
    "number_for",
    "open_tasks",
    "results",
    "take_up",
]
