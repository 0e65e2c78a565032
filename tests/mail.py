"""A mail server on the loopback: it takes what is sent to it, and refuses as told."""

import socketserver
import threading
from email import message_from_bytes
from email.policy import default


class MailServer:
    """`messages` are those that it took. `says` replaces its answer to a command."""

    def __init__(self):
        self.messages, self.says = [], {}
        outer = self

        class Talk(socketserver.StreamRequestHandler):
            def handle(self):
                outer._talk(self.rfile, self.wfile)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def _talk(self, read, write):
        write.write(b"220 here\r\n")
        while line := read.readline():
            command = line.split()[0].decode().upper()
            answer = self.says.get(command, {"DATA": "354 go on"}.get(command, "250 yes"))
            if answer:
                write.write(answer.encode() + b"\r\n")
            if command == "DATA" and answer.startswith("354"):
                text = b"".join(iter(read.readline, b".\r\n"))
                end = self.says.get("END", "250 taken")
                if not end:
                    return  # hangs up: the client cannot know whether it was taken
                self.messages.append(message_from_bytes(text, policy=default))
                write.write(end.encode() + b"\r\n")
            if command == "QUIT":
                return
