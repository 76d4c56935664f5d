"""A local web page on which people change what the agents do.

`desk` holds the policy, the picture and the episodes; `wire` turns what the page sends into values
and back; `keep` writes what is worth keeping; `server` answers requests; ``page/`` is the page.
"""
