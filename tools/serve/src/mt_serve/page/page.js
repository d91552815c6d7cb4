"use strict";

const at = id => document.getElementById(id);
const state = { runs: [], indexes: [], token: "", asked: 0 };
const MOST = 12;  // predictions and classes that are shown

function element(name, text, properties = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  return Object.assign(made, properties);
}

async function call(path, options = {}) {
  const headers = state.token ? { ...options.headers, Authorization: `Bearer ${state.token}` } : options.headers;
  let answer;
  try {
    answer = await fetch(path, { ...options, headers });
  } catch {
    throw { problem: "The server cannot be reached.", fix: "see whether mt serve is still running" };
  }
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => ({}));
  throw { status: answer.status, ...(said.error ?? { problem: `status ${answer.status}`, fix: "" }) };
}

function refuse(error) {
  const box = at("refused");
  box.replaceChildren(element("strong", error.problem ?? String(error)));
  if (error.fix) box.append("\n" + error.fix);
  box.hidden = false;
}

async function begin() {
  at("refused").hidden = true;
  try {
    const served = await (await call("models")).json();
    Object.assign(state, { runs: served.runs, indexes: served.indexes });
  } catch (error) {
    at("token-line").hidden = error.status !== 401;
    at("ask").classList.toggle("closed", true);
    if (error.status === 401 && !state.token) at("token").focus(); else refuse(error);
    return;
  }
  at("token-line").hidden = true;
  at("run").replaceChildren(...state.runs.map(run => element("option", `${run.name} (${run.modality})`, { value: run.name })));
  at("run-line").hidden = state.runs.length === 1;
  describe();
}

const chosen = () => state.runs.find(run => run.name === at("run").value) ?? state.runs[0];

function describe() {
  const run = chosen();
  at("about").textContent = run.description;
  at("reads").textContent = run.suffixes.length ? `It reads ${run.suffixes.join(" ")}` : "";
}

/* The run that reads a file of this name: the chosen one if it does, else the first that does. */
function runFor(name) {
  const reads = run => run.suffixes.some(suffix => name.toLowerCase().endsWith(suffix));
  return reads(chosen()) ? chosen() : state.runs.find(reads) ?? chosen();
}

async function askFiles(files) {
  if (!files.length || !state.runs.length) return;
  const run = runFor(files[0].name);
  at("run").value = run.name;
  describe();
  const body = () => {
    const form = new FormData();
    for (const file of files) form.append("file", file);
    return { method: "POST", body: form };
  };
  await ask(run, body, Array.from(files, file => file.name).join(", "));
}

async function askText() {
  const text = at("text").value;
  if (!text.trim() || !state.runs.length) return;
  let sample = text;
  try { sample = JSON.parse(text); } catch { /* a text */ }
  if (typeof sample !== "object" || sample === null) sample = text;
  const body = JSON.stringify({ samples: [sample] });
  await ask(chosen(), () => ({ method: "POST", body, headers: { "Content-Type": "application/json" } }), "the text");
}

async function ask(run, body, name) {
  const mine = ++state.asked;
  const isStale = () => mine !== state.asked;
  at("refused").hidden = at("answer").hidden = true;
  at("state").textContent = `Reading ${name} …`;
  const address = `run=${encodeURIComponent(run.name)}`;
  const index = state.indexes.find(each => each.runs.includes(run.name));
  const parts = [
    run.task ? call(`predict?${address}`, body()).then(answer => answer.json()) : null,
    call(`show?${address}`, body()),
    index ? call(`search?${address}&index=${encodeURIComponent(index.name)}&k=8&show=true`, body()).then(answer => answer.json()) : null,
  ];
  const [predicted, seen, found] = await Promise.allSettled(parts);
  if (isStale()) return;
  at("state").textContent = "";
  const failed = [predicted, seen, found].find(part => part.status === "rejected");
  if (failed) { refuse(failed.reason); return; }
  showPredictions(predicted.value);
  await showSeen(seen.value, name);
  showNeighbours(found.value);
  at("answer").hidden = false;
  at("answer").focus();
}

function showPredictions(answer) {
  const cards = (answer?.predictions ?? []).slice(0, MOST).map(prediction => {
    const card = element("div", undefined, { className: "card" });
    const place = prediction.row ? `${prediction.source}, row ${prediction.row}` : prediction.source;
    card.append(element("p", place, { className: "where" }), element("p", prediction.text, { className: "said" }));
    const classes = Object.entries(prediction.probabilities ?? {}).sort((one, other) => other[1] - one[1]);
    if (classes.length) {
      const list = element("dl");
      for (const [name, probability] of classes.slice(0, MOST)) {
        const bar = element("dd");
        bar.append(element("meter", undefined, { value: probability, max: 1, ariaLabel: name }));
        list.append(element("dt", name), bar, element("dd", `${(100 * probability).toFixed(1)} %`, { className: "number" }));
      }
      card.append(list);
    }
    return card;
  });
  const notes = [...(answer?.errors ?? []).map(error => error.problem), ...(answer?.notices ?? [])];
  if (!answer) notes.push("This run gives vectors alone.");
  const more = (answer?.predictions ?? []).length - cards.length;
  if (more > 0) notes.push(`and ${more} more`);
  at("predictions").replaceChildren(...cards, ...notes.map(note => element("p", note, { className: "where" })));
}

async function showSeen(answer, name) {
  const before = at("seen").src;
  at("seen").src = URL.createObjectURL(await answer.blob());
  at("seen").alt = `${name} as the encoder sees it`;
  at("seen-what").textContent = decodeURIComponent(answer.headers.get("X-Seen") ?? "");
  if (before) URL.revokeObjectURL(before);
  await at("seen").decode().catch(() => undefined);
}

function showNeighbours(answer) {
  at("neighbours-part").hidden = !answer;
  const results = answer?.results[0]?.nearest ?? [];
  at("neighbours").replaceChildren(...results.map(result => {
    const card = element("li", undefined, { className: "card" });
    const name = result.source.split("/").slice(-2).join("/");
    const place = result.row ? `${name}, row ${result.row}` : name;
    if (result.picture) card.append(element("img", undefined, { src: result.picture, alt: place }));
    else if (result.text) card.append(element("blockquote", result.text));
    const score = result.score ?? result.distance;
    card.append(element("p", `${result.rank}. ${result.score === undefined ? "distance" : "score"} ${score.toFixed(3)}`));
    card.append(element("p", place, { className: "where", title: result.source }));
    return card;
  }));
}

at("run").addEventListener("change", describe);
at("file").addEventListener("change", async () => { await askFiles(at("file").files); at("file").value = ""; });
at("ask").addEventListener("submit", event => { event.preventDefault(); askText(); });
at("use-token").addEventListener("click", () => { state.token = at("token").value; begin(); });
at("token").addEventListener("keydown", event => {
  if (event.key === "Enter") { event.preventDefault(); at("use-token").click(); }
});
for (const kind of ["dragover", "dragenter"]) {
  document.addEventListener(kind, event => { event.preventDefault(); at("drop").classList.add("over"); });
}
document.addEventListener("dragleave", event => { if (!event.relatedTarget) at("drop").classList.remove("over"); });
document.addEventListener("drop", event => {
  event.preventDefault();
  at("drop").classList.remove("over");
  askFiles(event.dataTransfer.files);
});
begin();
