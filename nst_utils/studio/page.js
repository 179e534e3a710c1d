// The page of the studio. It shows what the kernel's side (page.py) tells, and sends what is done here; it knows no
// setting by itself. Everything that comes from files and messages goes into the page as text, never as HTML.

const PART = 1 << 20; // bytes of a file sent at a time
const PAUSE = 250; // milliseconds without another change before a change is sent
// Milliseconds between two signs of life, and of silence from the kernel after which the page says so.
const [ALIVE, SILENCE] = [4000, 12000];

let pages = 0;

function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null));
  return element;
}

function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** The action, once its caller has paused; what still waits is done at once by flush(). */
function debounced(waiting, action) {
  let timer, now;
  return (...given) => {
    clearTimeout(timer);
    waiting.delete(now);
    now = () => {
      clearTimeout(timer);
      waiting.delete(now);
      action(...given);
    };
    waiting.add(now);
    timer = setTimeout(now, PAUSE);
  };
}

function flush(waiting) {
  for (const now of [...waiting]) now();
}

function short(number) {
  if (!Number.isFinite(number)) return "";
  return number === 0 || (Math.abs(number) >= 0.01 && Math.abs(number) < 1e5)
    ? String(Number(number.toPrecision(3)))
    : number.toExponential(2);
}

/** A bytes trait as an <img>'s source; the one before is given back. */
function showBytes(image, bytes) {
  const old = image.src;
  if (!bytes || !bytes.byteLength) return;
  image.src = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
  if (old.startsWith("blob:")) image.addEventListener("load", () => URL.revokeObjectURL(old), { once: true });
}

