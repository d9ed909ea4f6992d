"""Which login may do what to the portal's tables. Run after every migration, after anybody's broader grants."""

from dataclasses import dataclass

APP = {
    "portal_publication": "select, insert, update (withdrawn_at, withdrawn_reason, open_until)",
    "portal_proposallink": "select, insert, update (expires_at, revoked_at, replaced_by_id)",
    "portal_reader": "select",
    "portal_guest": "select, insert, update (client_name, contact_id, name, email, revoked_at, taken_by)",
    "portal_signinrequest": "select, update (handled_at)",
    "portal_signinlink": "select, insert",
    "portal_session": "select, update (revoked_at)",
    "portal_clientaction": "select, update (handled_at, outcome, written_off)",
    "portal_inquiry": "select, update (handled_at, lead_id)",
    "portal_intaketoken": "select, insert, update (revoked_at, revoked_by)",
    "portal_passkey": "select, update (revoked_at)",
    "portal_usedchallenge": "select",
    "portal_preview": "select, insert",
    "portal_stoplink": "select, insert",
    "portal_stop": "select, update (handled_at, outcome)",
    "portal_paper": "select, insert",
    "portal_look": "select",
    "portal_paymentnotice": "select, update (handled_at, taken, outcome)",
}

# approved_by, opportunity_id and withdrawn_reason are the agency's own and stay out of reach.
PORTAL_READS = "id, client_id, kind, ref, title, body, digest, published_at, withdrawn_at, open_until"

PORTAL_READS_PAPERS = "id, publication_id, kind, bytes, sha256, made_at"

# What the login reads at all, column by column, and row by row as its policies allow.
READABLE = {
    "public.portal_publication": PORTAL_READS.split(", "),
    "public.portal_paper": PORTAL_READS_PAPERS.split(", "),
}


@dataclass(frozen=True)
class Policy:
    """A policy of row security as the migrations left it, in the words in which PostgreSQL gives it back."""

    table: str
    name: str
    role: str
    using: str
    command: str = "ALL"
    check: str = ""

    @property
    def as_kept(self) -> tuple:
        return "PERMISSIVE", self.command, [self.role], self.using, self.check

    @property
    def made(self) -> str:
        """Return the statements that put it back."""
        on = f"{self.name} on public.{self.table}"
        check = f" with check ({self.check})" if self.check else ""
        made = f"create policy {on} for {self.command.lower()} to {self.role} using ({self.using}){check}"
        return f"drop policy if exists {on}; {made}"


# The portal serves nothing while its tables have other ones. A migration that changes one changes it here.
POLICIES = [
    Policy("portal_publication", "staff", "zarts_app", "true", check="true"),
    Policy(
        "portal_publication",
        "own_client",
        "zarts_portal",
        "((withdrawn_at IS NULL) AND ((client_id = ( SELECT public.portal_client() AS portal_client)) OR "
        "(id = ( SELECT public.portal_link_publication() AS portal_link_publication))))",
        "SELECT",
    ),
    Policy("portal_paper", "staff", "zarts_app", "true", check="true"),
    Policy(
        "portal_paper",
        "own_client",
        "zarts_portal",
        "(EXISTS ( SELECT FROM public.portal_publication p WHERE (p.id = portal_paper.publication_id)))",
        "SELECT",
    ),
]

PORTAL_CALLS = [
    "portal_client",
    "portal_link_publication",
    "portal_link_state",
    "portal_fetched",
    "portal_open",
    "portal_read",
    "portal_choose",
    "portal_answer",
    "portal_sign",
    "portal_request_sign_in",
    "portal_sign_in",
    "portal_sign_out",
    "portal_session",
    "portal_my_actions",
    "portal_inquire",
    "portal_inquire_by_token",
    "portal_stop_state",
    "portal_stop",
    "portal_try_code",
    "portal_enter_by_code",
    "portal_rooms",
    "portal_switch",
    "portal_sessions",
    "portal_end_sessions",
    "portal_seen",
    "portal_passkeys",
    "portal_add_passkey",
    "portal_remove_passkey",
    "portal_passkey_key",
    "portal_enter_by_passkey",
    "portal_enter_preview",
    "portal_end_preview",
    "portal_may_look",
    "portal_paper_known",
    "portal_contract",
    "portal_open_contract",
    "portal_decline_contract",
    "portal_payment",
    "portal_questions",
    "portal_ask",
    "portal_parts",
    "portal_signers",
    "portal_ask_for_link",
    "portal_tick",
    "portal_grant",
    "portal_list_deeds",
]

PRIVATE = [
    *("portal_link_of", "portal_note_once", "portal_new_reader", "portal_count"),
    *("portal_hash", "portal_live_session", "portal_state_of", "portal_note", "portal_frozen"),
    *("portal_seeing", "portal_client_name", "portal_network", "portal_come_in"),
    "portal_paper_stays",
    "portal_deeds_of",
    "portal_contract_state_of",
    "portal_waits_for_another",
    *("portal_answer_to", "portal_links_behind"),
    *("portal_is_name", "portal_without_keys"),
    *("portal_list_of", "portal_line_missing", "portal_line_waits", "portal_did_much"),
    "portal_looks_secret",
]

GRANTS = [
    "revoke create on schema public from public",
    "revoke all on all tables in schema public from public, zarts_portal",
    "revoke all on all sequences in schema public from public, zarts_portal",
    *(f"revoke all on public.{table} from zarts_app" for table in APP),
    *(f"revoke all on function public.{name} from public, zarts_app, zarts_portal" for name in PORTAL_CALLS + PRIVATE),
    "grant usage on schema public to zarts_app, zarts_portal",
    *(f"grant {rights} on public.{table} to zarts_app" for table, rights in APP.items()),
    f"grant select ({PORTAL_READS}) on public.portal_publication to zarts_portal",
    f"grant select ({PORTAL_READS_PAPERS}) on public.portal_paper to zarts_portal",
    *(f"grant execute on function public.{name} to zarts_portal" for name in PORTAL_CALLS),
]
