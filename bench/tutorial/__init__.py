"""A live page as tutorials of Channels write it: the baseline of the fan-out.

Each socket is a consumer that joins the group; each message of the group makes each of them render
the template and send it. Nothing else is done: no database, no sessions, no status line.
"""
