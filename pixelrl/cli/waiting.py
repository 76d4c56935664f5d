"""Let threads that wait for one another sleep soon, so that a busy machine does not stand still.

The OpenMP of torch's wheels (libgomp) has a thread that is done early spin for a long time before
it sleeps. Where another program holds a core, it spins away what the thread that it waits for would
need: on two cores, one of them taken, editing a photograph took 36 seconds instead of one. A short
spin costs nothing on an idle machine; none at all (``OMP_WAIT_POLICY=passive``) doubles the time.
"""

import os
from collections.abc import MutableMapping

SPINS = "1000"
"""What libgomp itself takes where it knows that there are more threads than cores."""
SAID = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
"""By which a person says it; then nothing is changed."""


def wait_briefly(environment: MutableMapping[str, str] = os.environ) -> None:
    """Tell libgomp to spin briefly; of use before torch is imported, and to processes begun later.

    Example:
        >>> said, unsaid = {"OMP_WAIT_POLICY": "active"}, {}
        >>> wait_briefly(said), wait_briefly(unsaid)
        (None, None)
        >>> said, unsaid
        ({'OMP_WAIT_POLICY': 'active'}, {'GOMP_SPINCOUNT': '1000'})
    """
    if not any(name in environment for name in SAID):
        environment["GOMP_SPINCOUNT"] = SPINS
