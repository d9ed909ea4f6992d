"""What gunicorn serves: the surface that SURFACE names."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zarts.settings")

application = get_wsgi_application()
