"""Every column of text that an erase leaves alone, with the reason. A new column stands here or in sql/erase.sql."""


def words(said: str) -> set[str]:
    return set(said.split())


# A word of ours from a short list, a number that we gave, or a digest: nobody types a person's name there.
CODES = words(
    """
    stage scope_state client_safe kind record_type purpose channel basis currency frequency time_zone country
    severity outcome blocked_from paused_from verb state digest token_hash code_hash hash key_hash stamp_hash
    entry_hash left_hash left_facts approved_digest content_digest signature sha256 aspect permission bound
    sensitivity better recurring report_every cadence met_by field task_kind due_from guide starts_with
    repeats waits_for ended answered_how verdict decision_role text_version consent_version reply_key
    message_id fingerprint salt salt_before scopes editors facts_digest previous head past actor_kind
    stage_from stage_to side session_hash session_key confidence part mark how unit domain_key name_key
    phone_key system read_as via column breach number prompt template
    """
)
# Tables of the house: what it sells and says to everybody, who works here, what its machines counted.
HOUSE = words(
    """
    auth_group auth_permission axes_accessattempt axes_accessfailurelog axes_accesslog django_content_type
    django_migrations guardian_groupobjectpermission guardian_userobjectpermission handoff_provider
    hooks_endpoint numbers_check numbers_countedclaim numbers_countedreport numbers_counter numbers_delta
    numbers_idle numbers_offer numbers_standing numbers_touched numbers_weeklymail opportunities_checkpoint
    opportunities_heartbeat opportunities_messagetemplate opportunities_noticechoice opportunities_question
    opportunities_questionnaire opportunities_sequence opportunities_sequencestep opportunities_shelflife
    opportunities_source opportunities_team opportunities_templateversion opportunities_user portal_intaketoken
    portal_look portal_usedchallenge proposals_approvalrule proposals_block proposals_bookprice proposals_clause
    proposals_glossaryterm proposals_offertemplate proposals_service proposals_usualscope proposals_usualstep
    reads_token retest_retestrun
    """
)
# What the erasing function sees to outside of its two lists.
BY_THE_FUNCTION = {
    "opportunities_event": "subject actor_name next_action reason",
    "opportunities_facts": "values",
    "opportunities_importpart": "data",
    "search_entry": "title about search",
}
STAYS = {
    "api_call": ("key place", "a key of another system, for a day; an address of ours"),
    "django_admin_log": ("object_id", "the number of a record"),
    "django_session": ("session_data", "staff's own sessions, sealed, and gone within days"),
    "opportunities_bulkchange": ("list do", "names of ours for a list, and for what is done there"),
    "opportunities_campaign": ("name", "a name of ours for a round of letters"),
    "opportunities_confirmation": ("asked", "the words of a checkpoint of the house"),
    "opportunities_evidence": ("key", "the key of a metric"),
    "opportunities_evidencefile": ("file", "a place on the disk, by digest; the numbers of a provider"),
    "handoff_promise": ("title words", "of what was signed: the law has us keep it"),
    "opportunities_importmap": ("name header columns", "a name of ours for the columns of a file, and those"),
    "opportunities_letter": ("key", "made of numbers"),
    "opportunities_notice": ("url key", "made of numbers"),
    "opportunities_closing": ("reason", "one of a list"),
    "opportunities_opportunity": ("external_ref", "the number of the deal in another system"),
    "opportunities_savedview": ("list", "the name of a list"),
    "opportunities_task": ("mended_at", "an address of ours"),
    "portal_guest": ("taken_by", "one of us"),
    "portal_paper": ("bytes", "of what was signed: the law has us keep it. Papers of what was not are removed"),
    "portal_paymentnotice": ("event_id contract address", "of a payment provider: numbers, and its own address"),
    "portal_preview": ("made_by", "one of us"),
    "portal_proposallink": ("sender_name chosen role", "one of us; numbers of rows"),
    "portal_publication": ("ref approved_by", "a number; one of us"),
    "portal_signinrequest": ("leads_to", "an address of ours"),
    "proposals_payment": ("invoice", "bookkeeping: the law has us keep it"),
    "proposals_paymentproof": ("reference link file file_name", "bookkeeping: the law has us keep it"),
    "proposals_proposal": ("chosen", "numbers of rows"),
    "proposals_signature": ("name role address consent_text", "signed: the law has us keep it"),
    "hooks_attempt": ("said", "what the network said, in words of ours"),
    "takeout_ownpiece": ("data file", "pressed files: an erase ends every take-out, and its pieces go"),
    "takeout_owntakeout": ("trouble counts", "words and numbers of ours"),
    "retest_retestfinding": (
        "page place who picture",
        "of a walk through pages; one of ours; pictures",
    ),
}
