// The form that asks the model: a row is made of its fields, sent, and the answer shown; the same row as code beside it.
"use strict";

const byId = (id) => document.getElementById(id);
const form = byId("row");
const fields = [...form.querySelectorAll("[data-name]")];
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const MOST_BARS = 30;

const target = location.origin + form.dataset.path;
const control = (field) => field.querySelector(".value");
const missing = (field) => field.querySelector(".missing");
const element = (name, text, className) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
};

// The value of a field as JSON: a number as it was typed, so that no digit is lost.
function jsonOf(field) {
  if (missing(field)?.checked) return "null";
  const input = control(field);
  if (field.dataset.kind === "boolean") return String(input.checked);
  const text = input.value;
  if (field.dataset.numeric !== undefined && NUMBER.test(text.trim())) return text.trim();
  return text === "" && field.dataset.kind !== "text" ? "null" : JSON.stringify(text);
}

function rowOf(open, between, literal) {
  const pairs = fields.map((field) => JSON.stringify(field.dataset.name) + ": " + literal(jsonOf(field)));
  return open + pairs.join(between) + "}";
}

const bodyOf = () => `{"data": ${rowOf("{", ", ", (json) => json)}}`;
const asPython = (json) => ({ null: "None", true: "True", false: "False" })[json] ?? json;

// The same request, to be copied.
function showCode() {
  const lines = (indent, literal) => rowOf("{\n" + indent, ",\n" + indent, literal);
  const body = `{"data": ${lines("  ", (json) => json)}}`;
  byId("curl").textContent =
    `curl -s ${target} -H 'content-type: application/json' -d '${body.replaceAll("'", "'\\''")}'`;
  byId("python").textContent =
    "import json\nfrom urllib.request import Request, urlopen\n\n" +
    `row = ${lines("    ", asPython)}\nbody = json.dumps({"data": row}).encode()\n` +
    `request = Request(${JSON.stringify(target)}, body, {"content-type": "application/json"})\n` +
    "print(json.load(urlopen(request)))";
  byId("javascript").textContent =
    `const row = ${lines("  ", (json) => json)};\nconst answer = await fetch(${JSON.stringify(target)}, {\n` +
    '  method: "POST",\n  headers: {"content-type": "application/json"},\n  body: JSON.stringify({data: row}),\n});\n' +
    "console.log(await answer.json());";
}

// What is said of a field, or of the whole request where it is of none.
function say(path, message, kind) {
  const last = path.split("/").slice(2).map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))[0];
  const field = fields.find((each) => each.dataset.name === last);
  const place = field ? field.querySelector(".said") : byId("problems");
  place.append(element("p", field ? message : `${path} ${message}`.trim(), kind));
  if (field && kind === "problem") control(field).setAttribute("aria-invalid", "true");
}

function clear() {
  for (const place of form.querySelectorAll(".said")) place.replaceChildren();
  for (const field of fields) control(field).removeAttribute("aria-invalid");
  byId("problems").replaceChildren();
}

function showAnswer(answer) {
  const parts = [element("p", String(answer.prediction), "prediction")];
  if (answer.interval) parts.push(element("p", `between ${answer.interval[0]} and ${answer.interval[1]}`, "note"));
  if (answer.labels) parts.push(element("p", `likely: ${answer.labels.join(", ") || "none"}`, "note"));
  const shares = Object.entries(answer.probabilities ?? {}).sort((one, other) => other[1] - one[1]);
  if (shares.length) {
    const list = element("dl", undefined, "bars");
    for (const [label, share] of shares.slice(0, MOST_BARS)) {
      const bar = element("span", undefined, "bar");
      bar.style.width = `${100 * share}%`;
      const cell = element("dd");
      cell.append(bar, element("span", `${(100 * share).toFixed(1)} %`, "share"));
      list.append(element("dt", label), cell);
    }
    parts.push(list);
    if (shares.length > MOST_BARS) parts.push(element("p", `… and ${shares.length - MOST_BARS} more`, "note"));
  }
  parts.push(element("p", `by ${answer.model.name}:${answer.model.version}`, "note"));
  byId("answer").replaceChildren(...parts);
}

async function ask(event) {
  event?.preventDefault();
  clear();
  byId("answer").replaceChildren(element("p", "…", "note"));
  try {
    const got = await fetch(target, {
      method: "POST", headers: { "content-type": "application/json" }, body: bodyOf(),
    });
    const told = await got.json();
    byId("raw").textContent = JSON.stringify(told, null, 1);
    if (got.ok) {
      showAnswer(told);
      for (const { path, message } of told.warnings ?? []) say(path, message, "warning");
    } else {
      byId("answer").replaceChildren(element("p", `${got.status}: ${told.detail}`, "problem"));
      for (const { path, message } of told.errors ?? []) say(path, message, "problem");
    }
  } catch (error) {
    byId("answer").replaceChildren(element("p", `no answer: ${error.message}`, "problem"));
  }
}

// A line of CSV, or a header and a line, as a spreadsheet gives them: separated by tabs, semicolons or commas.
function cellsOf(line) {
  const mark = ["\t", ";", ","].find((each) => line.includes(each)) ?? ",";
  const cells = [""];
  let quoted = false;
  for (let place = 0; place < line.length; place++) {
    const letter = line[place];
    if (letter === '"' && quoted && line[place + 1] === '"') cells[cells.length - 1] += line[++place];
    else if (letter === '"') quoted = !quoted;
    else if (letter === mark && !quoted) cells.push("");
    else cells[cells.length - 1] += letter;
  }
  return cells;
}

function paste() {
  const [first, second] = byId("csv").value.split(/\r?\n/).filter((line) => line.trim() !== "").map(cellsOf);
  const told = byId("pasted");
  told.textContent = "";
  if (!first) return;
  const names = second ? first.map((name) => name.trim()) : fields.map((field) => field.dataset.name);
  const cells = second ?? first;
  const absent = fields.map((field) => field.dataset.name).filter((name) => !names.includes(name));
  if (absent.length || (!second && cells.length !== fields.length)) {
    told.textContent = second
      ? `the header has no ${absent.join(", ")}`
      : `the line has ${cells.length} values, and the model ${fields.length} features`;
    return;
  }
  for (const field of fields) fill(field, cells[names.indexOf(field.dataset.name)] ?? "");
  showCode();
}

function fill(field, text) {
  const input = control(field);
  const none = missing(field);
  if (none) none.checked = text.trim() === "";
  if (field.dataset.kind === "boolean") input.checked = /^(true|1)$/i.test(text.trim());
  else if (input.tagName === "SELECT" && ![...input.options].some((option) => option.value === text)) {
    if (text !== "") input.add(new Option(text, text)); // which the model may refuse, and says so
    if (text !== "") input.value = text;
  } else if (text !== "" || !none) input.value = text;
  follow(field);
}

// A slider shows the number beside it, and a value that is missing cannot be typed.
function follow(field) {
  const slider = field.querySelector(".slider");
  const input = control(field);
  if (slider && NUMBER.test(input.value.trim())) slider.value = input.value;
  input.disabled = missing(field)?.checked ?? false;
  if (slider) slider.disabled = input.disabled;
}

for (const field of fields) {
  field.addEventListener("input", (event) => {
    if (event.target.classList.contains("slider")) control(field).value = event.target.value;
    follow(field);
    showCode();
  });
}
form.addEventListener("submit", ask);
form.addEventListener("reset", () => setTimeout(() => { clear(); fields.forEach(follow); showCode(); }));
byId("csv").addEventListener("input", paste);
fields.forEach(follow);
showCode();
