"""Listening: what is streamed comes from its brokers to the one door, and is then acknowledged.

The supervisor keeps the lease, of which there is one a wall, and a thread for each connection
(`listening`); each hands what it hears to the intake, which waits while too much waits, and whose
thread stores it in batches and acknowledges. What a source has to do stands in `widgets.sources`.
"""
