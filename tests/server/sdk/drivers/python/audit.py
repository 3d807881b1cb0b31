"""Read the header that says what a request has touched."""

import json
import sys

import braintrust

print(json.dumps({"resources": braintrust.parse_audit_resources(sys.argv[1])}))
