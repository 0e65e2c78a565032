"""A mail server on loopback for tests: takes what it is sent, over SMTP as it is spoken."""

import email
import email.policy
import socketserver
import threading


class Postbox:
    """`mails` are those that came, `senders` and `receivers` who their envelopes named."""

    def __init__(self):
        self.mails, self.senders, self.receivers, self.refuses = [], [], [], False
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def _handler_of(postbox):
    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            self._say("220 postbox")
            while line := self.rfile.readline().decode().strip():
                verb = line[:4].upper()
                if verb == "QUIT":
                    self._say("221 bye")
                    return
                if verb == "DATA":
                    self._say("354 go on")
                    self._take()
                elif verb == "MAIL" and postbox.refuses:
                    self._say("550 not from you")
                    continue
                elif verb in ("MAIL", "RCPT"):
                    who = postbox.senders if verb == "MAIL" else postbox.receivers
                    who.append(line.partition("<")[2].partition(">")[0])
                self._say("250 postbox")

        def _take(self):
            lines = list(iter(self.rfile.readline, b".\r\n"))
            data = b"".join(line.removeprefix(b".") for line in lines)
            postbox.mails.append(email.message_from_bytes(data, policy=email.policy.default))

        def _say(self, line):
            self.wfile.write(f"{line}\r\n".encode())

    return Handler
