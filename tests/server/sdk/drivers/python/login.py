"""Log in, and say who one is; a wrong key is told so."""

import json

import braintrust

braintrust.login()
state = braintrust.logger._state
said = {"org_id": state.org_id, "org_name": state.org_name, "api_url": state.api_url}
try:
    braintrust.login(api_key="sk-not-a-key", force_login=True)
    wrong = None
except Exception as error:
    wrong = f"{type(error).__name__}: {error}"
print(json.dumps({**said, "wrong": wrong}))