function save(name, data) {
  const link = h("a", { href: URL.createObjectURL(new Blob([data])), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function notebookAddress(model, name) {
  const base = model.get("notebooks");
  if (base) return `${base}/${name}.html`;
  // As a web application of a Jupyter server, they open in JupyterLab.
  const here = window.location.pathname.replace("/voila/render/", "/lab/tree/");
  return /\/(tree|notebooks)\//.test(here) ? here.replace(/[^/]*$/, `${name}.ipynb`) : null;
}

function notebookLink(model, name) {
  const number = Number(name.slice(0, 2));
  const address = notebookAddress(model, name);
  const title = `Explained in notebook ${number}: ${name.slice(3).replaceAll("_", " ")}`;
  if (!address) return h("span", { class: "nst-note", title }, `notebook ${number}`);
  return h("a", { href: address, target: "_blank", rel: "noopener", title, "aria-label": title }, `notebook ${number}`);
}

// Controls of the settings

function controlOf(model, about, prefix, changed) {
  const id = `${prefix}-${about.name}`;
  const help = h("p", { class: "nst-help", id: `${id}-help` }, about.help, " ", h("code", {}, about.flag));
  const title = about.first ? about.first.title : about.name.replaceAll("_", " ");
  const wrap = (...inputs) =>
    h("div", { class: "nst-control", "data-setting": about.name },
      h("div", { class: "nst-row" }, h("label", { for: id }, title), notebookLink(model, about.notebook)),
      h("div", { class: "nst-row" }, ...inputs), help);
  if (about.kind === "paintings") {
    return h("div", { class: "nst-control", "data-setting": about.name },
      h("div", { class: "nst-row" }, h("span", {}, title), notebookLink(model, about.notebook)), help,
      h("p", { class: "nst-help" }, "Set beside each painting."));
  }
  if (about.kind === "choice" || about.kind === "start") {
    const select = h("select", { id, "aria-describedby": `${id}-help`, onchange: changed },
      h("option", { value: "" }, about.kind === "start" ? `as usual: ${about.default}` : about.default),
      about.words.filter((word) => word !== about.default).map((word) => h("option", { value: word }, word)));
    if (about.kind === "start") select.append(h("option", { value: "upload", disabled: true }, "a picture of yours"));
    const control = wrap(select);
    control.usual = (text) => { select.options[0].textContent = `as usual: ${text}`; };
    control.read = () => select.value;
    control.write = (text) => {
      for (const option of select.options) if (option.value === text) option.disabled = false;
      select.value = text;
    };
    return control;
  }
  const input = h("input", {
    id, type: "text", inputmode: about.kind === "number" ? "decimal" : "text", placeholder: about.default,
    autocomplete: "off", spellcheck: "false", "aria-describedby": `${id}-help`, onchange: changed,
  });
  let range = null;
  let usual = about.start;
  const first = about.first;
  if (first && first.low !== undefined) {
    const to = (value) => (first.log ? Math.log(value) : value);
    range = h("input", {
      type: "range", "aria-label": `${title}, slider`, min: to(first.low), max: to(first.high),
      step: first.log ? 0.01 : first.step, value: to(about.start),
      oninput: () => {
        const value = first.log ? Math.exp(range.value) : Number(range.value);
        input.value = first.log ? String(Number(value.toPrecision(2))) : String(value);
        changed();
      },
    });
    range.follow = () => {
      const value = Number(input.value.trim() || usual);
      if (value > 0 || !first.log) range.value = to(value);
    };
    input.addEventListener("input", range.follow);
  }
  const control = wrap(range, input);
  if (range) control.classList.add("nst-with-range");
  control.usual = (text) => {
    usual = input.placeholder = text;
    if (range) range.follow();
  };
  control.read = () => input.value.trim();
  control.write = (text) => {
    input.value = text;
    if (range) range.follow();
  };
  return control;
}

function settingsForm(model, prefix, send, waiting) {
  const controls = new Map();
  let sent = 0, skipped = false;
  const changed = debounced(waiting, () => {
    const texts = {};
    for (const [name, control] of controls) if (control.read && control.read()) texts[name] = control.read();
    send({ do: "set", texts, page: prefix, number: ++sent });
  });
  // What comes back of an earlier change must not undo a later one, which is still waiting or on its way.
  const settled = () => waiting.size === 0 && (model.get("answered")[prefix] || 0) >= sent;
  const first = h("div", { class: "nst-first" });
  const more = h("details", { class: "nst-more" }, h("summary", {}, "More settings"));
  const groups = new Map();
  for (const about of model.get("form")) {
    const control = controlOf(model, about, prefix, changed);
    controls.set(about.name, control);
    if (about.first) continue;
    if (!groups.has(about.group)) {
      const group = h("fieldset", {}, h("legend", {}, model.get("groups")[about.group]));
      groups.set(about.group, group);
    }
    groups.get(about.group).append(control);
  }
  const inOrder = model.get("form").filter((about) => about.first).sort((a, b) => a.first.rank - b.first.rank);
  first.append(...inOrder.map(({ name }) => controls.get(name)));
  for (const name of Object.keys(model.get("groups"))) if (groups.has(name)) more.append(groups.get(name));
  const show = () => {
    skipped = !settled();
    if (skipped) return;
    const texts = model.get("texts");
    for (const [name, control] of controls) {
      if (control.write && control.read() !== (texts[name] || "")) control.write(texts[name] || "");
    }
  };
  const tellUsual = () => {
    for (const [name, text] of Object.entries(model.get("usual"))) if (text) controls.get(name).usual(text);
  };
  model.on("change:texts", show);
  model.on("change:answered", () => skipped && show());
  model.on("change:usual", tellUsual);
  show();
  tellUsual();
  return { first, more };
}

// Pictures to choose

function uploader(model, send, say) {
  let number = 0;
  return async (file, what, extra = {}) => {
    const most = model.get("limits").bytes;
    if (file.size > most || file.size === 0) {
      say(file.size ? `${file.name} has ${Math.round(file.size / 1e6)} MB: at most ${most / 1e6} are taken, make it ` +
        "smaller first." : `${file.name} is empty: give a picture.`, true);
      return;
    }
    const id = `${Date.now()}-${number++}`;
    for (let part = 0; part * PART < file.size; part++) {
      const data = await file.slice(part * PART, (part + 1) * PART).arrayBuffer();
      send({ do: "upload", id, what, name: file.name, size: file.size, part, ...extra }, [data]);
    }
  };
}

function fileButton(words, accept, taken, id, kind = "") {
  const input = h("input", {
    type: "file", accept, id, class: "nst-file", "aria-label": words,
    onchange: () => {
      for (const file of input.files) taken(file);
      input.value = "";
    },
  });
  return h("label", { class: `nst-button ${kind}`, for: id }, words, input);
}

/** A window with the camera's picture, and a button that takes it; nothing where the browser has no camera for us. */
function cameraButton(taken, say) {
  if (!navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) return null;
  return h("button", {
    type: "button", class: "nst-button nst-small",
    onclick: async () => {
      let stream;
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: true });
      } catch {
        say("The camera cannot be used: allow it in the browser, or choose a file.", true);
        return;
      }
      const video = h("video", { autoplay: true, playsinline: true, "aria-label": "What the camera sees" });
      video.muted = true;
      video.srcObject = stream;
      const dialog = h("dialog", { class: "nst-dialog", "aria-label": "Camera" }, video,
        h("div", { class: "nst-row" },
          h("button", {
            type: "button", class: "nst-button nst-main",
            onclick: () => {
              const canvas = h("canvas", { width: video.videoWidth, height: video.videoHeight });
              canvas.getContext("2d").drawImage(video, 0, 0);
              canvas.toBlob((blob) => blob && taken(new File([blob], "camera.png")), "image/png");
              dialog.close();
            },
          }, "Take the picture"),
          h("button", { type: "button", class: "nst-button", onclick: () => dialog.close() }, "Close")));
      dialog.addEventListener("close", () => {
        stream.getTracks().forEach((track) => track.stop());
        dialog.remove();
      });
      document.body.append(dialog);
      dialog.showModal();
    },
  }, "Camera");
}

