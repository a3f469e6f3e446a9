// Keeps an open page honest and alive. htmx brings the fragments; this watches the link, lets
// tiles grow old when nothing comes, and moves what only time moves.
"use strict";
(() => {
  const LOST_AFTER = 12000; // ms without a word; the hub beats every 5 s
  const OPEN_WITHIN = 3000; // a stalled proxy leaves a socket connecting for minutes
  const HIDE_CURSOR_AFTER = 3000;
  const FINAL = { 4401: "signed out", 4403: "you may not see this", 4404: "this dashboard is gone" };
  const LEAVING = 4503;
  const FRESHNESS = ["fresh", "aged", "late", "stale", "failed"];

  const html = document.documentElement;
  const page = { socket: null, connection: null, icon: null, title: document.title };
  let heard = 0; // when the server last spoke, by our clock
  let ahead = Number(html.dataset.now) - Date.now(); // how far the server's clock is ahead
  let connectingSince = 0;
  let reopenedAt = 0;
  let ended = ""; // why this socket is not opened again

  const $ = (selector) => document.querySelector(selector);
  const all = (selector) => document.querySelectorAll(selector);
  const serverNow = () => Date.now() + ahead;

  // The link

  function setLink(state) {
    if (html.dataset.link !== state) html.dataset.link = state;
    sayLink();
  }

  function sayLink() {
    const ago = heard ? Date.now() - heard : 0;
    const said = {
      live: `live, ${(ago / 1000).toFixed(1)} s`,
      connecting: "connecting",
      lost: heard ? `connection lost ${age(ago)} ago` : "no connection",
    };
    write($("#link"), ended || said[html.dataset.link]);
  }

  function reopen() {
    reopenedAt = Date.now();
    if (!ended) htmx.process(page.socket, true);
  }

  document.addEventListener("htmx:ws:before:connection", ({ detail }) => {
    page.connection = detail.connection;
  });

  document.addEventListener("htmx:ws:close", ({ detail: { code, connection } }) => {
    if (code === null) return; // We closed it ourselves, to open another.
    setLink("lost");
    if (FINAL[code]) {
      ended = FINAL[code];
      sayLink();
      if (code === 4401) location.assign(html.dataset.login);
      // It may come back, and a wall has no hands.
      else setInterval(reload, 27000 + Math.random() * 6000);
      return;
    }
    // After a restart every page would come back in the same 300 ms. A server that is leaving
    // sends its pages away one after the other, and the next server is there already.
    const wait = code === LEAVING ? 50 : 200 + Math.random() * 1300;
    connection.config.reconnectDelay = wait;
    if (!connection.config.reconnectCodes.includes(code)) {
      setTimeout(reopen, 1000 + Math.random() * 2000);
    }
  });

  document.addEventListener("htmx:ws:before:message:incoming", ({ detail }) => {
    heard = Date.now();
    setLink("live");
    if (detail.message.data[0] !== "{") return;
    const message = JSON.parse(detail.message.data);
    if (message.type !== "heartbeat") return;
    ahead = message.now - heard;
    if (message.build !== html.dataset.build) reloadOnce(message.build);
  });

  document.addEventListener("htmx:ws:after:message:incoming", grow);

  function watch(now) {
    const socket = page.connection && page.connection.socket;
    const connecting = socket && socket.readyState === WebSocket.CONNECTING;
    connectingSince = connecting ? connectingSince || now : 0;
    if (connectingSince && now - connectingSince > OPEN_WITHIN) {
      connectingSince = 0;
      socket.close();
    }
    if (html.dataset.link === "live" && now - heard > LOST_AFTER) setLink("lost");
    // An open socket that says nothing: the server is frozen, or the network is gone.
    const silent = socket && socket.readyState === WebSocket.OPEN && now - heard > LOST_AFTER;
    if (silent && now - reopenedAt > LOST_AFTER) reopen();
  }

  // A new build: once for each, when the server really answers, and not all pages at once.
  function reloadOnce(build) {
    if (sessionStorage.getItem("build") === build) return;
    sessionStorage.setItem("build", build);
    setTimeout(async () => {
      if (!(await reload())) sessionStorage.removeItem("build");
    }, Math.random() * 3000);
  }

  async function reload() {
    const answer = await fetch(location.href, { method: "HEAD" }).catch(() => null);
    if (answer?.ok) location.reload();
    return answer?.ok;
  }

  // Time

  function age(span) {
    const s = Math.max(0, Math.floor(span / 1000));
    if (s < 60) return `${s} s`;
    if (s < 3600) return `${Math.floor(s / 60)} min`;
    return s < 86400 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86400)} d`;
  }

  function write(element, text) {
    if (element && element.textContent !== text) element.textContent = text;
  }

  const formats = {};
  function zoned(zone, kind, options, moment) {
    const key = zone + kind;
    formats[key] ||= new Intl.DateTimeFormat("en-GB", { timeZone: zone || undefined, ...options });
    return formats[key].format(moment);
  }
  const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  const DATE = { weekday: "long", day: "numeric", month: "long" };

  // Old data must never look like live data, also when nobody is there to say that it is old.
  function grow() {
    const now = serverNow();
    for (const { dataset } of all("[data-late-at]")) {
      const { lateAt, staleAt } = dataset;
      const due = staleAt && now >= staleAt ? "stale" : lateAt && now >= lateAt ? "late" : "fresh";
      if (FRESHNESS.indexOf(due) > FRESHNESS.indexOf(dataset.freshness)) dataset.freshness = due;
    }
    for (const time of all("time[data-age]")) write(time, `${age(now - time.dataset.age)} ago`);
    for (const time of all("time[data-clock]")) write(time, zoned(time.dataset.zone, "c", CLOCK, now));
    for (const time of all("time[data-date]")) write(time, zoned(time.dataset.zone, "d", DATE, now));
    count();
  }

  // The status line, the title and the icon say what the tiles say.
  function count() {
    for (const element of all("#status [data-count]")) {
      const { count: word, plural } = element.dataset;
      const found = all(`#wall [data-state="${word}"].widget, #wall [data-freshness="${word}"].widget`);
      const n = found.length;
      element.hidden = !n;
      write(element.querySelector("b"), `${n} ${n === 1 ? word : plural}`);
    }
    const critical = all('#wall .widget[data-state="critical"]').length;
    const title = $("#wall")?.dataset.title || page.title;
    const said = critical ? `(${critical}) ${title}` : title;
    if (document.title !== said) document.title = said;
    icon(critical);
  }

  function icon(critical) {
    const link = $("link[rel=icon]");
    if (!link || page.icon === critical) return;
    page.icon = critical;
    link.dataset.calm ||= link.href;
    const n = critical > 9 ? "9+" : critical;
    const svg =
      '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20"><rect width="20" height="20" ' +
      'rx="5" fill="#c41f17"/><text x="10" y="15" text-anchor="middle" fill="#fff" ' +
      `font-family="sans-serif" font-weight="700" font-size="14">${n}</text></svg>`;
    link.href = critical ? `data:image/svg+xml,${encodeURIComponent(svg)}` : link.dataset.calm;
  }

  function follow() {
    const theme = $("#wall")?.dataset.theme;
    if (theme && html.dataset.theme !== theme) html.dataset.theme = theme;
  }

  // The screen

  document.addEventListener("keydown", (event) => {
    if (event.key !== "f" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    const done = document.fullscreenElement ? document.exitFullscreen() : html.requestFullscreen();
    done.catch(() => {}); // A browser may refuse it; then the key does nothing.
  });

  let hide = 0;
  function moved() {
    html.classList.remove("idle");
    clearTimeout(hide);
    hide = setTimeout(() => html.classList.add("idle"), HIDE_CURSOR_AFTER);
  }
  for (const event of ["pointermove", "keydown"]) document.addEventListener(event, moved);

  // The browser lets go of the lock whenever the page is hidden.
  function stayAwake() {
    if (document.visibilityState !== "visible" || !navigator.wakeLock) return;
    navigator.wakeLock.request("screen").catch(() => {}); // Battery saving may refuse it.
  }
  document.addEventListener("visibilitychange", stayAwake);

  document.addEventListener("DOMContentLoaded", () => {
    page.socket = $("[hx-ws\\:connect]");
    setLink("connecting");
    grow();
    moved();
    stayAwake();
    setInterval(() => {
      watch(Date.now());
      sayLink();
      grow();
      follow();
    }, 1000);
  });
})();
