"""What is S3's own: encryption, pages, a busy or refusing store, and what people are told."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Lock
from time import sleep
from typing import Any

import obstore
import pytest

from vending_platform.environment import AwsTarget, Encryption, Environment, EnvironmentName, S3Addressing
from vending_platform.storage import ObjectPlace, Place, Storage, StorageError, StoredFile, Unreadable, s3, s3_bucket
from vending_platform.storage.interface import CHUNK
from vending_platform_tests.emulators.aws import DROPPED, REGION, EmulatedAws, Refusal, Request, times
from vending_platform_tests.storage.conftest import storage_of

BUCKET = "hinode-vending-data-staging"
SLOW_DOWN = Refusal(503, "SlowDown")
QUICK_RETRIES = {"max_retries": 3, "backoff": {"init_backoff": timedelta(milliseconds=5)}}


def listed(place: Place) -> list[StoredFile]:
    return sorted(place.files(), key=lambda file: file.path)


def target_of(environment: Environment) -> AwsTarget:
    assert environment.aws is not None
    return environment.aws


class TestOpening:
    def test_nobody_is_asked(self, aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> None:
        aws.reset()
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        storage_of(aws.environment())
        assert aws.requests == []

    def test_each_place_is_its_folder_of_the_bucket(self, aws: EmulatedAws, staging: Storage) -> None:
        aws.reset()
        for place in (staging.raw, staging.processed, staging.artifacts, staging.work):
            place.write("a.csv", b"x")
        keys = [entry["Key"] for entry in aws.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]]
        assert keys == ["dbt-artifacts/a.csv", "processed-data/a.csv", "raw-data/a.csv", "staging/a.csv"]

    @pytest.mark.parametrize(
        ("addressing", "endpoint", "url"),
        [
            (S3Addressing.VIRTUAL, None, f"https://{BUCKET}.s3.{REGION}.amazonaws.com/raw-data/a.csv?"),
            (S3Addressing.PATH, None, f"https://s3.{REGION}.amazonaws.com/{BUCKET}/raw-data/a.csv?"),
            (S3Addressing.VIRTUAL, "https://store:9000", f"https://{BUCKET}.store:9000/raw-data/a.csv?"),
            (S3Addressing.PATH, "https://store:9000", f"https://store:9000/{BUCKET}/raw-data/a.csv?"),
        ],
    )
    def test_both_clients_look_for_it_where_the_environment_says(
        self,
        aws: EmulatedAws,
        monkeypatch: pytest.MonkeyPatch,
        addressing: S3Addressing,
        endpoint: str | None,
        url: str,
    ) -> None:
        """Whatever the clients' own variables say."""
        for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
            monkeypatch.setenv(name, "http://elsewhere.example")
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        environment = aws.environment()
        target = replace(target_of(environment), s3_endpoint=endpoint, s3_addressing=addressing)
        place = storage_of(replace(environment, aws=target)).raw
        assert isinstance(place, ObjectPlace)
        assert obstore.sign(place.store, "GET", "a.csv", timedelta(minutes=1)).startswith(url)
        asked = place.bucket.client().generate_presigned_url(
            "get_object", Params={"Bucket": BUCKET, "Key": "raw-data/a.csv"}
        )
        assert asked.startswith(url)

    @pytest.mark.parametrize("name", ["AWS_SKIP_SIGNATURE", "AWS_UNSIGNED_PAYLOAD", "AWS_VIRTUAL_HOSTED_STYLE_REQUEST"])
    def test_variables_of_obstore_change_nothing(
        self, aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.setenv(name, "true")
        place = storage_of(aws.environment()).raw
        aws.requests.clear()
        place.write("a.csv", b"x")
        (request,) = aws.requests
        assert request.path == f"/{BUCKET}/raw-data/a.csv"
        assert request.headers["AUTHORIZATION"].startswith("AWS4-HMAC-SHA256 Credential=AKIAEMULATED/")

    def test_a_place_in_s3_needs_an_account_and_an_encryption(self, aws: EmulatedAws) -> None:
        environment = aws.environment()
        with pytest.raises(ValueError, match="without the account"):
            storage_of(replace(environment, aws=None))
        with pytest.raises(ValueError, match="encrypted by S3"):
            storage_of(replace(environment, encryption=Encryption.DISK))
        with pytest.raises(ValueError, match="a key that is not named"):
            storage_of(replace(environment, encryption=Encryption.SSE_KMS))
        with pytest.raises(ValueError, match="neither a local folder nor s3://"):
            storage_of(replace(environment, places=replace(environment.places, work="gs://b/staging")))


class TestEncryption:
    @pytest.mark.parametrize(
        ("name", "bucket", "told"),
        [
            (EnvironmentName.STAGING, BUCKET, ("AES256", None, None)),
            (EnvironmentName.PRODUCTION, "hinode-vending-data-prod", ("aws:kms", "alias/vending", "true")),
        ],
    )
    def test_every_object_is_encrypted_as_the_environment_says_however_it_is_written(
        self, aws: EmulatedAws, name: EnvironmentName, bucket: str, told: tuple[str | None, ...]
    ) -> None:
        aws.reset()
        storage = storage_of(aws.environment(name))
        storage.work.write("whole", b"x")
        storage.processed.write("in pieces", iter([b"x", b"y"]))
        storage.artifacts.write("large in one", bytes(CHUNK + 1))
        storage.raw.write("large in pieces", iter([bytes(CHUNK), b"x", bytes(CHUNK)]))
        keys = [entry["Key"] for entry in aws.client("s3").list_objects_v2(Bucket=bucket)["Contents"]]
        assert len(keys) == 4
        for key in keys:
            head = aws.client("s3").head_object(Bucket=bucket, Key=key)
            assert (head["ServerSideEncryption"], head.get("SSEKMSKeyId")) == told[:2]
        prefix = "X_AMZ_SERVER_SIDE_ENCRYPTION"
        begun = [r for r in aws.requests if (r.method == "PUT" and not r.query) or r.query.startswith("uploads")]
        names = (prefix, f"{prefix}_AWS_KMS_KEY_ID", f"{prefix}_BUCKET_KEY_ENABLED")
        assert [tuple(r.headers.get(header) for header in names) for r in begun if "vending" in r.path] == [told] * 4


class TestListing:
    def test_it_goes_page_by_page_as_far_as_somebody_looks(self, aws: EmulatedAws, bucket: Place) -> None:
        from moto.backends import get_backend

        backend: Any = get_backend("s3")["123456789012"]["aws"]
        for number in range(1001):
            backend.put_object(BUCKET, f"raw-data/sales/{number:04}.csv", b"")
        aws.requests.clear()
        files = bucket.files()
        next(files)
        assert len(aws.requests) == 1
        assert sum(1 for _ in files) == 1000
        assert len(aws.requests) == 2

    def test_a_folder_that_somebody_made_in_a_console_is_no_delivery(self, aws: EmulatedAws, bucket: Place) -> None:
        for key in ("raw-data/", "raw-data/sales/", "raw-data/sales/a.csv"):
            aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"")
        assert [file.path for file in bucket.files()] == ["sales/a.csv"]

    @pytest.mark.parametrize("path", ["sales//a.csv", "/a.csv", "sales/./a.csv", "../a.csv", "tab\t.csv", "a.csv/"])
    def test_a_key_that_obstore_cannot_express_is_read_and_hides_no_other(
        self, aws: EmulatedAws, bucket: Place, path: str
    ) -> None:
        contents = {path: b"x" * CHUNK + b"odd", "plain.csv": b"plain"}
        for name, content in contents.items():
            aws.client("s3").put_object(Bucket=BUCKET, Key=f"raw-data/{name}", Body=content)
        aws.client("s3").put_object(Bucket=BUCKET, Key=f"raw-data/empty/{path}", Body=b"") if path[-1] != "/" else None
        files = list(bucket.files())
        found = {file.path: content for file, content in zip(files, bucket.read_many(files), strict=True)}
        assert {name: content for name, content in found.items() if content} == contents
        odd = next(file for file in files if file.path == path)
        aws.client("s3").put_object(Bucket=BUCKET, Key=f"raw-data/{path}", Body=b"new")
        (replaced,) = bucket.read_many([odd])
        assert "still being written" in str(replaced)


