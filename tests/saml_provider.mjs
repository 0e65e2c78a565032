// A SAML provider on loopback, on npm's samlp. Whoever asks it is signed in as the account set before.
import { createServer } from "node:http";
import { createRequire } from "node:module";

const [modules, port] = process.argv.slice(2);
const samlp = createRequire(`${modules}/`)("samlp");
const issuer = `http://127.0.0.1:${port}`;
const state = { account: "", format: "", attributes: {}, key: "", cert: "", options: {} };

async function told(req) {
  let body = "";
  for await (const chunk of req) body += chunk;
  Object.assign(state, JSON.parse(body));
}

// What samlp takes for granted of its framework.
function asExpress(req, res) {
  req.query = Object.fromEntries(new URL(req.url, issuer).searchParams);
  res.set = (name, value) => res.setHeader(name, value);
  res.send = (body) => res.end(String(body));
}

function answer(req, res, asked) {
  const back = asked.assertionConsumerServiceURL;
  const about = { issuer, destination: back, inResponseTo: asked.id };
  if (!state.account) {
    const code = "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed";
    const error = { code, description: "cancelled" };
    const options = { ...about, error, RelayState: req.query.RelayState };
    samlp.sendError({ ...options, getPostURL: (_, done) => done(null, back) })(req, res);
    return;
  }
  samlp.auth({
    ...about,
    key: state.key,
    cert: state.cert,
    recipient: back,
    lifetimeInSeconds: 300,
    getUserFromRequest: () => state,
    profileMapper: () => ({
      getClaims: () => state.attributes,
      getNameIdentifier: () => ({
        nameIdentifier: state.account,
        nameIdentifierFormat: state.format,
      }),
    }),
    getPostURL: (audience, dom, _, done) => done(null, back),
    ...state.options,
  })(req, res, (problem) => res.end(String(problem)));
}

createServer(async (req, res) => {
  if (req.url === "/told") {
    await told(req);
    res.end("{}");
    return;
  }
  asExpress(req, res);
  samlp.parseRequest(req, {}, (problem, asked) =>
    asked ? answer(req, res, asked) : res.end(String(problem ?? "nobody asked")),
  );
}).listen(Number(port), "127.0.0.1");
