// One EventSource for all tabs: a browser opens only six connections to one site.
// The page may also load this file as a plain script (no SharedWorker): it then calls `connect`.
"use strict";
(() => {
  const KEEP = 200; // events remembered for tabs that open later
  const OVERLAP = 200; // ledger numbers are given before the commit: a late one may be below `last`
  const RECONNECT = 3000; // after an answer that ends the EventSource for good (proxy, restart)
  const SILENCE = 25000; // the portal beats every 15 s

  function makeStream(tell) {
    let source = null, last = 0, lost = 0, heard = Date.now();
    const recent = [];
    const state = () => ({ kind: "state", open: lost === 0, since: lost || heard });

    function hear(event) {
      heard = Date.now();
      if (event.lastEventId) last = Number(event.lastEventId);
    }
    function lose() {
      lost ||= Date.now();
      tell(state());
    }
    function open() {
      source?.close();
      source = new EventSource("/live"); // without a Last-Event-ID the portal says `resync` first
      source.onopen = (event) => {
        hear(event);
        lost = 0;
        tell(state());
      };
      source.onerror = () => {
        lose();
        if (source.readyState === EventSource.CLOSED) setTimeout(open, RECONNECT);
      };
      source.addEventListener("beat", hear);
      source.addEventListener("resync", (event) => {
        hear(event);
        recent.length = 0;
        tell({ kind: "resync" });
      });
      source.addEventListener("request", (event) => {
        hear(event);
        const data = JSON.parse(event.data);
        const message = { kind: "request", id: data.request, version: data.version, at: last };
        recent.push(message);
        if (recent.length > KEEP) recent.shift();
        tell(message);
      });
    }
    setInterval(() => {
      // A connection that died without a word (sleep, network change).
      if (source && !lost && Date.now() - heard > SILENCE) { lose(); open(); }
    }, 5000);

    // Tells a page rendered at ledger position `position` what it has missed.
    function join(position, send) {
      send(state());
      if (!source) open();
      else if (recent.length && recent[0].at <= position) {
        for (const message of recent) if (message.at > position - OVERLAP) send(message);
      } else if (last > position) send({ kind: "resync" });
    }
    return { join };
  }

  if (typeof SharedWorkerGlobalScope !== "undefined") {
    const ports = new Set();
    const stream = makeStream((message) => { for (const port of ports) port.postMessage(message); });
    onconnect = (event) => {
      const port = event.ports[0];
      port.onmessage = ({ data }) => {
        if (data.kind === "bye") ports.delete(port);
        if (data.kind === "join") {
          ports.add(port);
          stream.join(data.position, (message) => port.postMessage(message));
        }
      };
      port.start();
    };
  } else {
    window.countersignStream = makeStream;
  }
})();
