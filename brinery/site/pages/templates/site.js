// The registry's pages: tables that sort and filter, times as ages, and two versions beside each other.
"use strict";

const byId = (id) => document.getElementById(id);
const dataOf = (id) => JSON.parse(byId(id)?.textContent ?? "null");
const SHOWN = 200; // rows at once
const PATIENCE = 8000; // milliseconds for a version's page to answer

function element(name, className, ...inside) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...inside);
  return made;
}

// How long ago, in the largest whole unit.
function age(moment) {
  const seconds = (Date.now() - Date.parse(moment)) / 1000;
  if (!(seconds > -60)) return moment; // it is yet to come, or is none
  for (const [unit, length] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    const count = Math.floor(seconds / length);
    if (count >= 1) return `${count} ${unit}${count === 1 ? "" : "s"} ago`;
  }
  return "just now";
}

function tellAges(within) {
  for (const time of within.querySelectorAll("time.age")) {
    time.title = time.dateTime;
    time.textContent = age(time.dateTime);
  }
}

// ---- Tables. A row is made of its HTML, or of data where it is beyond those that are HTML.

function rowOfData(cells, columns) {
  const row = element("tr");
  cells.forEach((cell, place) => {
    const made = element(place ? "td" : "th", columns[place].className);
    if (!place) made.scope = "row";
    let text = cell.text ?? "";
    if (cell.moment) {
      text = element("time", "age", text);
      text.dateTime = cell.moment;
    }
    if (cell.link) {
      const link = element("a", "", text);
      link.href = cell.link;
      text = link;
    }
    made.append(text);
    if (cell.badge) made.append(" ", element("span", `badge b-${cell.badge.replace(" ", "-")}`, cell.badge));
    if (cell.small) made.append(element("small", "", cell.small));
    row.append(made);
  });
  tellAges(row);
  return row;
}

const keyOf = (text) => (text === "" || text === undefined ? null : Number.isNaN(Number(text)) ? text : Number(text));

function compareKeys(one, other) {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other), "en", { numeric: true });
}

function makeTable(table) {
  const headings = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => ({
    row,
    keys: [...row.cells].map((cell) => keyOf(cell.dataset.by ?? cell.textContent.trim())),
    words: row.textContent.toLowerCase(),
  }));
  for (const cells of dataOf(`${table.id}-beyond`) ?? []) {
    const words = cells.map((cell) => `${cell.text ?? ""} ${cell.badge ?? ""} ${cell.small ?? ""}`);
    rows.push({ cells, keys: cells.map((cell) => keyOf(cell.by ?? cell.text)), words: words.join(" ").toLowerCase() });
  }
  const tools = byId(`${table.id}-tools`);
  const filter = tools.querySelector("input");
  const told = tools.querySelector("output");
  const more = byId(`${table.id}-more`);
  let order = rows;
  let most = SHOWN;

  function show() {
    const asked = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fitting = order.filter(({ words }) => asked.every((word) => words.includes(word)));
    body.replaceChildren(...fitting.slice(0, most).map((each) => (each.row ??= rowOfData(each.cells, headings))));
    const left = fitting.length - Math.min(most, fitting.length);
    told.value = `${fitting.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} ${table.dataset.of}`;
    more.hidden = left === 0;
    more.textContent = `Show ${Math.min(SHOWN, left)} more of ${left.toLocaleString("en")}`;
  }

  function sort(place) {
    const down = headings[place].getAttribute("aria-sort") === "ascending";
    headings.forEach((each) => each.removeAttribute("aria-sort"));
    headings[place].setAttribute("aria-sort", down ? "descending" : "ascending");
    const sign = down ? -1 : 1;
    order = rows.toSorted((one, other) => {
      const [a, b] = [one.keys[place], other.keys[place]];
      if (a === null || b === null) return (a === null) - (b === null); // what is not there comes last
      return sign * compareKeys(a, b);
    });
    show();
  }

  headings.forEach((heading, place) => {
    const button = element("button", "sort", ...heading.childNodes);
    button.type = "button";
    button.addEventListener("click", () => sort(place));
    heading.append(button);
  });
  filter.addEventListener("input", () => { most = SHOWN; show(); });
  more.addEventListener("click", () => { most += SHOWN; show(); });
  tools.hidden = false;
  show();
}

// ---- Two versions. Each one's own page tells what it is, as no page may read another's file.

function answer() {
  const version = dataOf("version");
  if (version && parent !== self) parent.postMessage(version, location.protocol === "file:" ? "*" : location.origin);
}

