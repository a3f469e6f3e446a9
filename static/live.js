// Keeps an open page honest and alive. htmx brings the fragments; this watches the link, lets
// tiles grow old when nothing comes, and moves what only time moves.
"use strict";
(() => {
  const LOST_AFTER = 12000; // ms; the hub beats every 5 s
  const OPEN_WITHIN = 3000; // a stalled proxy leaves a socket connecting for minutes
  const RETRY_SOCKET = 300000;
  const HIDE_CURSOR_AFTER = 3000;
  const FINAL = { 4401: "signed out", 4403: "you may not see this", 4404: "this dashboard is gone" };
  const LEAVING = 4503;
  const FRESHNESS = ["fresh", "aged", "late", "stale", "failed"];

  const html = document.documentElement;
  const page = { title: document.title }; // socket, connection, events, token, icon
  let heard = 0; // when the server last spoke, by our clock
  let ahead = Number(html.dataset.now) - Date.now(); // how far the server's clock is ahead
  let connectingSince = 0;
  let reopenedAt = 0;
  let ended = ""; // why the link is not opened again
  let answered = 0;
  let unanswered = false;
  let strikes = 0;
  let retrying = 0;
  let trying = false; // the socket, while events come

  const $ = (selector) => document.querySelector(selector);
  const all = (selector) => document.querySelectorAll(selector);
  const serverNow = () => Date.now() + ahead;

  // The link

  function setLink(state) {
    if (html.dataset.link !== state) html.dataset.link = state;
    sayLink();
  }

  function sayLink() {
    const ago = Date.now() - heard;
    const said = {
      live: `live${page.events ? " over events" : ""}, ${(ago / 1000).toFixed(1)} s`,
      connecting: "connecting",
      lost: heard ? `connection lost ${age(ago)} ago` : "no connection",
    };
    write($("#link"), ended || said[html.dataset.link]);
  }

  function reopen() {
    reopenedAt = Date.now();
    if (!ended) htmx.process(page.socket, true);
  }

  function end(code) {
    ended = FINAL[code];
    page.events?.close();
    setLink("lost");
    if (code === 4401) location.assign(html.dataset.login);
    // It may come back, and a wall has no hands.
    else setInterval(reload, 27000 + Math.random() * 6000);
  }

  function hear(text) {
    heard = Date.now();
    setLink("live");
    if (text[0] !== "{") return;
    const message = JSON.parse(text);
    if (message.type !== "heartbeat") return;
    ahead = message.now - heard;
    if (message.build !== html.dataset.build) reloadOnce(message.build);
  }

  function painted() {
    grow();
    unanswered = true;
    if (document.hidden && Date.now() - answered > 1000) answer();
  }

  // What is painted, for the server to know: once a second, each page at a moment of its own.
  function answer() {
    if (!unanswered) return;
    unanswered = false;
    answered = Date.now();
    const versions = [...all("#wall .widget")].map((tile) => tile.dataset.version);
    const body = JSON.stringify({ painted: Math.max(0, ...versions) });
    if (page.events) {
      const headers = { "Last-Event-ID": page.token };
      fetch(page.events.url, { method: "POST", body, headers }).catch(() => {});
    } else if (page.connection.socket.readyState === WebSocket.OPEN) {
      page.connection.socket.send(body);
    }
  }

  // The socket

  document.addEventListener("htmx:ws:before:connection", ({ detail }) => {
    // While events come, htmx tries the socket only when we say so.
    if (page.events && !trying) detail.connection.cancelled = true;
    else page.connection = detail.connection;
    trying = false;
  });

  document.addEventListener("htmx:ws:close", ({ detail: { code, connection } }) => {
    if (code === null) return; // We closed it ourselves, to open another.
    if (FINAL[code]) return end(code);
    if (page.events) return;
    setLink("lost");
    strike();
    // After a restart every page would come back in the same 300 ms. A server that is leaving
    // sends its pages away one after the other, and the next server is there already.
    const wait = code === LEAVING ? 50 : 200 + Math.random() * 1300;
    connection.config.reconnectDelay = wait;
    if (!connection.config.reconnectCodes.includes(code)) {
      setTimeout(reopen, 1000 + Math.random() * 2000);
    }
  });

  document.addEventListener("htmx:ws:before:message:incoming", ({ detail }) => {
    strikes = -1; // Its own end, one day, is none.
    if (page.events) leaveEvents();
    hear(detail.message.data);
  });

  document.addEventListener("htmx:ws:after:message:incoming", painted);

  // Events, where a proxy breaks sockets: three in a row said no word, and HTTP works

  async function strike() {
    const url = page.socket.getAttribute("hx-ws:connect").replace("/ws", "/events");
    if (++strikes < 3 || page.events || !(await answers(url)) || strikes < 3) return;
    listen(url);
    retrying = setInterval(() => {
      trying = true;
      reopen();
    }, RETRY_SOCKET);
  }

  function listen(url) {
    let swapped = Promise.resolve();
    page.events?.close();
    const events = (page.events = new EventSource(url));
    reopenedAt = Date.now();
    events.onmessage = ({ data: text, lastEventId }) => {
      page.token = lastEventId;
      hear(text);
      const swap = { sourceElement: page.socket, target: page.socket, swap: "none", text };
      if (text[0] !== "{") swapped = swapped.then(() => htmx.swap(swap));
      swapped = swapped.then(painted);
    };
    events.addEventListener("end", ({ data }) => end(Number(data)));
    events.onerror = () => {
      setLink("lost");
      if (events.readyState !== EventSource.CLOSED) return; // The browser tries again.
      leaveEvents();
      reopen();
    };
  }

  function leaveEvents() {
    clearInterval(retrying);
    page.events.close();
    page.events = null;
  }

  function watch(now) {
    const socket = page.connection?.socket;
    const connecting = socket?.readyState === WebSocket.CONNECTING;
    connectingSince = connecting ? connectingSince || now : 0;
    if (connectingSince && now - connectingSince > OPEN_WITHIN) {
      connectingSince = 0;
      socket.close();
    }
    if (now - heard <= LOST_AFTER) return;
    if (html.dataset.link === "live") setLink("lost");
    // An open link that says nothing: the server is frozen, or the network is gone.
    if (ended || now - reopenedAt <= LOST_AFTER) return;
    if (page.events) listen(page.events.url);
    else if (socket?.readyState === WebSocket.OPEN) {
      strike();
      reopen();
    }
  }

  // A new build: once for each, when the server answers, and not all pages at once.
  function reloadOnce(build) {
    if (sessionStorage.getItem("build") === build) return;
    sessionStorage.setItem("build", build);
    setTimeout(async () => {
      if (!(await reload())) sessionStorage.removeItem("build");
    }, Math.random() * 3000);
  }

  async function answers(url) {
    return (await fetch(url, { method: "HEAD" }).catch(() => null))?.ok;
  }

  async function reload() {
    const ok = await answers(location.href);
    if (ok) location.reload();
    return ok;
  }

  // Time

  function age(span) {
    const s = Math.max(0, span / 1000);
    const size = [86400, 3600, 60].find((size) => s >= size) || 1;
    return `${Math.floor(s / size)} ${{ 1: "s", 60: "min", 3600: "h", 86400: "d" }[size]}`;
  }

  function write(element, text) {
    if (element && element.textContent !== text) element.textContent = text;
  }

  function zoned(time, format, options) {
    options.timeZone = time.dataset.zone || undefined;
    write(time, new Date(serverNow())[format]("en-GB", options));
  }
  const DATE = { weekday: "long", day: "numeric", month: "long" };

  // Old data must never look live, also when nobody is there to say so.
  function grow() {
    const now = serverNow();
    for (const { dataset } of all("[data-late-at]")) {
      const { lateAt, staleAt } = dataset;
      const due = staleAt && now >= staleAt ? "stale" : lateAt && now >= lateAt ? "late" : "fresh";
      if (FRESHNESS.indexOf(due) > FRESHNESS.indexOf(dataset.freshness)) dataset.freshness = due;
    }
    for (const time of all("time[data-age]")) write(time, `${age(now - time.dataset.age)} ago`);
    for (const time of all("time[data-until]")) write(time, age(time.dataset.until - now));
    for (const time of all("time[data-clock]")) zoned(time, "toLocaleTimeString", {});
    for (const time of all("time[data-date]")) zoned(time, "toLocaleDateString", DATE);
    count();
  }

  // Status line, title and icon say what the tiles say.
  function count() {
    for (const element of all("#status [data-count]")) {
      const { count: word, plural } = element.dataset;
      const n = all(`#wall .widget:is([data-state=${word}], [data-freshness=${word}])`).length;
      element.hidden = !n;
      write(element.querySelector("b"), `${n} ${n === 1 ? word : plural}`);
    }
    const critical = all("#wall .widget[data-state=critical]").length;
    const title = $("#wall")?.dataset.title || page.title;
    write($("title"), critical ? `(${critical}) ${title}` : title);
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
    done.catch(() => {}); // It may be refused.
  });

  let hide = 0;
  function moved() {
    html.classList.remove("idle");
    clearTimeout(hide);
    hide = setTimeout(() => html.classList.add("idle"), HIDE_CURSOR_AFTER);
  }
  for (const event of ["pointermove", "keydown"]) document.addEventListener(event, moved);

  // A hidden page loses the lock.
  function stayAwake() {
    if (document.visibilityState !== "visible" || !navigator.wakeLock) return;
    navigator.wakeLock.request("screen").catch(() => {}); // It may be refused.
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
      answer();
      sayLink();
      grow();
      follow();
    }, 1000);
  });
})();
