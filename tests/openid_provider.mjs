// A certified OpenID provider on loopback. Whoever asks it is signed in as the account set before.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const [modules, port] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(`${modules}/oidc-provider/lib/index.js`));
const issuer = `http://127.0.0.1:${port}`;
const client = { client_id: "countersign", client_secret: "their secret: s3cret" };
const state = {
  account: "",
  claims: {},
  method: "client_secret_post",
  inIdToken: false,
  redirectUris: ["http://127.0.0.1/"],
  signedInAt: null, // seconds; null: when somebody comes
};
let jwks = keys();
let provider = make();

function keys() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const kid = `key-${Date.now()}-${Math.random()}`;
  return { keys: [{ ...privateKey.export({ format: "jwk" }), kid, use: "sig", alg: "RS256" }] };
}

function make() {
  return new Provider(issuer, {
    clients: [
      {
        ...client,
        redirect_uris: state.redirectUris,
        token_endpoint_auth_method: state.method,
      },
    ],
    clientAuthMethods: [state.method],
    jwks,
    cookies: { keys: ["only-for-tests"] },
    conformIdTokenClaims: !state.inIdToken,
    claims: {
      openid: ["sub"],
      profile: ["name", "preferred_username"],
      email: ["email", "email_verified"],
      groups: ["groups"],
    },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (ctx, sub) => ({ accountId: sub, claims: () => ({ sub, ...state.claims }) }),
    async loadExistingGrant(ctx) {
      const { client: asking, session, params } = ctx.oidc;
      const grant = new ctx.oidc.provider.Grant({
        clientId: asking.clientId,
        accountId: session.accountId,
      });
      grant.addOIDCScope(params.scope);
      await grant.save();
      return grant;
    },
  });
}

async function told(req) {
  let body = "";
  for await (const chunk of req) body += chunk;
  const { rotate, ...wanted } = JSON.parse(body);
  Object.assign(state, wanted);
  if (rotate) jwks = keys();
  if (rotate || "method" in wanted || "redirectUris" in wanted) provider = make();
}

createServer(async (req, res) => {
  if (req.url === "/told") {
    await told(req);
    res.end("{}");
  } else if (req.url.startsWith("/interaction/")) {
    const result = state.account
      ? { login: { accountId: state.account, ts: state.signedInAt ?? undefined } }
      : { error: "access_denied", error_description: "cancelled" };
    await provider.interactionFinished(req, res, result, { mergeWithLastSubmission: false });
  } else {
    provider.callback()(req, res);
  }
}).listen(Number(port), "127.0.0.1");
