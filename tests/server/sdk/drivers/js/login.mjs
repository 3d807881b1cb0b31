// Log in, and say who one is; a wrong key is told so.
import * as braintrust from "braintrust";

const state = await braintrust.loginToState();
let wrong = null;
try {
  await braintrust.loginToState({ apiKey: "sk-not-a-key" });
} catch (error) {
  wrong = String(error);
}
console.log(JSON.stringify({ org_id: state.orgId, org_name: state.orgName, api_url: state.apiUrl, wrong }));
