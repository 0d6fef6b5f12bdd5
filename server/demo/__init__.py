"""The outside world of the demo and: a telephone network, voices and leads. Nothing here serves real calls."""