function gallery(model, kind, taken) {
  const words = kind === "content" ? "Example photos" : "Example paintings";
  const buttons = new Map((model.get("gallery")[kind] || []).map(({ name, url }) =>
    [name, h("button", { type: "button", class: "nst-thumb", title: name, onclick: () => taken(name) },
      h("img", { src: url, alt: name }))]));
  const mark = () => {
    const chosen = kind === "content" ? [model.get("photo")] : model.get("paintings");
    for (const [name, button] of buttons) {
      button.setAttribute("aria-pressed", String(chosen.some((each) => each.name === name)));
    }
  };
  model.on(kind === "content" ? "change:photo" : "change:paintings", mark);
  mark();
  return h("div", { class: "nst-gallery", role: "group", "aria-label": words }, [...buttons.values()]);
}

function photoChooser(model, prefix, send, upload, say) {
  const image = h("img", { class: "nst-chosen", alt: "" });
  const name = h("p", { class: "nst-name" });
  const show = () => {
    const { url, name: words } = model.get("photo");
    if (url) image.src = url;
    image.alt = words ? `The photo: ${words}` : "";
    name.textContent = words || "";
  };
  model.on("change:photo", show);
  show();
  const take = (file) => upload(file, "photo");
  const section = h("section", { class: "nst-card nst-photo", "aria-labelledby": `${prefix}-photo` },
    h("h2", { id: `${prefix}-photo` }, "Photo"),
    h("div", { class: "nst-row" }, image, h("div", {}, name,
      h("div", { class: "nst-row" },
        fileButton("Upload a photo", "image/*", take, `${prefix}-photo-file`, "nst-small"), cameraButton(take, say)))),
    gallery(model, "content", (example) => send({ do: "example", what: "photo", name: example })));
  droppable(section, take);
  return section;
}

function droppable(element, taken) {
  element.addEventListener("dragover", (event) => event.preventDefault());
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    for (const file of event.dataTransfer.files) taken(file);
  });
}