class TestReadingMany:
    def test_many_are_asked_for_at_once_but_not_all(self, aws: EmulatedAws, bucket: Place) -> None:
        for number in range(60):
            bucket.write(f"{number:02}.csv", b"%d" % number)
        lock, at_once, most = Lock(), 0, 0

        def slowly(_: Request) -> None:
            nonlocal at_once, most
            with lock:
                at_once += 1
                most = max(most, at_once)
            sleep(0.02)
            with lock:
                at_once -= 1

        taken: list[str] = []

        def files() -> Iterator[StoredFile]:
            for file in listed(bucket):
                taken.append(file.path)
                yield file

        with aws.failing(slowly):
            contents = bucket.read_many(files())
            first = next(contents)
            assert len(taken) == 32, "what nobody has taken yet must not fill the memory"
            assert [first, *contents] == [b"%d" % number for number in range(60)]
        assert 4 <= most <= 16

    def test_one_denied_object_stops_no_other(self, aws: EmulatedAws, bucket: Place) -> None:
        for name in ("a.csv", "denied.csv", "z.csv"):
            bucket.write(name, name.encode())
        files = listed(bucket)
        with aws.failing(lambda r: Refusal(403, "AccessDenied") if r.path.endswith("/denied.csv") else None):
            a, denied, z = bucket.read_many(files)
        assert (a, z) == (b"a.csv", b"z.csv")
        assert isinstance(denied, Unreadable)
        assert f"s3:GetObject on s3://{BUCKET}/raw-data/denied.csv, and kms:Decrypt" in str(denied)
        assert list(bucket.read_many(files)) == [b"a.csv", b"denied.csv", b"z.csv"]

    @pytest.mark.parametrize(
        ("refusal", "told"),
        [
            (Refusal(403, "InvalidObjectState", "archived"), "InvalidObjectState: archived"),
            (Refusal(400, "KMS.X"), "KMS.X"),
        ],
    )
    def test_what_is_wrong_with_one_object_is_told_of_it(
        self, aws: EmulatedAws, bucket: Place, refusal: Refusal, told: str
    ) -> None:
        bucket.write("a.csv", b"x")
        files = listed(bucket)
        with aws.failing(lambda _: refusal):
            (problem,) = bucket.read_many(files)
        assert isinstance(problem, Unreadable)
        assert told in str(problem)

    @pytest.mark.parametrize("refusal", [Refusal(400, "ExpiredToken"), Refusal(404, "NoSuchBucket")])
    def test_what_is_wrong_with_the_bucket_is_told_once_and_not_of_every_file(
        self, aws: EmulatedAws, bucket: Place, refusal: Refusal
    ) -> None:
        bucket.write("a.csv", b"x")
        files = listed(bucket)
        aws.requests.clear()
        with aws.failing(lambda _: refusal), pytest.raises(StorageError, match=BUCKET):
            list(bucket.read_many(files * 1000))
        assert len(aws.requests) <= 48, "those under way, and no others"


