"""What follows when a webhook is changed."""

from opportunities.records import reacts_to


@reacts_to("endpoint.edit")
def begin_anew_at_a_new_address(endpoint, facts):
    """What the old address did says nothing of the new one."""
    if "url" in facts:
        endpoint.begin_anew()
        endpoint.save(update_fields=["failing_since", "rests_until", "failures"])