function paintingsChooser(model, prefix, send, upload, waiting) {
  const list = h("ul", { class: "nst-paintings" });
  // A slider that is being dragged stays where it is: only other paintings or masks make another list.
  let drawn = null;
  const show = () => {
    const paintings = model.get("paintings");
    const sliders = paintings.flatMap(({ weight, scale }) => [weight, scale]);
    const key = JSON.stringify(paintings.map(({ name, url, mask, mask_name }) => [name, url, mask, mask_name]));
    if (key === drawn) {
      list.querySelectorAll("input[type=range]").forEach((slider, index) => {
        if (slider !== document.activeElement) slider.value = sliders[index];
      });
      return;
    }
    drawn = key;
    const focused = list.contains(document.activeElement) ? document.activeElement.id : null;
    list.replaceChildren(...paintings.map((each, index) => {
      const id = `${prefix}-painting-${index}`;
      const weight = h("input", {
        type: "range", id: `${id}-weight`, min: 0, max: 4, step: 0.05, value: each.weight,
      });
      const weigh = debounced(waiting, () => send({ do: "painting", index, weight: weight.value }));
      weight.addEventListener("input", weigh);
      const scale = h("input", {
        type: "range", id: `${id}-scale`, min: 0.25, max: 4, step: 0.05, value: each.scale,
      });
      const brush = debounced(waiting, () => send({ do: "painting", index, scale: scale.value }));
      scale.addEventListener("input", brush);
      const mask = h("select", {
        id: `${id}-mask`,
        onchange: () => {
          if (mask.value === "upload") file.click();
          else send({ do: "painting", index, mask: mask.value });
        },
      }, h("option", { value: "all" }, "everywhere"), h("option", { value: "rest" }, "where no other mask is"),
      h("option", { value: "picture", hidden: each.mask !== "picture" }, each.mask_name || "a mask"),
      h("option", { value: "upload" }, "where a mask is white ..."));
      mask.value = each.mask;
      const file = h("input", {
        type: "file", accept: "image/*", class: "nst-file", tabindex: "-1", "aria-label": `Mask of ${each.name}`,
        onchange: () => file.files[0] && upload(file.files[0], "mask", { index }),
        oncancel: () => { mask.value = each.mask; },
      });
      const several = paintings.length > 1;
      return h("li", { class: "nst-painting" },
        h("img", { class: "nst-chosen", src: each.url, alt: `The painting: ${each.name}` }),
        h("div", {},
          h("div", { class: "nst-row" }, h("p", { class: "nst-name" }, each.name),
            h("button", {
              type: "button", class: "nst-button nst-small", "aria-label": `Remove ${each.name}`,
              onclick: () => send({ do: "remove", index }),
            }, "Remove")),
          several ? h("div", { class: "nst-row" }, h("label", { for: `${id}-weight` }, "Weight"), weight) : null,
          several ? h("div", { class: "nst-row" }, h("label", { for: `${id}-scale` }, "Brush"), scale) : null,
          several ? h("div", { class: "nst-row" }, h("label", { for: `${id}-mask` }, "Goes"), mask, file) : null));
    }));
    if (focused) list.querySelector(`#${CSS.escape(focused)}`)?.focus();
  };
  model.on("change:paintings", show);
  show();
  const add = h("input", { type: "checkbox", id: `${prefix}-add` });
  const instead = () => ({ instead: !add.checked });
  const take = (file) => upload(file, "painting", instead());
  const section = h("section", { class: "nst-card nst-paintings-card", "aria-labelledby": `${prefix}-paintings` },
    h("h2", { id: `${prefix}-paintings` }, "Painting"), list,
    h("div", { class: "nst-row" },
      fileButton("Upload a painting", "image/*", take, `${prefix}-painting-file`, "nst-small"),
      h("span", {}, add, " ", h("label", { for: `${prefix}-add` }, "add to the others"))),
    gallery(model, "style", (name) => send({ do: "example", what: "painting", name, ...instead() })));
  droppable(section, take);
  return section;
}

// The stage: the picture, its curve, its film strip

