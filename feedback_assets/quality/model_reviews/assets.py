"""The asset `model_reviews`."""

import datetime as dt

import dagster as dg

from feedback_assets.contracts.monitoring import MODEL_REVIEWS
from feedback_assets.pipeline.assets import OWNERS, ComputeParam, column_schema
from feedback_assets.quality.model_reviews.looking import as_markdown, review_models


@dg.asset(
    name=MODEL_REVIEWS.name,
    group_name=MODEL_REVIEWS.group,
    kinds={"deltalake"},
    owners=OWNERS,
    deps=["feedback_profile", "review_decisions"],
    description=MODEL_REVIEWS.description,
    metadata={
        "dagster/column_schema": column_schema(MODEL_REVIEWS),
        "dagster/table_name": MODEL_REVIEWS.name,
    },
)
def model_reviews(
    context: dg.AssetExecutionContext, compute: ComputeParam
) -> dg.MaterializeResult[None]:
    """Look at what people override, at confidence and at words; open and update reviews."""
    looked = review_models(compute.runtime(context.run.run_id), dt.datetime.now(dt.UTC))
    return dg.MaterializeResult(
        metadata={
            "open": len(looked.open),
            "opened": len(looked.opened),
            "updated": len(looked.updated),
            "open_reviews": dg.MetadataValue.md(as_markdown(looked.open)),
        }
    )


ASSETS = [model_reviews]
