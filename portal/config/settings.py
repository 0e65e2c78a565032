"""Django settings: one file, driven by environment.py."""

from pathlib import Path
from urllib.parse import urlsplit

import structlog
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from portal.config.environment import Environment, parse_database_url
from portal.config.mail import parse_email_url

VERSION = "0.1.0"
env = Environment()
BASE_DIR = Path(__file__).resolve().parents[2]

HOME = env.home
PUBLIC_URL = env.url
DEBUG = env.debug
SECRET_KEY = env.read_secret_key()
SECRETS_KEY = env.read_secrets_key()
SIGNING_KEY_FILE = env.signing_key_file or HOME / "keys" / "permit.pem"
PERMIT_SIGNER = env.permit_signer
PERMIT_PUBLIC_KEY_FILE = env.permit_public_key_file
PERMIT_SIGNER_SECRET_FILE = env.permit_signer_secret_file
# Never opened here: the check looks whether it could be.
CHECKPOINT_KEY_FILE = env.checkpoint_key_file or HOME / "keys" / "checkpoint.pem"
LEDGER_ONLINE_MONTHS = env.ledger_online_months
LEDGER_ARCHIVED_YEARS = env.ledger_archived_years
EMBEDDED = env.embedded
ALLOWED_HOSTS = [host.strip() for host in env.allowed_hosts.split(",") if host.strip()]
if (_public_host := urlsplit(PUBLIC_URL).hostname) and _public_host not in ALLOWED_HOSTS:
    ALLOWED_HOSTS.append(_public_host)

INSTALLED_APPS = [
    "portal.apps.PortalConfig",
    "policies.apps.PoliciesConfig",
    "approvals.apps.ApprovalsConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "csp",
    "django_filters",
    "django_htmx",
    "django_structlog",
    "guardian",
    "lucide",
    "ninja",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "portal.config.middleware.HeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.config.middleware.ProblemMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "portal.config.middleware.FormMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.config.middleware.SignInMiddleware",
    "portal.accounts.middleware.ReaderMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "csp.middleware.CSPMiddleware",
    "portal.config.middleware.RefusalMiddleware",
]

ROOT_URLCONF = "portal.config.urls"
WSGI_APPLICATION = "portal.config.wsgi.application"
ASGI_APPLICATION = "portal.config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.config.context.chrome",
            ],
        },
    }
]

# psycopg's pool, health-checked: without the check the first pages after a database restart fail.
DATABASES = {"default": parse_database_url(env.database_url or "postgresql:///countersign")}
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# Prepared by the server: it plans the few statements of a call once, not at every call.
DATABASES["default"]["OPTIONS"] |= {"server_side_binding": True, "prepare_threshold": 3}
DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 24, "timeout": 10}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "portal.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
GUARDIAN_MONKEY_PATCH_USER = False
GUARDIAN_MONKEY_PATCH_GROUP = False
ANONYMOUS_USER_NAME = None
SILENCED_SYSTEM_CHECKS = [
    "guardian.W001",  # its backend is not used: portal.access asks itself
    "security.W003",  # FormMiddleware is Django's own check, without the calls of machines
    "security.W005",  # the other hosts of the domain are not this portal's to decide on
    "security.W008",  # the proxy in front redirects; a redirected POST has leaked its token already
    "security.W021",  # the same as W005
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_ADAPTER = "portal.accounts.adapter.ClosedAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "10/m/ip,5/5m/key"}
ACCOUNT_SESSION_REMEMBER = False
SOCIALACCOUNT_ADAPTER = "portal.oidc.adapter.ProviderAdapter"
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
MFA_ADAPTER = "portal.accounts.sealed_factors.SealedAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"  # a passkey is two factors: the thing and its owner
MFA_FORMS = {
    "login_webauthn": "portal.accounts.passkeys.SignInForm",
    "authenticate_webauthn": "portal.accounts.passkeys.SecondFactorForm",
}
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "django_cache",
        # Used codes and counted sign-ins lie here: many addresses must not push them out.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

SECURE_COOKIES = PUBLIC_URL.startswith("https://")
SESSION_ENGINE = "portal.accounts.sessions"
SESSION_COOKIE_NAME = "countersign_session"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "countersign_csrf"
CSRF_COOKIE_HTTPONLY = False
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
CSRF_FAILURE_VIEW = "portal.config.errors.csrf_failure"
SECURE_HSTS_SECONDS = 31536000 if SECURE_COOKIES else 0
SECURE_SSL_REDIRECT = False
SECURE_REFERRER_POLICY = "same-origin"
PERMISSIONS_POLICY = {
    **dict.fromkeys(
        [
            *("accelerometer", "autoplay", "camera", "display-capture", "fullscreen"),
            *("geolocation", "gyroscope", "magnetometer", "microphone", "midi", "payment", "usb"),
        ],
        "",
    ),
    **dict.fromkeys(["publickey-credentials-create", "publickey-credentials-get"], "self"),
}
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATIC_ROOT = None  # nothing is collected: whitenoise finds the files where they are
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 300
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}

MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
DATA_UPLOAD_MAX_MEMORY_SIZE = 3 * 1024 * 1024  # a plan comes with a request; each call caps more
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]

# Celery: messages only wake; see docs/explanation/architecture.md.
CELERY_BROKER_URL = env.broker_url
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "socket_timeout": 2,
    "socket_connect_timeout": 2,
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_TIME_LIMIT = 120
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "approvals.sweep", "schedule": 5.0, "options": {"expires": 5}},
    "keys": {
        "task": "approvals.list_checkpoint_keys",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
}

# Nothing of the portal needs mail but invitations and the reports that are sent regularly.
mail = parse_email_url(env.read_email_url())
SENDS_MAIL = bool(mail.host) or mail.backend.endswith("console.EmailBackend")
EMAIL_BACKEND = mail.backend
EMAIL_HOST, EMAIL_PORT = mail.host, mail.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = mail.user, mail.password
EMAIL_USE_TLS, EMAIL_USE_SSL = mail.starttls, mail.tls
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.email_from or f"countersign@{_public_host or 'localhost'}"

GIT_ROOTS = [Path(root) for root in env.git_roots.split(":") if root] or [HOME / "demo"]
CALENDAR_HOSTS = [h.strip().lower() for h in env.calendar_hosts.split(",") if h.strip()]
REDEEM_SECONDS = env.redeem_seconds
WEB_THREADS = env.web_threads

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "()": "portal.kernel.logs.VisibleFormatter",
            "format": "%(levelname)s %(name)s: %(message)s",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        # One line for each call is for whoever asks for it; refusals are answers, not warnings.
        "django_structlog": {"level": env.request_log_level},
        "django.request": {"level": "ERROR"},
        "celery": {"level": "WARNING"},
        "kombu": {"level": "ERROR"},
    },
}
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(key_order=["event", "request"]),
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
