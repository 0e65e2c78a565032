// Passkeys: hands the portal's challenge to the browser, and what it answers back to the form.
"use strict";
(() => {
  const b64 = (bytes) =>
    btoa(String.fromCharCode(...new Uint8Array(bytes)))
      .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const bytes = (text) =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const keys = (list) => (list ?? []).map((key) => ({ ...key, id: bytes(key.id) }));

  async function make({ publicKey }) {
    const options = {
      ...publicKey,
      challenge: bytes(publicKey.challenge),
      user: { ...publicKey.user, id: bytes(publicKey.user.id) },
      excludeCredentials: keys(publicKey.excludeCredentials),
    };
    const made = await navigator.credentials.create({ publicKey: options });
    return answer(made, { attestationObject: b64(made.response.attestationObject) });
  }

  async function use({ publicKey }) {
    const options = {
      ...publicKey,
      challenge: bytes(publicKey.challenge),
      allowCredentials: keys(publicKey.allowCredentials),
    };
    const used = await navigator.credentials.get({ publicKey: options });
    const { authenticatorData, signature, userHandle } = used.response;
    return answer(used, {
      authenticatorData: b64(authenticatorData),
      signature: b64(signature),
      userHandle: userHandle && b64(userHandle),
    });
  }

  function answer(credential, response) {
    return {
      id: credential.id,
      rawId: b64(credential.rawId),
      type: credential.type,
      response: { clientDataJSON: b64(credential.response.clientDataJSON), ...response },
      clientExtensionResults: {},
    };
  }

  async function options(form) {
    const data = form.querySelector("[type='application/json']");
    if (data) return JSON.parse(data.textContent);
    const asked = await fetch(form.action, { headers: { Accept: "application/json" } });
    if (!asked.ok) throw new Error(String(asked.status));
    return asked.json();
  }

  async function send(form) {
    const { creation_options: creation, request_options: request } = await options(form);
    const credential = await (creation ? make(creation) : use(request));
    form.elements.credential.value = JSON.stringify(credential);
    form.submit();
  }

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(form).catch(() => {
        form.querySelector("[data-failed]").hidden = false;
      });
    });
  }
})();
