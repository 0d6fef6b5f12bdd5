"""Load on real parts: the whole controller in a process of its own, a real Asterisk, SIPp as the telephone network."""
