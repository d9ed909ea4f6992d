"""What the house knows before a project begins: its usual onboarding list, and the providers that it connects."""

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

# A provider's name, and the words by which people call it. Clients read the name on their onboarding page.
PROVIDERS = {
    "Google Analytics": ("google analytics", "ga4"),
    "Google Ads": ("google ads", "adwords"),
    "Google Business Profile": ("google business", "google my business"),
    "Google Search Console": ("search console",),
    "Google Tag Manager": ("tag manager", "gtm"),
    "Meta Ads": ("meta ads", "facebook ads", "instagram ads"),
    "LinkedIn Ads": ("linkedin ads",),
    "HubSpot": ("hubspot",),
    "Salesforce": ("salesforce",),
    "Pipedrive": ("pipedrive",),
    "Mailchimp": ("mailchimp",),
    "Klaviyo": ("klaviyo",),
    "Shopify": ("shopify",),
    "WooCommerce": ("woocommerce",),
    "WordPress": ("wordpress",),
    "Webflow": ("webflow",),
    "Squarespace": ("squarespace",),
    "Wix": ("wix",),
    "Stripe": ("stripe",),
    "Calendly": ("calendly",),
    "CallRail": ("callrail",),
    "Zapier": ("zapier",),
}
# What clients read of an account that is with none of them.
OTHER = "Another account"
