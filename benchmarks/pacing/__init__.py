"""Pacing: how fast the simulator is, and worlds drawn by lot in which the abandonment cap has to hold."""
