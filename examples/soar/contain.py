#!/usr/bin/env python3
"""A Python step of a workflow: contains one account and reads the document that oust prints.

Usage: contain.py USER_OBJECT_ID INCIDENT_ID
Needs the credential in the environment (see `oust explain E0201`). No package beyond the standard library.
"""

import json
import subprocess
import sys


def contain(user_id: str, incident: str) -> dict:
    """Runs oust and returns its document, schema oust.run/1. There is one for every outcome."""
    command = [
        "oust", "contain", user_id,
        "--yes", "--no-input", "--output", "json",
        "--deadline", "5m",
        "--idempotency-key", f"{incident}-{user_id}",
    ]  # fmt: skip
    # Longer than the deadline. A timeout here would kill the process; `oust resume` would go on.
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=600, check=False)
    if not done.stdout:
        raise RuntimeError(f"oust ended with {done.returncode} and no document; see standard error")
    return json.loads(done.stdout)


def main() -> int:
    user_id, incident = sys.argv[1:3]
    document = contain(user_id, incident)

    print("outcome:", document["outcome"])
    for user in document["users"]:
        # Names come from the tenant and may be chosen by the intruder: repr() keeps them on their line.
        print("user:", repr(user["user_principal_name"]), user["outcome"])
        print("cut off after:", user["cut_ms"], "ms; old access tokens work until", user["residual_access_until"])
        for item in user["open"]:
            print("open:", repr(item["label"]), "->", repr(item.get("next")))

    if document.get("error"):
        error = document["error"]
        print(f"error {error['code']}:", repr(error["detail"]), "| changed:", repr(error["changed"]))
    if document.get("journal"):
        print("for the ticket: run", document["run_id"], "head", document["journal"]["head"])
    if document["outcome"] == "interrupted":
        print("go on with: oust resume", document["run_id"])
    return document["exit_code"]


if __name__ == "__main__":
    sys.exit(main())
