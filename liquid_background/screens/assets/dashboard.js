// What the dashboard does beyond what its pages do without scripts: keys, copying, charts, the live tail.
"use strict";
(() => {
  const $ = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const live = $("#stream");

  // Rows: j and k move, Enter opens by the link that has the focus.
  const rows = () => all("main tbody tr").filter((row) => $("a[href]", row));
  let at = null;
  const isAt = (row) => row === at || row.id && row.id === at;
  const mark = () => at && rows().forEach((row) => row.classList.toggle("here", isAt(row)));
  function go(step) {
    const found = rows();
    if (!found.length) return;
    const next = found[Math.min(Math.max(found.findIndex(isAt) + step, 0), found.length - 1)];
    at = next.id || next;
    mark();
    $("a[href]", next).focus();
    next.scrollIntoView({ block: "nearest" });
  }

  // Of a list: what is selected, else the row that one is at. Of a job or a failure: itself; failures ask first.
  function retry() {
    const several = $("#selected button[formaction$='/retry']");
    const here = $("tr.here input[type=checkbox]");
    if (several && !$("main tbody input:checked") && here) here.checked = true;
    if (several) return void ($("main tbody input:checked") && several.click());
    const group = $("tr.here a[href*='/jobs/all/retry']");
    (group || $(".acts form[action$='/retry'] button, .acts a[href*='/jobs/all/retry']"))?.click();
  }

  let lead = false;
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest("input:not([type=checkbox]), textarea, select, dialog[open]")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const was = lead;
    lead = false;
    const screen = was && all("header nav a").find((link) => link.dataset.go === event.key);
    if (screen) return void screen.click();
    const box = $("tr.here input[type=checkbox]");
    const act = {
      j: () => go(1),
      k: () => go(-1),
      x: () => box && box.click(),
      r: () => retry(),
      g: () => { lead = true; },
      "/": () => { const field = $("form.filter input:not([type=hidden])"); if (field) { field.focus(); field.select(); } },
      "?": () => $("#keys").showModal(),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  // One click: copy an id, select all rows, pause the tail.
  addEventListener("click", async (event) => {
    const copy = event.target.closest("[data-copy]");
    if (copy) {
      const was = copy.textContent;
      try { await navigator.clipboard.writeText(copy.dataset.copy); copy.textContent = "copied"; }
      catch { copy.textContent = "not allowed"; }
      setTimeout(() => { copy.textContent = was; }, 1200);
    }
    if (event.target.closest("button.pause")) pause();
  });
  addEventListener("change", (event) => {
    const every = event.target.closest("[data-selects]");
    if (every) all(`input[name="${every.dataset.selects}"]`).forEach((box) => { box.checked = every.checked; });
    tell();
  });
  // What is gone for good is asked for once more, here in the place of a page that asks. Addresses are short: fields that are empty are left out of a filter's.
  addEventListener("submit", (event) => {
    const question = event.submitter?.dataset.confirm;
    if (question && !confirm(question)) event.preventDefault();
    else if (question) Object.assign(event.submitter, { name: "sure", value: "yes" });
  });
  addEventListener("formdata", ({ target, formData }) => {
    if (target.method !== "get") return;
    const given = [...formData].filter(([, value]) => value);
    for (const name of [...formData.keys()]) formData.delete(name);
    for (const [name, value] of given) formData.append(name, value);
  });
  function tell() {
    const chosen = all("main tbody input[type=checkbox]:checked").length;
    all("[data-selected]").forEach((each) => { each.textContent = chosen || ""; });
  }
  const enhance = () => all("button.copy, button.pause, [data-selects]").forEach((each) => { each.hidden = false; });
  enhance();

  // The live part: left alone while rows are chosen, a reason is given, or something is read that is folded up elsewhere.
  const busy = () => $("#live input:checked, #live .why[open]") || (document.activeElement || document.body).closest("#live details[open]");
  const free = () => new Promise((go) => { const look = () => busy() ? setTimeout(look, 200) : go(); look(); });
  let held = null;
  function pause() {
    const button = $("button.pause");
    if (held) { held.forEach(add); held = null; } else held = [];
    button.setAttribute("aria-pressed", String(Boolean(held)));
    button.textContent = held ? "Go on" : "Pause";
  }
  function add(html) {
    $("#entries").insertAdjacentHTML("afterbegin", html);
    trim();
  }
  const MOST = 2000;
  function trim() {
    for (const row of all("#entries tr").slice(MOST)) row.remove();
    if ($("#entries tr")) all("p.empty").forEach((each) => each.remove());
  }
  function state(words, good) {
    const place = $(".live-state");
    if (!place) return;
    place.textContent = words;
    place.classList.toggle("good", good);
  }
  addEventListener("htmx:sse:before:message", (event) => {
    if (held) {
      held.push(event.detail.message.data);
      $("button.pause").textContent = `Go on (${held.join("").split("<tr ").length - 1} new)`;
      event.preventDefault();
    } else if (busy()) event.detail.waitUntil(free());
  });
  // A page that asks now and then: not while it is hidden, and for what is behind its newest row.
  addEventListener("htmx:config:request", (event) => {
    if (live && document.hidden) return void event.preventDefault();
    const newest = $("#entries tr[id]"), request = event.detail.ctx.request;
    if (asks) request.headers["X-Asks"] = "now and then";
    if (!newest) return;
    const url = new URL(request.action, location.href);
    url.searchParams.set("after", newest.id.slice("entry-".length));
    request.action = url.pathname + url.search;
  });
  addEventListener("htmx:before:swap", (event) => { if (busy() || held) event.preventDefault(); });
  addEventListener("htmx:after:swap", () => { trim(); enhance(); mark(); draw(); tell(); });
  addEventListener("htmx:sse:after:connection", () => state("Live", true));
  for (const name of ["htmx:sse:error", "htmx:sse:close"]) addEventListener(name, () => asks || state("Not live: trying again", false));
  // A visitor has so many streams and no more: a page beyond them asks now and then.
  let asks = 0;
  function ask(status) {
    if (status !== 429 || asks || !live) return;
    asks = setInterval(() => htmx.ajax("GET", live.getAttribute("hx-sse:connect"), { source: live }), 10_000);
    state("Asking now and then: many of your pages are open", false);
  }
  addEventListener("htmx:response:error", (event) => ask(event.detail.ctx.response?.status));
  addEventListener("htmx:sse:error", (event) => ask(event.detail.status));
  addEventListener("htmx:sse:before:connection", (event) => { if (asks) event.preventDefault(); });

  // Charts: the picture that the server drew gives way to one that tells the numbers under the pointer.
  let drawn = new WeakMap();
  const clock = (time) => time == null ? "" : new Date(time * 1000).toISOString().slice(5, 16).replace("T", " ");
  const words = (unit) => (value) => value == null ? "" : unit !== " ms" ? value.toLocaleString()
    : value < 1000 ? `${+value.toPrecision(3)}ms` : `${+(value / 1000).toPrecision(3)}s`;
  // Bars stand on each other: the first row is drawn first, and as high as all.
  const stacked = (series) => series.map((each, at) => !each.fill ? each.values
    : each.values.map((_, moment) => series.slice(at).reduce((sum, other) => sum + (other.values[moment] || 0), 0)));
  function draw() {
    if (typeof uPlot === "undefined") return;
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    for (const place of all(".chart[data-series]")) {
      const told = place.dataset.series, known = drawn.get(place), chart = JSON.parse(told);
      if (known?.told === told || !chart.times.length) continue;
      const rows = [chart.times, ...stacked(chart.series)];
      if (known) { Object.assign(known, { told, chart }).plot.setData(rows); continue; }
      const here = { told, chart }, text = words(chart.unit), axis = { stroke: colour("quiet"), ticks: { show: false } };
      place.replaceChildren();
      const plot = new uPlot({
        width: place.clientWidth, height: 150, cursor: { y: false, drag: { x: false } },
        axes: [{ ...axis, size: 28, grid: { show: false }, values: (_, times) => times.map((time) => clock(time).slice(6)) },
          { ...axis, size: 52, grid: { stroke: colour("line"), width: 1 }, values: (_, values) => values.map(text) }],
        scales: { y: { range: (_, low, high) => [0, high || 1] } },
        series: [{ label: "UTC", value: (_, time) => clock(time) }, ...chart.series.map((each, row) => ({
          label: each.label, stroke: colour(each.colour), width: 1.5, points: { show: !each.fill, size: 4 },
          value: (_, value, series, at) => text(at == null ? null : here.chart.series[row].values[at]),
          ...(each.fill ? { fill: colour(each.colour), width: 0, paths: uPlot.paths.bars({ size: [0.8] }) } : {}),
        }))],
      }, rows, place);
      drawn.set(place, Object.assign(here, { plot }));
    }
  }
  draw();
  addEventListener("resize", () => all(".chart[data-series]").forEach((place) => drawn.get(place)?.plot.setSize({ width: place.clientWidth, height: 150 })));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { drawn = new WeakMap(); draw(); });
})();
