"""A registry that says what a test wants of one image, and a Fetch that keeps nothing."""

from types import SimpleNamespace

from approvals.context.fetch import NotThere, Refused
from approvals.context.source import SourceFailed
from approvals.context.sources.image import ImageSource
from policies.language.facts import Unknown
from portal.kernel.outgoing import OutgoingFailed, Reach, send
from tests.images import digest_of, manifest, raw
from tests.remote import Says

SETTINGS = {field.name: "" for field in ImageSource.fields}


class Played:
    """One image in the repository `shop` of `remote`."""

    def __init__(self, remote):
        self.remote = remote
        self.data = manifest((b"layer", "text/plain", {}))
        self.digest = digest_of(self.data)
        self.tag = self.digest.replace(":", "-")
        self.place = self.manifest(self.data)
        self.referrers = f"/v2/shop/referrers/{self.digest}"

    def manifest(self, data, tag=""):
        """Serve a manifest; its path."""
        return self._serve(f"/v2/shop/manifests/{tag or digest_of(data)}", data)

    def blob(self, data):
        """Serve a blob; its path."""
        return self._serve(f"/v2/shop/blobs/{digest_of(data)}", data)

    def attach(self, *layers):
        """Serve signatures as cosign keeps them; paths of their blobs."""
        layers = [(raw(content), kind, notes) for content, kind, notes in layers]
        self.manifest(manifest(*layers), f"{self.tag}.sig")
        return [self.blob(layer[0]) for layer in layers]

    def _serve(self, path, data):
        self.remote.paths[path] = Says(data)
        return path

    def read(self, **settings):
        """Values and Unknowns by the last word of their names. Raises SourceFailed."""
        return facts(self.digest, url=self.remote.url, **settings)

    def why(self, **settings):
        """Why nothing can be told: of all facts, or of the signature."""
        try:
            values = self.read(**settings)
        except SourceFailed as failure:
            return str(failure)
        assert isinstance(values["signed"], Unknown), values
        return values["signed"].reason


def facts(digest, **settings):
    """What a source with these settings says of an image, by the last word of the facts' names.

    Raises SourceFailed.
    """
    question = SimpleNamespace(project="shop", subject={"artifact": digest})
    values = ImageSource().read(question, Straight(**settings))
    return {name.removeprefix("image."): value for name, value in values.items()}


class Straight:
    """Asks as Fetch does, without its database: nothing is kept, nothing tried again."""

    def __init__(self, *, secret="", **settings):
        self.settings = {**SETTINGS, "repository": "{project}", **settings}
        self.secrets = {"secret": secret} if secret else {}
        self._reach = Reach(ImageSource().hosts(self.settings), private=True)

    def text(self, address, *, headers, lasting=False):
        try:
            return self.unkept(address, headers=headers).body.decode()
        except UnicodeDecodeError:
            raise SourceFailed("no text in UTF-8") from None

    def unkept(self, address, *, params=None, headers=None):
        url = address if "://" in address else f"{self.settings['url']}/{address}"
        query = "&".join(f"{name}={value}" for name, value in (params or {}).items())
        try:
            got = send("GET", f"{url}?{query}" if query else url, self._reach,
                       headers=headers, seconds=5)  # fmt: skip
        except OutgoingFailed as failure:
            raise SourceFailed(str(failure)) from None
        if got.status == 404:
            raise NotThere("404")
        if got.status >= 500:
            raise SourceFailed(f"its server answers {got.status}")
        if got.status >= 300:
            raise Refused(got)
        return got
