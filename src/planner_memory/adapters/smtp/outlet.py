"""Letters as mail."""

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from planner_memory.core.errors import NotConnected, Unavailable
from planner_memory.ports.outlets import Letter

_TIMEOUT_SECONDS = 20


class SmtpMail:
    """Fulfils Outlet. `security`: "starttls" (port 587), "tls" (465) or "none", for a server on this machine alone."""

    def __init__(
        self, host: str, port: int, *, sender: str, recipient: str, username: str = "", password: str = "", security: str = "starttls"
    ) -> None:
        self._host, self._port = host, port
        self._sender, self._recipient = sender, recipient
        self._username, self._password = username, password
        self._security = security

    @property
    def name(self) -> str:
        return "the mail server"

    @property
    def replaces(self) -> bool:
        return False

    async def send(self, letter: Letter) -> None:
        await asyncio.to_thread(self._send, self._message(letter))

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"] = self._sender, self._recipient
        message["Subject"] = " ".join(letter.title.split())
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=self._sender.rpartition("@")[2] or "localhost")
        message.set_content(letter.text)
        return message

    def _send(self, message: EmailMessage) -> None:
        try:
            with self._connected() as server:
                if self._username:
                    server.login(self._username, self._password)
                server.send_message(message)
        except smtplib.SMTPAuthenticationError as error:
            raise NotConnected("The mail server refuses the user name or the password. Check them.") from error
        except (smtplib.SMTPException, OSError) as error:
            raise Unavailable(f"The mail server {self._host}:{self._port} did not take the mail: {type(error).__name__}. Try again later.") from error

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self._security == "tls":
            return smtplib.SMTP_SSL(self._host, self._port, timeout=_TIMEOUT_SECONDS, context=context)
        server = smtplib.SMTP(self._host, self._port, timeout=_TIMEOUT_SECONDS)
        if self._security == "starttls":
            try:
                server.starttls(context=context)
            except BaseException:
                server.close()
                raise
        return server