function stage(model, prefix) {
  const after = h("img", { class: "nst-after", alt: "The picture" });
  const before = h("img", { class: "nst-before", alt: "" });
  const line = h("div", { class: "nst-line" });
  const sheet = h("div", { class: "nst-sheet" }, after, before, line);
  const frame = h("div", { class: "nst-frame", tabindex: "0", role: "region", "aria-label": "The picture" }, sheet);
  const compare = h("input", {
    type: "range", id: `${prefix}-compare`, min: 0, max: 100, value: 0,
    oninput: () => {
      before.style.clipPath = `inset(0 ${100 - compare.value}% 0 0)`;
      line.style.left = `${compare.value}%`;
      line.hidden = compare.value === "0";
    },
  });
  const zoom = h("input", {
    type: "range", id: `${prefix}-zoom`, min: 1, max: 5, step: 0.25, value: 1,
    oninput: () => { sheet.style.setProperty("--zoom", zoom.value); },
  });
  line.hidden = true;
  const show = () => {
    // Until there is a picture, the photo is shown.
    const none = !model.get("picture")?.byteLength;
    before.style.clipPath = none ? "none" : `inset(0 ${100 - compare.value}% 0 0)`;
    const { width, height, quick, iteration } = model.get("status");
    showBytes(after, model.get("picture"));
    if (!width) return;
    after.alt = quick ? "A quick look at the picture" : `The picture after ${iteration} steps`;
    sheet.style.setProperty("--ratio", width / height);
  };
  model.on("change:picture", show);
  const showBefore = () => showBytes(before, model.get("before"));
  model.on("change:before", showBefore);
  before.addEventListener("load", () => {
    if (!model.get("picture")?.byteLength) sheet.style.setProperty("--ratio", before.naturalWidth / before.naturalHeight);
  });
  show();
  showBefore();
  return [frame, h("div", { class: "nst-row nst-sliders" },
    h("label", { for: `${prefix}-compare` }, "Before / after"), compare,
    h("label", { for: `${prefix}-zoom` }, "Zoom"), zoom)];
}

function strip(model) {
  const list = h("ol", { class: "nst-strip", "aria-label": "Film strip of the run", tabindex: "0" });
  const show = () => list.replaceChildren(...model.get("strip").map(({ step, url }) =>
    h("li", {}, h("img", { src: url, alt: `After ${step} steps` }), h("span", {}, String(step)))));
  model.on("change:strip", show);
  show();
  return list;
}

function curve(model) {
  const [width, height, left, bottom] = [300, 220, 34, 22];
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "No cost yet" });
  const show = () => {
    const points = model.get("curve");
    const status = model.get("status");
    drawing.replaceChildren();
    const values = points.map((point) => point[1]).filter((value) => value > 0);
    if (!values.length) return;
    drawing.setAttribute("aria-label",
      `Total cost over ${points.length} steps: from ${short(values[0])} to ${short(values.at(-1))}`);
    const low = Math.floor(Math.log10(Math.min(...values)));
    const high = Math.max(Math.ceil(Math.log10(Math.max(...values))), low + 1);
    const steps = Math.max(status.planned || 1, points.at(-1)[0], 1);
    const x = (step) => left + (step / steps) * (width - left - 8);
    const y = (value) => 8 + ((high - Math.log10(value)) / (high - low)) * (height - bottom - 12);
    for (let power = low; power <= high; power += Math.ceil((high - low) / 8)) {
      const at = y(10 ** power);
      drawing.append(svg("line", { x1: left, x2: width - 8, y1: at, y2: at, class: "nst-grid" }));
      const words = svg("text", { x: left - 5, y: at + 4, "text-anchor": "end" });
      words.textContent = "10" + String(power).replace(/./g, (sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)]);
      drawing.append(words);
    }
    const path = points.filter((point) => point[1] > 0)
      .map((point) => `${x(point[0]).toFixed(1)},${y(point[1]).toFixed(1)}`).join(" ");
    drawing.append(svg("polyline", { points: path, class: "nst-curve" }));
    const [step, total] = points.at(-1);
    if (total > 0) drawing.append(svg("circle", { cx: x(step), cy: y(total), r: 3, class: "nst-dot" }));
    for (const [at, words, anchor] of [[left, "0", "start"], [width - 8, `${steps} steps`, "end"]]) {
      const text = svg("text", { x: at, y: height - 6, "text-anchor": anchor });
      text.textContent = words;
      drawing.append(text);
    }
  };
  model.on("change:curve", show);
  show();
  return h("figure", { class: "nst-figure" }, drawing, h("figcaption", { class: "nst-help" },
    "Total cost J at each step; where a finer level begins, with costs of its own, it jumps."));
}

// What the formulas say, with the present numbers

/** A formula's text with its _subscripts and ^(superscripts) as elements. */
function written(text) {
  return text.split(/(_[a-zA-Z]+|\^\([A-Z]\))/).map((part) =>
    part[0] === "_" ? h("sub", {}, part.slice(1)) : part[0] === "^" ? h("sup", {}, part.slice(1)) : part);
}

