"""What a bucket's service says when something fails, as errors of ours.

The library has a class for some failures, and for the rest a text: its own first line, and in it what the service
answered, as XML or JSON. What matters is told by the code of the answer (``NoSuchBucket``), by the status, and by the
step at which a connection failed.
"""

from __future__ import annotations

import re

from btql_storage.addresses import shown
from btql_storage.errors import AccessDenied, BadLocation, InputOutput, NotADatabase, StorageError, Unreachable

_CODE = re.compile(r"<Code>([A-Za-z]+)</Code>")
_MESSAGE = re.compile(r"<Message>\s*(.*?)\s*(?:\n.*?)?</Message>", re.DOTALL)
_JSON_MESSAGE = re.compile(r'"message": ?"([^"]+)"')
_STATUS = re.compile(r"status code: (\d{3})")
_KIND = re.compile(r"kind: (Connect|Timeout|Request|Interrupted|Decode|Unknown)\b")
_NO_BUCKET = {"NoSuchBucket", "ContainerNotFound", "InvalidBucketName", "ContainerBeingDeleted"}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired", "InvalidToken"}
_REFUSED = {"401", "403"}
_TURNED_DOWN = {"429", "503"}
_LATER = {"ConditionalRequestConflict", "OperationAborted", "RequestTimeout"}
"""Of calls that were in each other's way, or whose body came too slowly: nothing was done, and the next one may be."""
_REGION = {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
_METADATA = ("169.254.", "/latest/api/token", "/latest/meta-data", "metadata.google.internal", "/metadata/identity")
_CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for those that expire, AWS_SESSION_TOKEN",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, or another of Azure's",
}


def explain(error: Exception, action: str, address: str) -> StorageError:
    """Return what a failed call means for the reader; ``address`` names the object or the bucket."""
    text = str(error)
    code, status = _found(_CODE, text), _found(_STATUS, text)
    what = f"cannot {action} `{address}`: {_reason(text)}"
    if names_no_bucket(text):
        return NotADatabase(what, "make the bucket, or correct its name")
    variables = _CREDENTIALS.get(address.partition("://")[0], "its credentials")
    if code in _EXPIRED:
        return AccessDenied(what, f"renew the credentials: {variables}")
    if code in _REGION or "redirect without LOCATION" in text:
        return BadLocation(what, "set AWS_REGION to the region of the bucket, and check the endpoint")
    if _no_credentials(text):
        return AccessDenied(f"cannot {action} `{address}`: there are no credentials for it", f"set {variables}")
    if isinstance(error, PermissionError) or status in _REFUSED or _is(error, "PermissionDenied", "Unauthenticated"):
        return AccessDenied(what, f"check {variables}, and what they are allowed to do")
    if code in _LATER or status[:1] == "5" or status in ("408", "429") or _KIND.search(text):
        # A store that is not the cloud's own, without its endpoint, is sought in the cloud.
        is_nowhere = _found(_KIND, text) == "Connect"
        where = ", and whether `endpoint` names it if it is not the cloud's own" if is_nowhere else ""
        return Unreachable(what, f"look whether the service runs and can be reached{where}, then try again")
    return InputOutput(what, "see what the service says of it, then try again")


def explain_opening(error: Exception, address: str) -> StorageError:
    """Return what is wrong where a bucket cannot even be opened: something in the environment."""
    reason = shown(str(error).partition("\n")[0])
    variables = _CREDENTIALS.get(address.partition("://")[0], "its credentials")
    return AccessDenied(f"cannot open `{address}`: {reason}", f"check {variables}")


def names_no_bucket(text: str) -> bool:
    """Whether it is the bucket that is missing, and not an object in it."""
    return _found(_CODE, text) in _NO_BUCKET or "bucket does not exist" in text


def did_nothing(error: Exception) -> bool:
    """Whether a failed call surely changed nothing: it did not leave this machine, or was turned down at the door."""
    text = str(error)
    return _found(_KIND, text) == "Connect" or _found(_STATUS, text) in _TURNED_DOWN or is_for_later(error)


def is_for_later(error: Exception) -> bool:
    """Whether a call was refused just because of others, as S3 does where a name is being put or deleted."""
    return _found(_CODE, str(error)) in _LATER


def is_unsupported(error: Exception) -> bool:
    """Whether the service does not know the kind of call at all, as some do not know puts with a condition."""
    text = str(error)
    return _is(error, "NotSupported", "NotImplemented") or "<Code>NotImplemented" in text or "code: 501" in text


def _is(error: Exception, *names: str) -> bool:
    return type(error).__name__.removesuffix("Error") in names


def _no_credentials(text: str) -> bool:
    # Where there are none, the library asks the machine, as machines of a cloud can tell.
    return any(name in text for name in _METADATA)


def _reason(text: str) -> str:
    """Return the most telling words of a failure, in one line."""
    code, message, kind = _found(_CODE, text), _found(_MESSAGE, text), _found(_KIND, text)
    if code:
        return f"{code}: {message}" if message else code
    if told := _found(_JSON_MESSAGE, text):
        return told
    if kind == "Connect":
        return "no connection"
    if kind == "Timeout":
        return "no answer in time"
    return shown(text.partition("\n")[0].strip()) or type(text).__name__


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1] if match else ""
