"""What the rows of each kind of file become, and which kinds come in as sets: the others come in one by one."""

from ..models import Client, Contact, Import, Lead, Opportunity, Task

Kind = Import.Kind
# The app above hangs its proposals on a deal by name, so that nothing here imports it.
Proposal = Opportunity._meta.get_field("proposals").related_model
MODELS = {
    Kind.LEADS: Lead,
    Kind.OPPORTUNITIES: Opportunity,
    Kind.CLIENTS: Client,
    Kind.CONTACTS: Contact,
    Kind.TASKS: Task,
    Kind.PROPOSALS: Proposal,
    # A row becomes a part of a proposal: that is where it is found.
    Kind.PROPOSAL_ROWS: Proposal,
}
# Of these a file may have hundreds of thousands: all of a batch is born, moved and told by a few statements.
AS_SETS = (Kind.LEADS, Kind.OPPORTUNITIES)


def model_of(record):
    return MODELS[record.kind]


def table_of(record) -> str:
    return model_of(record)._meta.db_table
