"""Queues as Prometheus sees them: figures of the last half hour, worked out when they are asked for."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from campaigns.clock import Clock
from dialer.inbound.hall import QueueHall

_HELP = {
    "waiting": "Callers waiting now",
    "longest_s": "Longest wait now",
    "callbacks_waiting": "Promised calls waiting now",
    "service_level": "Answered in time / (answered + abandoned later than at once), last half hour",
    "abandonment": "Abandoned later than at once / (answered + abandoned later than at once), last half hour",
    "asa_s": "Mean wait of the answered, last half hour",
}


class QueueFigures(Collector):
    """The gauges timbre_queue_*. A figure that nobody counts for is left out: a zero would be a lie."""

    def __init__(self, hall: QueueHall, clock: Clock) -> None:
        """Tell of the queues of `hall`."""
        self._hall = hall
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """The figures now."""
        now_s = self._clock.monotonic_s()
        figures = {queue_id: queue.figures(now_s) for queue_id, queue in self._hall.queues.items()}
        for field, words in _HELP.items():
            name = f"timbre_queue_{field.removesuffix('_s')}" + ("_seconds" if field.endswith("_s") else "")
            family = GaugeMetricFamily(name, words, labels=["queue"])
            for queue_id, each in figures.items():
                value = getattr(each, field)
                if value is not None:
                    family.add_metric([queue_id], value)
            yield family
        agents = GaugeMetricFamily("timbre_queue_agents", "Agents at work for the queue", labels=["queue"])
        for queue_id in figures:
            agents.add_metric([queue_id], self._hall.staffed(queue_id))
        yield agents