function formulas(model) {
  const values = h("p", { class: "nst-values" });
  const show = () => {
    const { total, content, style, method } = model.get("status");
    const spots = method === "neighbours";
    first.replaceChildren(...written(`J(G) = α J_${spots ? "match" : "content"}(C, G) + β J_style(S, G)`));
    second.replaceChildren(...written(spots ? "J_match = 1/n Σ (1 − cos(v^(G), v^(S))), v^(S) the spot that fits" :
      "J_content = 1/(4 n_H n_W n_C) Σ (a^(C) − a^(G))²"));
    values.textContent = total === undefined ? "" :
      `J = ${short(total)}, J ${spots ? "match" : "content"} = ${short(content)}, J style = ${short(style)}`;
  };
  const [first, second] = [h("p"), h("p")];
  model.on("change:status", show);
  show();
  return h("div", { class: "nst-formulas nst-only-class" }, first, second,
    h("p", {}, ...written("J_style = Σ_l λ_l 1/(4 n_C²(n_H n_W)²) Σ (G^(S) − G^(G))², G = A Aᵀ")), values);
}

function presets(model, root, send) {
  const words = h("p", { class: "nst-help", "aria-live": "polite" });
  let now = 0;
  const go = (number) => {
    const all = model.get("presets");
    now = (number + all.length) % all.length;
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(index === now)));
    words.textContent = all[now].words;
    send({ do: "preset", number: now });
  };
  const buttons = model.get("presets").map(({ title }, index) =>
    h("button", { type: "button", class: "nst-button", "aria-pressed": "false", onclick: () => go(index) }, title));
  const keys = (event) => {
    const typing = event.target instanceof Element && event.target.closest("input, select, textarea, .nst-frame");
    if (!root.classList.contains("nst-class") || typing || event.ctrlKey || event.altKey || event.metaKey) return;
    const step = { ArrowRight: 1, PageDown: 1, n: 1, ArrowLeft: -1, PageUp: -1, p: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    go(now + step);
  };
  document.addEventListener("keydown", keys);
  const section = h("section", { class: "nst-card nst-only-class", "aria-label": "What would happen if" },
    h("h2", {}, "What would happen if"),
    h("div", { class: "nst-row nst-presets" }, buttons), words,
    h("p", { class: "nst-help" }, "The keys → and ← (or n and p) step through them."));
  return { section, end: () => document.removeEventListener("keydown", keys) };
}

function keptPictures(model, send) {
  const list = h("ul", { class: "nst-kept" });
  const section = h("section", { class: "nst-card", "aria-label": "Kept pictures" },
    h("h2", {}, "Side by side"), list);
  const show = () => {
    const kept = model.get("kept");
    section.hidden = !kept.length;
    list.replaceChildren(...kept.map(({ number, title, words, settings, url }) =>
      h("li", {}, h("img", { src: url, alt: `Kept picture ${title}` }), h("p", { class: "nst-name" }, title),
        h("p", { class: "nst-help" }, words), h("p", { class: "nst-help" }, settings),
        h("div", { class: "nst-row" },
          h("button", {
            type: "button", class: "nst-button nst-small", "aria-label": `Download kept picture ${title}`,
            onclick: () => send({ do: "download", what: "kept", number }),
          }, "Download"),
          h("button", {
            type: "button", class: "nst-button nst-small", "aria-label": `Remove kept picture ${title}`,
            onclick: () => send({ do: "drop", number }),
          }, "Remove")))));
  };
  model.on("change:kept", show);
  show();
  return section;
}

