"""A local web page on which people change what the agents do.

`session` holds the policy, the picture and the episodes; `messages` turns what the page sends into
values and back; `save` writes what is worth keeping; `server` answers requests; ``page/`` is
the page.
"""
