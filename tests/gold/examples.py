"""A few labelled examples of our own, enough to train on in a second."""

from __future__ import annotations

from typing import Any

_ROWS = """
payment wrong_charge negative critical|charged twice for one ticket, where is my money
payment fees_and_pricing negative medium|a fee of three euros appeared out of nowhere
payment declined negative high|my card keeps being declined at the till
payment billing_and_invoice neutral low|where do I download my invoice
payment transfer neutral medium|transfer to my sister still pending
payment wrong_charge negative high|they took money for a plan I had ended
reliability crash negative high|crashes whenever I open the map
reliability crash negative high|the app crashed again after the update
reliability error_message negative high|error 512 on every save
reliability outage negative critical|the whole service is down
reliability data_loss negative critical|all my notes are gone
reliability broken_feature negative medium|the share button does nothing
delivery late negative high|parcel is two weeks late
delivery late negative high|still waiting for my package
delivery tracking neutral low|where is my order
delivery damaged_or_wrong negative high|the vase arrived smashed
delivery delivery_options neutral low|do you deliver on Saturdays
delivery late positive low|delivered a day early, wonderful
other praise positive low|lovely app, thank you
other praise positive low|great work, I recommend it
other praise positive low|perfect
other staff_and_service positive low|the lady on the phone was so kind
other wish neutral low|please add a dark theme
account_access login_failure negative high|cannot log in since Monday
account_access password_reset neutral medium|forgot my password
"""


def labelled(index: int, labels: str, text: str) -> dict[str, Any]:
    """One example with the fields that golden_set/ files bear."""
    category, sub_category, sentiment, severity = labels.split()
    return {
        "id": f"x-{index:04}", "text": text, "language": "en", "source": "survey",
        "rating": {"negative": 0.0, "neutral": 0.5, "positive": 1.0}[sentiment],
        "categories": [category], "primary_category": category, "sub_category": sub_category,
        "sentiment": sentiment, "severity": severity, "root_cause": "",
        "root_cause_type": "other", "evidence": [text], "action": "none", "traits": [],
    }  # fmt: skip


EXAMPLES = [
    labelled(number, *line.split("|")) for number, line in enumerate(_ROWS.strip().splitlines())
]
