"""Servers outside the portal for tests: real sockets on loopback, answers byte by byte, TLS."""

import ipaddress
import re
import socket
import ssl
import threading
from contextlib import closing, suppress
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from portal.kernel.clock import now

DAY = timedelta(days=1)
GREETING = b"\x16\x03"  # of TLS, which a server in the clear does not understand


def answer(body=b"", status=200, **headers):
    """The bytes of a whole answer; `a_header` is sent as `a-header`."""
    fields = {"content_length": len(body), **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    head = "\r\n".join([f"HTTP/1.1 {status} Words", *lines, "", ""])
    return head.encode("latin-1") + body


class Outside:
    """Sends `parts` (an iterable of bytes) to whoever asks; `asked` holds what they sent."""

    def __init__(self, tls=None):
        self.parts, self.asked, self.names, self._tls = [answer()], [], [], tls
        if tls:
            tls.sni_callback = lambda _, name, __: self.names.append(name)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.host = f"127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def url(self, path="/", host="127.0.0.1"):
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    def _serve(self):
        while True:
            try:
                sock = self._listening.accept()[0]
            except OSError:  # closed
                return
            with closing(sock), suppress(OSError):
                self._answer(sock)

    def _answer(self, sock):
        sock.settimeout(10)
        with closing(self._tls.wrap_socket(sock, server_side=True) if self._tls else sock) as wire:
            head = b""
            while b"\r\n\r\n" not in head and not head.startswith(GREETING):
                head += wire.recv(65536) or b"\r\n\r\n"
            self.asked.append(head + _rest(wire, head))
            for part in self.parts:
                wire.sendall(part)

    def close(self):
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(10)


def _rest(wire, head):
    """The body; closed on what nobody read a socket resets, and the answer is lost on its way."""
    length = re.search(rb"(?i)content-length: (\d+)", head)
    missing = int(length[1]) - len(head.partition(b"\r\n\r\n")[2]) if length else 0
    body = b""
    while len(body) < missing and (part := wire.recv(65536)):
        body += part
    return body


class Authority:
    """A certificate authority for one test run; its own certificate is in `file`."""

    def __init__(self, folder):
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of the tests")])
        self._certificate = self._sign(self._name, self._key.public_key(), ca=True)
        self.file = folder / "authority.pem"
        self.file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def server(self, *names):
        """A server's TLS context with a certificate for these names."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A server")])
        certificate = self._sign(subject, key.public_key(), names=names)
        path = self._folder / f"{certificate.serial_number}.pem"
        path.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _sign(self, subject, key, names=(), ca=False):
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now() - DAY)
            .not_valid_after(now() + DAY)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False
            )
        return builder.sign(self._key, hashes.SHA256())


def _alternative(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def names_lead_to(monkeypatch, **addresses):
    """Make the name service say these addresses for `NAME.example`, one list after the other."""
    real = socket.getaddrinfo
    answers = {f"{name}.example": iter(lists) for name, lists in addresses.items()}

    def resolve(host, *rest, **more):
        if host not in answers:
            return real(host, *rest, **more)
        return [row for found in next(answers[host]) for row in real(found, *rest, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return answers
