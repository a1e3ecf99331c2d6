"""A sensor that can't look says why in its skip reason, in one sentence, and looks again the next time."""

from collections.abc import Callable

import dagster as dg

from vending_platform import aws
from vending_platform.environment import Environment
from vending_platform.errors import EXPECTED
from vending_platform.warehouse import WarehouseBusy


def or_skip(
    context: dg.SensorEvaluationContext, environment: Environment, look: Callable[[], dg.SensorResult]
) -> dg.SensorResult:
    """What `look` gives; what kept it from looking is told as `vending doctor` would."""
    try:
        return look()
    except WarehouseBusy:
        why = "Somebody is writing to the warehouse; looking again next time."
    except EXPECTED as error:
        why = str(error)
        context.log.warning(why)
    except aws.AWS_ERRORS as error:
        assert environment.aws is not None, "who asks AWS is in AWS"
        why = f"Arrivals can't be asked for: {aws.problem_of(error).words(environment.aws, 'sqs')}"
        context.log.warning(why)
    return dg.SensorResult(skip_reason=why, cursor=context.cursor)
