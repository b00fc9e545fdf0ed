"""What headquarters sees of the stock: sums by location and category, and what is unusual."""

from duoline.insight.attention import AlertCounts, count_alerts
from duoline.insight.figures import NAMES, Figures
from duoline.insight.loop import Flow, Loop, Path, Way, closed_loop
from duoline.insight.missing import Missing, missing
from duoline.insight.overview import Taken, by_category, by_group, taken
from duoline.insight.policy import STOCK_ALERTS, StockAlertsPolicy
from duoline.insight.regions import Part, narrowest, parts, way_to
from duoline.insight.rejecting import Rejecting, rejecting
from duoline.insight.stale_holds import StaleHold, stale_holds
from duoline.insight.summarise import refresh, summarise

__all__ = [
    "NAMES",
    "STOCK_ALERTS",
    "AlertCounts",
    "Figures",
    "Flow",
    "Loop",
    "Missing",
    "Part",
    "Path",
    "Rejecting",
    "StaleHold",
    "StockAlertsPolicy",
    "Taken",
    "Way",
    "by_category",
    "by_group",
    "closed_loop",
    "count_alerts",
    "missing",
    "narrowest",
    "parts",
    "refresh",
    "rejecting",
    "stale_holds",
    "summarise",
    "taken",
    "way_to",
]