function downloads(model, prefix, send, upload) {
  const every = h("input", { id: `${prefix}-every`, type: "text", inputmode: "numeric", value: "1", size: "3" });
  const fps = h("input", { id: `${prefix}-fps`, type: "text", inputmode: "decimal", value: "10", size: "3" });
  const get = (what) => send({ do: "download", what, every: every.value, fps: fps.value });
  const button = (what, words, label) =>
    h("button", { type: "button", class: "nst-button nst-needs-picture", "aria-label": label, onclick: () => get(what) },
      words);
  const section = h("section", { class: "nst-card nst-downloads", "aria-labelledby": `${prefix}-downloads` },
    h("h2", { id: `${prefix}-downloads` }, "Take it with you"),
    h("div", { class: "nst-row" }, button("picture", "Picture (PNG)"), button("settings", "Settings"),
      fileButton("Load settings", ".json,.toml,text/plain", (file) => upload(file, "settings"), `${prefix}-settings`)),
    h("div", { class: "nst-row" }, button(".gif", "GIF", "Film as GIF"), button(".mp4", "MP4", "Film as MP4"),
      button(".webp", "WebP", "Film as WebP"), button(".zip", "Frames", "Frames as a ZIP file"),
      h("span", { class: "nst-row" }, h("label", { for: every.id }, "every"), every,
        h("label", { for: fps.id }, "frames a second"), fps)),
    h("p", { class: "nst-help" }, "The PNG is of the full size and holds its settings; the settings file is one that ",
      h("code", {}, "nst stylize --settings"), " takes."));
  return section;
}

function runBar(model, prefix, send) {
  const message = h("p", { class: "nst-message", role: "status", "aria-live": "polite" });
  const numbers = h("p", { class: "nst-numbers" });
  const progress = h("progress", { max: 1, value: 0, "aria-label": "Progress of the painting" });
  const button = (words, action, kind = "") =>
    h("button", { type: "button", class: `nst-button ${kind}`, onclick: action }, words);
  const paint = button("Paint", () => send({ do: "paint" }), "nst-main");
  const stop = button("Stop", () => {
    stop.disabled = true;
    send({ do: "stop" });
  });
  const steps = h("input", {
    id: `${prefix}-steps`, type: "text", inputmode: "numeric", size: "4", placeholder: "all", autocomplete: "off",
  });
  const goOn = button("Go on", () => send({ do: "go_on", steps: steps.value }));
  const keep = button("Keep beside", () => send({ do: "keep" }));
  const states = {
    idle: "", quick: "Quick look ...", painting: "Painting ...", waiting: "", stopped: "", done: "", failed: "",
  };
  let local = null;
  const show = () => {
    const status = model.get("status");
    const words = local || status.message || states[status.state];
    if (message.textContent !== words) message.textContent = words;
    message.classList.toggle("nst-failed", Boolean(local || status.failed));
    stop.disabled = !status.busy;
    goOn.disabled = keep.disabled = !status.painted || status.busy;
    const { iteration, planned, width, height, full_width, full_height, left, seconds } = status;
    progress.value = iteration === undefined ? 0 : iteration / Math.max(planned, 1);
    if (iteration === undefined) return;
    const level = width === full_width && height === full_height ? `${width}x${height}` :
      `${width}x${height} of ${full_width}x${full_height}`;
    numbers.textContent = [
      status.quick ? "quick look" : `step ${iteration} of ${planned}`, level, `J = ${short(status.total)}`,
      `${seconds.toFixed(1)} s`, left ? `about ${left < 10 ? left.toFixed(1) : Math.round(left)} s left` : null,
    ].filter(Boolean).join(" · ");
  };
  model.on("change:status", show);
  show();
  const say = (words) => {
    local = words;
    show();
  };
  const bar = h("div", { class: "nst-bar" },
    h("div", { class: "nst-row" }, paint, stop, keep),
    h("div", { class: "nst-row" }, goOn, h("label", { for: steps.id }, "for"), steps, " steps"),
    progress, numbers, message);
  return { bar, say };
}

function modes(root) {
  const toggle = (words, name, turned) => {
    const button = h("button", {
      type: "button", class: "nst-button nst-small", "aria-pressed": "false",
      onclick: () => {
        const on = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", String(on));
        turned(on);
      },
    }, words);
    return button;
  };
  const dark = window.matchMedia("(prefers-color-scheme: dark)").matches ||
    document.body.dataset.jpThemeLight === "false";
  const paint = (on) => {
    root.dataset.theme = on ? "dark" : "light";
    if (isAlone()) document.documentElement.dataset.nstTheme = root.dataset.theme;
  };
  paint(dark);
  const themes = toggle("Dark", "dark", paint);
  themes.setAttribute("aria-pressed", String(dark));
  return h("div", { class: "nst-row" }, themes,
    toggle("Class mode", "class", (on) => root.classList.toggle("nst-class", on)));
}

