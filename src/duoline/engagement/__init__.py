"""Engagement: what guides do for their members, and what comes of it."""

from duoline.engagement.about import About, about
from duoline.engagement.acquaintance import Done, Known, done_for, known_in
from duoline.engagement.call import number_for
from duoline.engagement.errors import NoNumber, TaskGone, TooLate
from duoline.engagement.guide_tasks import (
    UNDO,
    How,
    Kind,
    Result,
    Task,
    open_tasks,
    open_tasks_for,
    results,
    take_back,
    take_up,
)
from duoline.engagement.looks import Suggestion, Why, look_for

__all__ = [
    "UNDO",
    "About",
    "Done",
    "How",
    "Kind",
    "Known",
    "NoNumber",
    "Result",
    "Suggestion",
    "Task",
    "TaskGone",
    "TooLate",
    "Why",
    "about",
    "done_for",
    "known_in",
    "look_for",
    "number_for",
    "open_tasks",
    "open_tasks_for",
    "results",
    "take_back",
    "take_up",
]
