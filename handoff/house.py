"""What the house starts with of delivery: its usual onboarding list, and the providers that it connects."""

from opportunities.records import begin
from proposals import house as offer

from .models import Provider

# Rows of the list where the service that was sold has none: title, who does it, days after the kickoff.
# Clients read these words on their onboarding page.
CHECKLIST = [
    {"title": "Agree the goals and the people for the kickoff", "who": "us", "days": -3},
    {"title": "Name one person who answers our questions", "who": "client", "days": -2},
    {"title": "Grant us access to the accounts on the list", "who": "client", "days": 0},
    {"title": "Hold the kickoff", "who": "us", "days": 0},
    {"title": "Check that every access works", "who": "us", "days": 3},
    {"title": "Send logos, fonts and photographs", "who": "client", "days": 5},
    {"title": "Write down today's numbers as the starting line", "who": "us", "days": 5},
    {"title": "Agree what the first report shows", "who": "us", "days": 7},
]

# Where nothing better is known of how an account lets somebody in.
INVITE = "Open the settings of your account, and invite us by our mail address as a user."
ADMIN = "Invite us by our mail address as a user who may change things. You can take it back at any time."
GOOGLE = "Open Admin, then Access management.\nPress the plus sign, add our mail address"

# What a new installation connects: a name, how clients let us in, and the words by which people call it. Clients read
# the first two; managers change them.
PROVIDERS = [
    ("Google Analytics", f"{GOOGLE}, and choose Viewer.", "google analytics, ga4"),
    ("Google Ads", f"{GOOGLE}, and choose Standard.", "google ads, adwords"),
    (
        "Google Business Profile",
        "Open Settings, then People and access.\nAdd our mail address as a manager.",
        "google business, google my business",
    ),
    (
        "Google Search Console",
        "Open Settings, then Users and permissions.\nAdd our mail address with full rights.",
        "search console",
    ),
    (
        "Google Tag Manager",
        "Open Admin, then User management.\nAdd our mail address, and let us publish.",
        "tag manager, gtm",
    ),
    (
        "Meta Ads",
        "Open the Business settings, then People.\nInvite our mail address, and choose your ad account.",
        "meta ads, facebook ads, instagram ads",
    ),
    (
        "LinkedIn Ads",
        "Open Account settings, then Manage access.\nAdd our mail address as a campaign manager.",
        "linkedin ads",
    ),
    ("HubSpot", "Open Settings, then Users and teams.\nCreate a user with our mail address.", "hubspot"),
    ("Salesforce", ADMIN, "salesforce"),
    ("Pipedrive", INVITE, "pipedrive"),
    ("Mailchimp", INVITE, "mailchimp"),
    ("Klaviyo", INVITE, "klaviyo"),
    ("Shopify", "Open Settings, then Users.\nSend an invitation to our mail address.", "shopify"),
    ("WooCommerce", ADMIN, "woocommerce"),
    ("WordPress", "Open Users, then Add new.\nUse our mail address, and choose Editor.", "wordpress"),
    ("Webflow", INVITE, "webflow"),
    ("Squarespace", INVITE, "squarespace"),
    ("Wix", INVITE, "wix"),
    ("Stripe", "Open Settings, then Team.\nInvite our mail address with the right to view.", "stripe"),
    ("Calendly", INVITE, "calendly"),
    ("CallRail", INVITE, "callrail"),
    ("Zapier", INVITE, "zapier"),
]
# What clients read of an account that is with none of them.
OTHER = "Another account"
OTHER_HOW = "We have talked about which one. Invite us by our mail address as a user."


def furnish() -> int:
    """Add what is missing, and change nothing that is there. Return how many were added."""
    known = set(Provider.objects.values_list("name", flat=True))
    missing = [Provider(name=name, how=how, called=called) for name, how, called in PROVIDERS if name not in known]
    if OTHER not in known:
        missing.append(Provider(name=OTHER, how=OTHER_HOW, names_account=True))
    added = offer.furnish()
    for provider in missing:
        begin(provider, by=None, past="came with the house:")
    return added + len(missing)
