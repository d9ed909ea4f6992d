# One image for every process: web, portal, worker, beat and the migrate step.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 STATIC_ROOT=/app/staticfiles DATA_DIR=/tmp
WORKDIR /app

COPY requirements/base.txt requirements/base.txt
RUN pip install --no-cache-dir --require-hashes -r requirements/base.txt

COPY . .
# Collecting reads the settings and connects to nothing. These values stay in this step.
RUN DATABASE_URL=postgresql://build/build REDIS_URL=redis://build SECRET_KEY=build EMAIL_URL=dummymail:// \
    python manage.py collectstatic --no-input \
    && python -m compileall -q zarts opportunities proposals handoff portal \
    && useradd --system --no-create-home zarts \
    # A new volume takes the owner of the folder that it is hung on.
    && install --directory --owner zarts --mode 0700 /files

USER zarts
EXPOSE 8000
CMD ["gunicorn", "-c", "zarts/gunicorn.py", "zarts.wsgi"]
