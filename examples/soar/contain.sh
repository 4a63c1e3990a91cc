#!/bin/sh
# A shell step of a workflow: contains one account and says what the workflow does next.
#
# Usage: contain.sh USER_OBJECT_ID INCIDENT_ID
# Needs: AZURE_TENANT_ID, AZURE_CLIENT_ID and a credential in the environment (see `oust explain E0201`).
# Leaves: result.json, the whole document, whatever happens. Prints: one word for the workflow to branch on.
set -u

user=${1:?object id of the user}
incident=${2:?id of the incident}

# The key makes a second run of the same step give back the first one's result.
oust contain "$user" \
    --yes --no-input \
    --output json --result-file result.json \
    --deadline 5m \
    --idempotency-key "$incident-$user" >/dev/null
status=$?

# An exit status never changes its meaning.
case $status in
    0) echo contained ;;                  # in force and read back, or nothing to do
    3) echo partial ;;                    # page a person: part of it is in force
    4) echo unverified ;;                 # in force, not read back or will be reverted: verify later
    5) echo denied ;;                     # nothing changed: sign-in, permission, role or licence
    6) echo refused ;;                    # nothing changed: protected account, too many users, …
    7) echo interrupted ;;                # resume: oust resume RUN
    8) echo journal ;;                    # keep the journal as evidence, page a person
    *) echo failed ;;                     # 1: nothing changed; 64, 70: see standard error
esac
exit "$status"
