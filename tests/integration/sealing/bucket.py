"""A bucket with object lock for tests."""

import uuid

from botocore.config import Config
from botocore.session import Session


class Bucket:
    """A bucket with object lock of its own, in the server at `url`."""

    def __init__(self, url):
        self.name = f"anchors-{uuid.uuid4().hex}"
        self.address = f"s3://{self.name}/portal?endpoint={url}&region=us-east-1&retain=30d"
        self.client = Session().create_client(
            "s3", region_name="us-east-1", endpoint_url=url,
            config=Config(s3={"addressing_style": "path"}),
        )  # fmt: skip
        self.client.create_bucket(Bucket=self.name, ObjectLockEnabledForBucket=True)

    def notes(self):
        """What it was given, the oldest first."""
        return [one["Body"].read().decode() for one in self.objects()]

    def objects(self):
        """The objects, the oldest first."""
        found = self.client.list_object_versions(Bucket=self.name)["Versions"]
        return [
            self.client.get_object(Bucket=self.name, Key=one["Key"], VersionId=one["VersionId"])
            for one in reversed(found)
        ]

    def hide_newest(self):
        """Delete it as whoever may write there can: a marker is put over it."""
        newest = self.client.list_objects_v2(Bucket=self.name)["Contents"][0]
        self.client.delete_object(Bucket=self.name, Key=newest["Key"])

    def trust(self, vkey):
        """It takes what it is given."""
