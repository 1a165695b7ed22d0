"""Operations of S3. Each function is a target; `main` calls them."""

import contextlib
import io
import os

import boto3
import botocore.exceptions


def s3():
    return boto3.client(
        "s3",
        endpoint_url=os.environ["S3"],
        region_name="us-east-1",
        aws_access_key_id=os.environ["S3_KEY"],
        aws_secret_access_key=os.environ["S3_SECRET"],
    )


def roundtrip(name):
    c = s3()
    c.put_object(Bucket="bundles", Key=name, Body=b"hello", ContentType="text/plain")
    r = c.get_object(Bucket="bundles", Key=name)
    return r["Body"].read(), r["ContentType"], c.head_object(Bucket="bundles", Key=name)["ContentLength"]


def listing():
    return [
        o["Key"]
        for p in s3().get_paginator("list_objects_v2").paginate(Bucket="bundles")
        for o in p.get("Contents", [])
    ]


def missing():
    try:
        s3().get_object(Bucket="bundles", Key="nope")
    except botocore.exceptions.ClientError as e:
        return e.response["Error"]["Code"]


def missing_typed():
    c = s3()
    try:
        c.get_object(Bucket="bundles", Key="nope")
    except c.exceptions.NoSuchKey:
        return "none"


def upload():
    c = s3()
    c.upload_fileobj(io.BytesIO(b"abc"), "bundles", "up")
    out = io.BytesIO()
    c.download_fileobj("bundles", "up", out)
    return out.getvalue()


def lines():
    return list(s3().get_object(Bucket="bundles", Key="a")["Body"].iter_lines())


def chunks():
    b = s3().get_object(Bucket="bundles", Key="a")["Body"]
    return b.read(2), b.read()


def presigned():
    return "Signature" in s3().generate_presigned_url("get_object", Params={"Bucket": "bundles", "Key": "a"})


def s3_resource():
    return boto3.resource(
        "s3",
        endpoint_url=os.environ["S3"],
        region_name="us-east-1",
        aws_access_key_id=os.environ["S3_KEY"],
        aws_secret_access_key=os.environ["S3_SECRET"],
    )


def resource():
    r = s3_resource()
    return r.Object("bundles", "a").get()["Body"].read(), sorted(o.key for o in r.Bucket("bundles").objects.all())


class Store:
    def __init__(self, c):
        self.c = c

    def get(self, k):
        return self.c.get_object(Bucket="bundles", Key=k)["Body"].read()


class Repo:
    def __init__(self, bucket):
        self.bucket = bucket

    def put(self, k):
        self.bucket.put_object(Key=k, Body=b"by a resource")
        return self.bucket.name, sorted(o.key for o in self.bucket.objects.all())


def given(r, o):
    return o.get()["Body"].read(), [b.name for b in r.buckets.all()]


def delete(k):
    return s3().delete_object(Bucket="bundles", Key=k)["ResponseMetadata"]["HTTPStatusCode"]


def refused():
    from botocore.config import Config

    boto3.client(
        "s3",
        endpoint_url="http://127.0.0.1:1",
        region_name="x",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(retries={"max_attempts": 0}),
    ).list_buckets()


def main():
    roundtrip("a")
    listing()
    missing()
    missing_typed()
    upload()
    lines()
    chunks()
    presigned()
    resource()
    Store(s3()).get("a")
    Repo(s3_resource().Bucket("bundles")).put("b")
    given(s3_resource(), s3_resource().Object("bundles", "a"))
    delete("a")
    with contextlib.suppress(botocore.exceptions.EndpointConnectionError):
        refused()
