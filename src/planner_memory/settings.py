"""All settings, read once from the environment (and a .env file) and passed down. docs/settings.md and .env.example are generated from here."""

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from tzlocal import get_localzone_name

from planner_memory.core.errors import InvalidInput
from planner_memory.core.local_time import zone
from planner_memory.ports.calendar import Color


def _named(name: str) -> AliasChoices:
    return AliasChoices(name, name.lower())


class Settings(BaseSettings):
    """Every field's description says what it is for, and what is used without it."""

    model_config = SettingsConfigDict(
        env_prefix="PLANNER_", env_file=".env", env_ignore_empty=True, frozen=True, extra="ignore", populate_by_name=True
    )

    data_dir: Path | None = Field(
        None, description="Folder of everything embedded. Default: /var/lib/planner-memory for root, else the user's data folder."
    )
    host: str = Field("127.0.0.1", description="Address to listen on. Anything but loopback needs an API key to be set on purpose (PLANNER_API_KEY).")
    port: int = Field(8090, ge=0, le=65535, description="Port of the all-in-one; 0 takes a free one.")
    api_key: SecretStr | None = Field(
        None, description="API key to accept and to use between services. Default: made on first start, kept in the file api-key."
    )
    client_id: str = Field("me", min_length=1, description="The client meant when a request names none.")
    time_zone: str = Field(
        default_factory=get_localzone_name,
        description="Time zone of a person who has not set one in the profile. Default: the machine's.",
        validate_default=True,
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Web origins that may call the API from a browser, separated by commas. Default: none."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")
    log_format: Literal["json", "text"] = Field("json", description="Log lines for machines or for people.")
    calendar: Literal["radicale", "caldav", "google", "none"] | None = Field(
        None,
        description="Where the calendar is. Default: caldav when CALDAV_URL is set or `calendar connect caldav` was run,"
        " else the embedded Radicale (a child process).",
    )
    calendar_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="Port of the embedded calendar; 0 takes a free one. Default: 5232, or a free one. One once chosen stays.",
    )
    workspace: Literal["postgresql", "coda-mcp", "coda"] | None = Field(
        None,
        description="Where offers, workflows, projects and tasks are kept. Default: coda-mcp when CODA_MCP_URL is set, "
        "coda when CODA_API_TOKEN is, else own tables in PostgreSQL.",
    )
    event_reminders: Annotated[tuple[int, ...] | None, NoDecode] = Field(
        None,
        description="Reminders of planned blocks: minutes before the start, separated by commas, or none. Default: the calendar's.",
    )
    event_color: Color | None = Field(None, description="Colour of planned blocks in the calendar, by its name in CSS. Default: the calendar's.")
    public_url: str | None = Field(
        None,
        description="HTTPS address by which the product is reached from outside. Links in events lead there, and Google calls it.",
    )
    embedder: Literal["local", "openrouter", "none"] = Field(
        "local", description="Where embeddings are made: in the process, by OpenRouter, or not at all, and then words alone are matched."
    )
    embedding_model: str = Field("openai/text-embedding-3-small", description="Embedding model, when they are not made locally.")
    embedding_dimension: int = Field(1536, ge=1, le=65536, description="Length of that model's vectors.")
    cache_megabytes: int = Field(32, ge=1, le=4096, description="Size of the cache in the process.")
    embedder_threads: int = Field(2, ge=1, le=64, description="Threads of the local embedding model: that many questions or batches at once.")

    database_url: SecretStr | None = Field(None, validation_alias=_named("DATABASE_URL"), description="PostgreSQL to use. Default: the embedded one.")
    postgres_host: str | None = Field(None, validation_alias=_named("POSTGRES_HOST"), description="PostgreSQL's host, when DATABASE_URL is not set.")
    postgres_port: int = Field(5432, validation_alias=_named("POSTGRES_PORT"), description="PostgreSQL's port.")
    postgres_db: str = Field("n8ndb", validation_alias=_named("POSTGRES_DB"), description="PostgreSQL's database.")
    postgres_user: str = Field("n8n", validation_alias=_named("POSTGRES_USER"), description="PostgreSQL's user.")
    postgres_password: SecretStr | None = Field(None, validation_alias=_named("POSTGRES_PASSWORD"), description="PostgreSQL's password.")

    qdrant_url: str | None = Field(
        None, validation_alias=_named("QDRANT_URL"), description="A Qdrant server, 1.19 or newer. Default: in the process."
    )
    qdrant_api_key: SecretStr | None = Field(None, validation_alias=_named("QDRANT_API_KEY"), description="API key of the Qdrant server.")
    valkey_url: SecretStr | None = Field(
        None, validation_alias=_named("VALKEY_URL"), description="Valkey or Redis as the cache. Default: in the process."
    )
    openrouter_api_key: SecretStr | None = Field(
        None, validation_alias=_named("OPENROUTER_API_KEY"), description="OpenRouter's key. Default: no model."
    )
    mem0_api_key: SecretStr | None = Field(None, validation_alias=_named("MEM0_API_KEY"), description="mem0's key. Default: nothing goes there.")
    mem0_base_url: str = Field("https://api.mem0.ai", validation_alias=_named("MEM0_BASE_URL"), description="Where mem0's platform API is.")
    extraction: bool = Field(True, description="Whether facts and preferences are drawn from what is remembered, by cautious rules.")

    model: str = Field("~anthropic/claude-sonnet-latest", description="Language model, when OPENROUTER_API_KEY is set.")
    model_dialect: Literal["openrouter", "openai"] = Field(
        "openrouter",
        description="openai for any other OpenAI-compatible endpoint (Ollama, vLLM) at OPENROUTER_BASE_URL: OpenRouter's own fields are then "
        "left out, and no key is needed.",
    )
    model_fallbacks: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Models that OpenRouter tries, in this order, when the first cannot answer; separated by commas."
    )
    model_provider: dict[str, Any] = Field(
        {}, description='OpenRouter\'s provider routing as JSON, such as {"data_collection": "deny"}, beside require_parameters.'
    )
    model_limit_seconds: float = Field(30.0, gt=0, le=600, description="Longest time for one answer of the model, with its retries.")
    model_context_tokens: int = Field(3000, ge=200, le=100_000, description="Most tokens of context (preferences, past plans, …) beside an intent.")
    rules_when_model_is_down: bool = Field(
        False,
        description="Whether rules do the model's work, and say so, when it cannot be used. Default: the problem is told.",
    )
    monthly_budget_usd: float = Field(200.0, ge=0, description="Model calls beyond this sum in a month are refused.")
    prompt_template_version: str = Field(
        "v1", validation_alias=_named("PROMPT_TEMPLATE_VERSION"), description="Version of the prompts that a client uses who has chosen none."
    )
    openrouter_base_url: str = Field(
        "https://openrouter.ai/api/v1", validation_alias=_named("OPENROUTER_BASE_URL"), description="OpenRouter, or any OpenAI-compatible endpoint."
    )

    coda_api_token: SecretStr | None = Field(
        None, validation_alias=_named("CODA_API_TOKEN"), description="Token of Coda's API. Without CODA_MCP_URL the REST API is used."
    )
    coda_base_url: str = Field("https://coda.io/apis/v1", validation_alias=_named("CODA_BASE_URL"), description="Where Coda's REST API is.")
    coda_doc_id: str | None = Field(
        None, validation_alias=_named("CODA_DOC_ID"), description="The doc: what follows _d in its address (coda.io/d/Name_dAbCdEf → AbCdEf)."
    )
    coda_mcp_url: str | None = Field(None, validation_alias=_named("CODA_MCP_URL"), description="An MCP server in front of Coda.")
    coda_mcp_token: SecretStr | None = Field(
        None, validation_alias=_named("CODA_MCP_TOKEN"), description="Bearer token of that server. Default: CODA_API_TOKEN."
    )
    coda_mcp_dialect: Literal["auto", "mcp", "tools", "proxy"] = Field(
        "auto",
        description="How that server is spoken to: mcp (MCP over streamable HTTP; its library takes 60 MB), tools ({tool, params}) or "
        "proxy ({method, path, params, data}). Default: found out when it is first needed.",
    )
    coda_names: str | None = Field(
        None,
        description="Names in the doc that differ from the usual ones: JSON, or a file of JSON or YAML, with tables, columns, statuses and clients. "
        "`planner-memory doctor` says what is missing.",
    )

    memory_gateway_url: str = Field(
        "http://127.0.0.1:8090", validation_alias=_named("MEMORY_GATEWAY_URL"), description="Where a single service finds the gateway."
    )
    planner_engine_url: str = Field(
        "http://127.0.0.1:8091", validation_alias=_named("PLANNER_ENGINE_URL"), description="Where a single service finds the planner."
    )

    caldav_url: str | None = Field(
        None, validation_alias=_named("CALDAV_URL"), description="A CalDAV server (Nextcloud, iCloud, Fastmail, Radicale)."
    )
    caldav_username: str = Field("", validation_alias=_named("CALDAV_USERNAME"), description="User name on the CalDAV server.")
    caldav_password: SecretStr = Field(
        SecretStr(""), validation_alias=_named("CALDAV_PASSWORD"), description="Password or app password on the CalDAV server."
    )

    google_client_id: str | None = Field(
        None, validation_alias=_named("GOOGLE_CLIENT_ID"), description="OAuth client of a Google Cloud project, for PLANNER_CALENDAR=google."
    )
    google_client_secret: SecretStr | None = Field(None, validation_alias=_named("GOOGLE_CLIENT_SECRET"), description="Its secret.")
    google_redirect_uri: str = Field(
        "http://127.0.0.1:8090/oauth/callback",
        validation_alias=_named("GOOGLE_REDIRECT_URI"),
        description="Where Google sends the browser back to: this installation's /oauth/callback, as registered with the OAuth client.",
    )
    google_calendar: str | None = Field(
        None, description="Google calendar to write to, by id, or primary. Default: one that planner-memory makes, which needs the least permission."
    )
    google_titles: bool = Field(True, description="Whether titles of other events in Google Calendar are read. Off: only when you are busy.")
    google_api_base_url: str = Field(
        "https://www.googleapis.com", validation_alias=_named("GOOGLE_API_BASE_URL"), description="Where Google's API is; /calendar/v3 is added."
    )
    google_auth_url: str = Field(
        "https://accounts.google.com/o/oauth2/v2/auth", validation_alias=_named("GOOGLE_AUTH_URL"), description="Google's consent page."
    )
    google_token_url: str = Field(
        "https://oauth2.googleapis.com/token",
        validation_alias=_named("GOOGLE_TOKEN_URL"),
        description="Where Google gives tokens; revocation is at revoke beside it.",
    )
    credentials_dir: Path | None = Field(
        None, description="Folder of the encrypted credentials of calendars (gcal.json, caldav.json). Default: credentials in the data directory."
    )
    credentials_key: SecretStr | None = Field(
        None, description="Long random text under which they are encrypted. Default: made on first use, kept in the file credentials-key."
    )

    reflection_trigger: Literal["cron", "n8n"] = Field(
        "cron",
        description="Who starts the reflections of 18:00: the service's own clock (cron), or n8n's two workflows (n8n), so that never both do.",
    )
    markdown_dir: Path | None = Field(None, description="Folder into which every reflection is also written as a Markdown file.")
    mail_to: str | None = Field(None, description="Address to which reflections and the morning brief are mailed. Needs PLANNER_SMTP_HOST.")
    mail_from: str = Field("planner-memory@localhost", description="Sender of those mails.")
    smtp_host: str | None = Field(None, description="Mail server.")
    smtp_port: int = Field(587, ge=1, le=65535, description="Its port.")
    smtp_username: str = Field("", description="User name on the mail server.")
    smtp_password: SecretStr = Field(SecretStr(""), description="Password on the mail server.")
    smtp_security: Literal["starttls", "tls", "none"] = Field("starttls", description="How the connection to the mail server is protected.")

    otlp_endpoint: str | None = Field(
        None, validation_alias=_named("OTEL_EXPORTER_OTLP_ENDPOINT"), description="OpenTelemetry collector (OTLP over HTTP). Default: no traces."
    )
    otlp_headers: SecretStr | None = Field(
        None, validation_alias=_named("OTEL_EXPORTER_OTLP_HEADERS"), description="Headers for that collector, as name=value, separated by commas."
    )
    langfuse_public_key: str | None = Field(
        None, validation_alias=_named("LANGFUSE_PUBLIC_KEY"), description="Langfuse's public key; traces go there when both keys are set."
    )
    langfuse_secret_key: SecretStr | None = Field(None, validation_alias=_named("LANGFUSE_SECRET_KEY"), description="Langfuse's secret key.")
    langfuse_host: str = Field("https://cloud.langfuse.com", validation_alias=_named("LANGFUSE_HOST"), description="Where Langfuse is.")
    trace_content: bool = Field(
        False,
        description="Whether spans hold what the model was asked and answered, which is what the person remembers.",
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            return zone(value).key
        except InvalidInput as error:
            raise ValueError(error.detail) from error

    @field_validator("cors_origins", "model_fallbacks", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("event_reminders", mode="before")
    @classmethod
    def _minutes(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return () if value.strip().lower() == "none" else tuple(part.strip() for part in value.split(",") if part.strip())

    @property
    def dsn(self) -> str | None:
        """The DSN of a PostgreSQL outside, or None for the embedded one."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        if self.postgres_host is None:
            return None
        password = f":{quote(self.postgres_password.get_secret_value(), safe='')}" if self.postgres_password else ""
        return f"postgresql://{quote(self.postgres_user, safe='')}{password}@{self.postgres_host}:{self.postgres_port}/{self.postgres_db}"

    @property
    def has_model(self) -> bool:
        return self.openrouter_api_key is not None or self.model_dialect == "openai"

    @property
    def is_loopback(self) -> bool:
        return self.host in ("localhost", "::1") or self.host.startswith("127.")


def environment_name(field: str) -> str:
    """The environment variable of a field."""
    alias = Settings.model_fields[field].validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"PLANNER_{field.upper()}"
