"""From files to scenes: what learning and scoring are fed with."""