class TestPatience:
    @pytest.mark.parametrize("refusal", [SLOW_DOWN, Refusal(500, "InternalError"), Refusal(429, "TooMany"), DROPPED])
    def test_a_store_that_stumbles_is_asked_again(
        self, aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch, refusal: Refusal
    ) -> None:
        monkeypatch.setattr(s3_bucket, "_RETRIES", QUICK_RETRIES)
        place = storage_of(aws.environment()).raw
        for path, content in {"small": b"x", "large": bytes(CHUNK + 1)}.items():
            if refusal is not DROPPED:  # the answer to a written part is empty: there is no middle of it
                with aws.failing(times(2, refusal)):
                    place.write(path, iter([content]))
            else:
                place.write(path, content)
            file = next(file for file in place.files() if file.path == path)
            with aws.failing(times(2, refusal)):
                assert b"".join(place.chunks(file)) == content
            with aws.failing(times(1, refusal)):
                assert b"".join(place.read_path(path)) == content
        with aws.failing(times(1, refusal)):
            assert {"small", "large"} <= {file.path for file in place.files()}

    def test_a_store_that_goes_on_stumbling_is_told_after_a_while(
        self, aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(s3_bucket, "_RETRIES", QUICK_RETRIES)
        place = storage_of(aws.environment()).raw
        aws.reset()
        with aws.failing(lambda _: SLOW_DOWN), pytest.raises(StorageError, match=r"s3 is too busy .*SlowDown.* later"):
            place.write("a.csv", b"x")
        assert len(aws.requests) == 4

    def test_an_interrupted_write_leaves_no_parts_that_cost_money(self, aws: EmulatedAws, bucket: Place) -> None:
        def broken() -> Iterator[bytes]:
            yield bytes(2 * CHUNK)
            raise FileNotFoundError(2, "the scratch file is gone")

        with pytest.raises(FileNotFoundError, match="scratch file"):
            bucket.write("a.csv", broken())
        assert aws.requests[-1].method == "DELETE"
        assert "Uploads" not in aws.client("s3").list_multipart_uploads(Bucket=BUCKET)

    def test_a_large_write_is_never_in_memory_as_a_whole(
        self, aws: EmulatedAws, bucket: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        part, made = 5 * 1024 * 1024, 0  # the smallest that S3 takes
        monkeypatch.setattr(s3, "CHUNK", part)
        when_the_first_arrived: list[int] = []

        def pieces() -> Iterator[bytes]:
            nonlocal made
            for _ in range(12):
                made += 1
                yield bytes(part)

        def look(request: Request) -> None:
            if "partNumber" in request.query:
                when_the_first_arrived.append(made)

        with aws.failing(look):
            bucket.write("a.csv", pieces())
        assert when_the_first_arrived[0] <= 7, "those on their way, and the next"
        assert next(bucket.files()).size == 12 * part


A_FILE = StoredFile("a", 1, '"x"', datetime(2024, 3, 1, tzinfo=UTC))
OPERATIONS: dict[str, Callable[[Place], object]] = {
    "list": lambda place: list(place.files()),
    "read": lambda place: list(place.read_many([A_FILE])),
    "read own": lambda place: list(place.read_path("a")),
    "write": lambda place: place.write("a", b"x"),
    "write large": lambda place: place.write("a", bytes(CHUNK + 1)),
    "delete": lambda place: place.delete("a"),
}
REFUSALS = {
    "no bucket": (Refusal(404, "NoSuchBucket"), "no such bucket; VENDING_COMPANY"),
    "another region": (Refusal(301, "PermanentRedirect"), "it is not in ap-northeast-1 .*set VENDING_AWS_REGION"),
    "signed for another region": (Refusal(400, "AuthorizationHeaderMalformed"), "set VENDING_AWS_REGION"),
    "expired": (Refusal(400, "ExpiredToken"), r"credentials can't be used \(ExpiredToken.*renew"),
    "an unknown key": (Refusal(403, "InvalidAccessKeyId"), "credentials can't be used"),
}
DENIED = {
    "list": "s3:ListBucket",
    "read own": "s3:GetObject and kms:Decrypt",
    "write": "s3:PutObject and kms:GenerateDataKey",
    "write large": "s3:PutObject and kms:GenerateDataKey",
    "delete": "s3:DeleteObject",
}


class TestWhatPeopleAreTold:
    @pytest.mark.parametrize("operation", OPERATIONS)
    @pytest.mark.parametrize(("refusal", "told"), REFUSALS.values(), ids=REFUSALS)
    def test_what_is_wrong_with_a_bucket_and_what_to_do(
        self, aws: EmulatedAws, staging: Storage, refusal: Refusal, told: str, operation: str
    ) -> None:
        with aws.failing(lambda _: refusal), pytest.raises(StorageError, match=told) as caught:
            OPERATIONS[operation](staging.raw)
        assert str(caught.value).startswith(f"s3://{BUCKET}/raw-data can't be ")
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(("operation", "right"), DENIED.items())
    def test_which_right_is_missing(self, aws: EmulatedAws, staging: Storage, operation: str, right: str) -> None:
        with (
            aws.failing(lambda _: Refusal(403, "AccessDenied", "not you")),
            pytest.raises(StorageError, match=rf"denied to this role \(AccessDenied: not you\), which needs {right}"),
        ):
            OPERATIONS[operation](staging.raw)

    def test_looking_for_a_file_that_may_not_be_looked_for(self, aws: EmulatedAws, staging: Storage) -> None:
        with aws.failing(lambda _: Refusal(403, "")), pytest.raises(StorageError, match="s3:ListBucket"):
            staging.raw.has("a")

    def test_a_key_that_encrypts_no_longer(self, aws: EmulatedAws, staging: Storage) -> None:
        disabled = Refusal(400, "KMS.DisabledException", "the key is disabled")
        with (
            aws.failing(lambda _: disabled),
            pytest.raises(StorageError, match=r"KMS\.DisabledException: the key is disabled.*VENDING_KMS_KEY"),
        ):
            staging.work.write("a", b"x")

    @pytest.mark.parametrize("operation", ["list", "read", "write"])
    def test_a_bucket_that_is_really_not_there(self, aws: EmulatedAws, operation: str) -> None:
        place = storage_of(aws.environment(VENDING_COMPANY="nobody")).raw
        with pytest.raises(StorageError, match=r"s3://nobody-vending-data-staging/raw-data can't .* no such bucket"):
            OPERATIONS[operation](place)

    @pytest.mark.parametrize("operation", ["list", "read", "write"])
    def test_nobody_answers(self, aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
        monkeypatch.setattr(s3_bucket, "_RETRIES", {"max_retries": 0})
        monkeypatch.setattr("vending_platform.aws._TRIES", 1)
        place = storage_of(aws.environment(VENDING_S3_ENDPOINT="http://127.0.0.1:1")).raw
        with pytest.raises(StorageError, match=r"s3 can't be reached .*VENDING_S3_ENDPOINT=http://127\.0\.0\.1:1"):
            OPERATIONS[operation](place)

    @pytest.mark.parametrize("operation", ["list", "read", "write"])
    def test_no_credentials(self, aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        place = storage_of(aws.environment()).raw
        with pytest.raises(StorageError, match=r"credentials can't be used \(.*Unable to locate credentials"):
            OPERATIONS[operation](place)