/** A button for each style of the trained network; what it paints comes to the pictures kept. */
function blink(model, prefix, send) {
  const styles = model.get("blink");
  if (!styles.length) return null;
  const buttons = styles.map((style) =>
    h("button", {
      type: "button", class: "nst-button nst-small", "aria-label": `Paint in the style ${style}`,
      onclick: () => send({ do: "blink", style }),
    }, style));
  return h("section", { class: "nst-card nst-blink", "aria-labelledby": `${prefix}-blink` },
    h("div", { class: "nst-row" },
      h("h2", { id: `${prefix}-blink` }, "In a blink"), notebookLink(model, "08_three_approaches")),
    h("p", { class: "nst-help" }, "The photo in one pass of a trained network, which knows these styles. " +
      "Sooner than painting, and less near to a painting."),
    h("div", { class: "nst-row" }, buttons));
}

/** Whether the studio is the whole page, as under Voila, and not one cell of a notebook. */
function isAlone() {
  return document.body.dataset.voila !== undefined;
}

function render({ model, el }) {
  const prefix = `nst-${++pages}`;
  const root = h(isAlone() ? "main" : "div", { class: "nst-studio" });
  // What was changed a moment ago comes before what is asked for now.
  const waiting = new Set();
  const send = (message, buffers) => {
    flush(waiting);
    say(null);
    model.send(message, undefined, buffers);
  };
  const { bar, say } = runBar(model, prefix, send);
  const upload = uploader(model, send, say);
  const form = settingsForm(model, prefix, send, waiting);
  const startUpload = h("div", { class: "nst-row" },
    fileButton("Start from a picture of yours", "image/*", (file) => upload(file, "start"), `${prefix}-start`));
  form.more.append(startUpload);
  const ifs = presets(model, root, send);
  root.append(
    h("header", { class: "nst-head" }, h("h1", {}, "Style transfer studio"), modes(root)),
    h("div", { class: "nst-columns" },
      h("div", { class: "nst-left" },
        photoChooser(model, prefix, send, upload, say), paintingsChooser(model, prefix, send, upload, waiting),
        blink(model, prefix, send),
        h("section", { class: "nst-card", "aria-labelledby": `${prefix}-settings-title` },
          h("h2", { id: `${prefix}-settings-title` }, "How to paint"), form.first, form.more)),
      h("div", { class: "nst-right" },
        h("div", { class: "nst-show" }, h("div", { class: "nst-stage" }, stage(model, prefix), ifs.section, strip(model)),
          h("div", { class: "nst-side" }, bar, curve(model), formulas(model))),
        keptPictures(model, send), downloads(model, prefix, send, upload))));
  const needing = root.querySelectorAll(".nst-needs-picture");
  const ready = () => needing.forEach((button) => { button.disabled = !model.get("status").painted; });
  model.on("change:status", ready);
  ready();
  if (isAlone()) {
    document.documentElement.lang ||= "en";
    document.title = "Style transfer studio";
  }
  let heard = Date.now();
  const received = (message, buffers) => {
    heard = Date.now();
    if (message.kind === "file") save(message.name, buffers[0]);
  };
  const moved = () => { heard = Date.now(); };
  model.on("msg:custom", received);
  model.on("change", moved);
  let asked = Date.now();
  const alive = setInterval(() => {
    // A page that the browser let sleep has not asked in the meantime, and waits for an answer first.
    if (Date.now() - asked > 2 * ALIVE) heard = Date.now();
    asked = Date.now();
    if (asked - heard > SILENCE) {
      root.dataset.lost = "";
      say("The studio does not answer any more: load this page again, or start it again.");
    } else if ("lost" in root.dataset) {
      delete root.dataset.lost;
      say(null);
    }
    model.send({ do: "alive" });
  }, ALIVE);
  // Before others that listen for the same, who take the connection away.
  const bye = () => model.send({ do: "bye" });
  window.addEventListener("beforeunload", bye, { capture: true });
  el.append(root);
  send({ do: "hello" });
  return () => {
    clearInterval(alive);
    window.removeEventListener("beforeunload", bye, { capture: true });
    ifs.end();
    model.off("msg:custom", received);
    model.off("change", moved);
  };
}

export default { render };
