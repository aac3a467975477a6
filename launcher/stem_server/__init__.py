"""A server that trains, plans and deploys applications for others, and forgets no job.

`front.py` answers clients and looks after `crew.py`'s worker processes; `store.py` keeps jobs in Redis; `worker.py`
does them. `client.py` is the other side.
"""