function ask(number) {
  return new Promise((found, failed) => {
    const frame = element("iframe");
    frame.hidden = true;
    frame.title = `version ${number}`;
    frame.src = `${number}.html`;
    const end = () => { clearTimeout(late); removeEventListener("message", hear); frame.remove(); };
    const silent = `the page of version ${number} does not answer`;
    const late = setTimeout(() => { end(); failed(new Error(silent)); }, PATIENCE);
    function hear(event) {
      if (event.source !== frame.contentWindow || event.data?.number !== number) return;
      end();
      found(event.data);
    }
    addEventListener("message", hear);
    frame.addEventListener("load", () => setTimeout(() => { end(); failed(new Error(silent)); }, 1000)); // it told before
    document.body.append(frame);
  });
}

const textOf = (value) => (value === undefined ? "–" : typeof value === "string" ? value : JSON.stringify(value));

function figure(value) {
  const size = Math.abs(value);
  if (size >= 1e15 || (size > 0 && size < 0.001)) return value.toPrecision(5);
  return value.toLocaleString("en", { minimumFractionDigits: size < 1000 ? 4 : 1, maximumFractionDigits: size < 1000 ? 4 : 1 });
}

function table(heads, rows, numbers) {
  const head = element("tr", "", ...heads.map((text, place) => {
    const made = element("th", numbers && place ? "n" : "", text);
    made.scope = "col";
    return made;
  }));
  const scroll = element("div", "scroll", element("table", numbers ? "data few compared" : "data beside",
    element("thead", "", head), element("tbody", "", ...rows)));
  scroll.tabIndex = 0;
  return scroll;
}

// A name breaks behind its separators.
const nameOf = (name) => element("bdi", "", ...name.split(/(?<=[_/.])/).flatMap((part) => [part, element("wbr")]));

function rowOf(name, cells, className, numbers) {
  const heading = element("th", "", nameOf(name));
  heading.scope = "row";
  return element("tr", className, heading, ...cells.map((cell) => element("td", numbers ? "n" : "", cell)));
}

function measured(found) {
  if (!found) return element("span", "", "–");
  const [value, low, high] = found;
  const made = element("span", "", figure(value));
  if (low !== null) made.append(element("small", "", `${figure(low)} to ${figure(high)}`));
  return made;
}

// Better or worse is said of figures alone that were taken on the same rows.
function difference(before, after, less, comparable) {
  if (!before || !after) return element("span", "", "–");
  const change = after[0] - before[0];
  if (change === 0) return element("span", "", "0");
  const better = change > 0 !== less;
  const sign = change > 0 ? "+" : "−";
  const within = inside(after[0], before) && inside(before[0], after); // so that it may be chance
  const size = Math.abs(change) < 0.001 ? Math.abs(change).toPrecision(2) : figure(Math.abs(change));
  if (!comparable) return element("span", "", sign + size);
  const word = `${better ? "better" : "worse"}${within ? ", within the intervals" : ""}`;
  return element("span", within ? "" : better ? "passed" : "failed", sign + size, element("small", "", word));
}

const inside = (value, [, low, high]) => low !== null && low <= value && value <= high;

function metrics(before, after, less, heads) {
  const names = [...new Set([...Object.keys(before.metrics), ...Object.keys(after.metrics)])];
  const others = new Map(after.held_out);
  const unlike = before.held_out.filter(([name, told]) => told !== others.get(name)).map(([name]) => name);
  const made = table(["metric", ...heads, "difference"], names.map((name) => {
    const pair = [before, after].map((each) => (Object.hasOwn(each.metrics, name) ? each.metrics[name] : undefined));
    const row = rowOf(name, [...pair.map(measured), difference(...pair, less.includes(name), !unlike.length)], "", true);
    if (less.includes(name)) row.cells[0].append(element("small", "", "less is better"));
    return row;
  }), true);
  const told = `The held-out rows are not the same (${unlike.join(", ")} differ${unlike.length === 1 ? "s" : ""}): what differs may come of that.`;
  return unlike.length ? [element("p", "note", told), made] : [made];
}

// What differs, and how much does not.
function beside(before, after, heads, what) {
  const [one, other] = [new Map(before), new Map(after)];
  const names = [...new Set([...one.keys(), ...other.keys()])];
  const changed = names.filter((name) => textOf(one.get(name)) !== textOf(other.get(name)));
  const same = names.length - changed.length;
  const parts = [];
  if (changed.length) parts.push(table([what, ...heads], changed.map((name) =>
    rowOf(name, [one, other].map((each) => element("bdi", "", textOf(each.get(name))))))));
  parts.push(element("p", "note", names.length ? `The same in both: ${changed.length ? same : "all"}.` : "There are none."));
  return parts;
}

