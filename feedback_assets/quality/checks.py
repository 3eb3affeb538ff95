"""The quality room's checks as Dagster has them.

Belongs here: the list. Does not belong here: what they say (profile_checks.py) and judging
(profile_judging.py).
"""

from feedback_assets.pipeline.assets import contract_check, judging_checks
from feedback_assets.quality.profile_checks import DRIFT
from feedback_assets.quality.profile_step import PROFILE

CHECKS = [contract_check(PROFILE), judging_checks(DRIFT)]
