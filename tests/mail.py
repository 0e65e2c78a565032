"""A mail server on the loopback: it takes what is sent to it, and refuses as told."""

from email import message_from_bytes
from email.policy import default

from aiosmtpd.controller import Controller


class MailServer(Controller):
    """`messages` are those that it took, `senders` and `receivers` who their envelopes named.

    `says` replaces its answer to a command; END is the end of a message, and an empty answer there
    hangs up.
    """

    def __init__(self):
        super().__init__(self, hostname="127.0.0.1", port=0)
        self.messages, self.senders, self.receivers, self.says = [], [], [], {}

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]  # the system chose one
        super()._trigger_server()

    async def handle_EHLO(self, _server, session, _envelope, hostname, responses):
        session.host_name = hostname
        return [self.says["EHLO"]] if "EHLO" in self.says else responses

    async def handle_HELO(self, _server, session, _envelope, hostname):
        session.host_name = hostname
        return self.says.get("HELO", "250 yes")

    async def handle_MAIL(self, _server, _session, envelope, address, _options):
        envelope.mail_from = address
        return self.says.get("MAIL", "250 yes")

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        envelope.rcpt_tos.append(address)
        return self.says.get("RCPT", "250 yes")

    async def handle_DATA(self, server, _session, envelope):
        answer = self.says.get("END", "250 taken")
        if not answer:  # the client cannot know whether it was taken
            server.transport.abort()
            return "250 nobody hears it"
        self.messages.append(message_from_bytes(envelope.content, policy=default))
        self.senders.append(envelope.mail_from)
        self.receivers += envelope.rcpt_tos
        return answer