function golden(before, after, heads) {
  for (const each of [before, after]) if (each.golden.why) return [element("p", "note", `Not compared: ${each.golden.why}`)];
  const keyed = ({ golden: { features, rows, answers } }) => new Map(rows.map((row, place) => {
    const cells = features.map((name, column) => [name, row[column]]).sort(([a], [b]) => (a < b ? -1 : 1));
    return [JSON.stringify(cells), { cells, answer: answers[place] }];
  }));
  const [one, other] = [keyed(before), keyed(after)];
  const shared = [...one.keys()].filter((key) => other.has(key));
  if (!shared.length) return [element("p", "note", `None of the ${one.size} and ${other.size} golden rows is the same; \`registry diff\` asks both versions.`)];
  const rowsOf = (keys) => table(["row", ...heads], keys.map((key) => {
    const { cells, answer: first } = one.get(key);
    const second = other.get(key).answer;
    const told = cells.slice(0, 4).map(([name, value]) => `${name} ${textOf(value)}`).join(", ") + (cells.length > 4 ? ", …" : "");
    const cellsOf = ([answer, share]) => element("span", "", element("bdi", "", answer), element("small", "", share));
    return rowOf(told, [first, second].map(cellsOf), first[0] === second[0] ? "" : "differs");
  }));
  const differs = (key) => one.get(key).answer[0] !== other.get(key).answer[0];
  const [unlike, alike] = [shared.filter(differs), shared.filter((key) => !differs(key))];
  const parts = [element("p", "note", `Of ${counted(shared.length, "row")} that both have, ${unlike.length} get${unlike.length === 1 ? "s" : ""} another answer.`)];
  if (unlike.length) parts.push(rowsOf(unlike));
  if (alike.length) parts.push(element("details", "", element("summary", "", `${counted(alike.length, "row")} with the same answer`), rowsOf(alike)));
  return parts;
}

const counted = (count, of) => `${count} ${of}${count === 1 ? "" : "s"}`;

function makeComparison(model) {
  const [before, after] = [byId("before"), byId("after")];
  const result = byId("result");
  const numbers = model.versions.map(([number]) => number);
  for (const [number, mark] of model.versions) {
    for (const select of [before, after]) select.add(new Option(mark ? `${number} (${mark})` : number, number));
  }
  let turn = 0;

  function choose() {
    const [one, other] = location.hash.slice(1).split("..");
    const newest = numbers[0];
    const second = numbers.includes(Number(other)) ? Number(other) : newest;
    const usual = numbers[numbers.indexOf(second) + 1] ?? second;
    const named = one === "promoted" ? model.promoted : Number(one);
    before.value = numbers.includes(named) ? named : usual;
    after.value = second;
    return show();
  }

  async function show() {
    const mine = ++turn;
    const pair = [Number(before.value), Number(after.value)];
    const heads = pair.map((number) => `version ${number}`);
    result.setAttribute("aria-busy", "true");
    try {
      const [one, other] = await Promise.all(pair.map(ask));
      if (mine !== turn) return;
      const parts = [["Metrics", metrics(one, other, model.less, heads)]];
      for (const [title, key, what] of [["What they are", "facts", "fact"], ["Features", "features", "feature"],
        ["Data", "data", "fact"], ["Parameters", "parameters", "parameter"], ["Libraries", "libraries", "library"]]) {
        parts.push([title, beside(one[key], other[key], heads, what)]);
      }
      parts.push(["Golden rows", golden(one, other, heads)]);
      result.replaceChildren(...parts.map(([title, inside]) => element("section", "", element("h2", "", title), ...inside)));
    } catch (error) {
      if (mine === turn) result.replaceChildren(element("p", "failed", error.message));
    }
    if (mine === turn) result.removeAttribute("aria-busy");
  }

  const changed = () => { history.replaceState(null, "", `#${before.value}..${after.value}`); show(); };
  before.addEventListener("change", changed);
  after.addEventListener("change", changed);
  byId("swap").addEventListener("click", () => {
    [before.value, after.value] = [after.value, before.value];
    changed();
  });
  addEventListener("hashchange", choose);
  byId("choice").hidden = false;
  choose();
}

answer();
if (parent === self) {
  tellAges(document);
  document.querySelectorAll("table[data-of]").forEach(makeTable);
  const model = dataOf("comparison");
  if (model) makeComparison(model);
}
