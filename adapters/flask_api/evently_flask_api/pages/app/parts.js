// Parts that many pages share.

import { html, live, nothing, render } from "./html.js";

/** A labelled input with its hint and its fault. */
export function field({ name, label, hint, fault, type = "text", value = "", required = false, full = false, control, ...more }) {
  const described = [hint && `${name}-hint`, fault && `${name}-fault`].filter(Boolean).join(" ");
  return html`<div class="field ${full ? "full" : ""}">
    <label for=${name}>${label}${required ? nothing : html` <span class="quiet small">optional</span>`}</label>
    ${control
      ? control({ id: name, described, invalid: Boolean(fault) })
      : html`<input id=${name} name=${name} type=${type} value=${value} ?required=${required}
          min=${more.min ?? nothing} max=${more.max ?? nothing} step=${more.step ?? nothing} minlength=${more.minlength ?? nothing}
          maxlength=${more.maxlength ?? nothing} placeholder=${more.placeholder ?? nothing} list=${more.list ?? nothing}
          autocomplete=${more.autocomplete ?? nothing} inputmode=${more.inputmode ?? nothing}
          aria-describedby=${described || nothing} aria-invalid=${fault ? "true" : nothing}>`}
    ${hint ? html`<span class="hint" id="${name}-hint">${hint}</span>` : nothing}
    ${fault ? html`<span class="fault" id="${name}-fault">${fault}</span>` : nothing}
  </div>`;
}

/** A number with buttons for one more and one fewer. */
export function stepper({ id, label, value, min = 1, max = 999, onChange }) {
  const set = (number) => onChange(Math.min(max, Math.max(min, Math.round(number) || min)));
  const button = (step, name, sign) => {
    const stuck = step < 0 ? value <= min : value >= max;
    return html`<button type="button" aria-label=${name} aria-disabled=${stuck ? "true" : nothing} @click=${() => stuck || set(value + step)}>${sign}</button>`;
  };
  return html`<div class="stepper" role="group" aria-label=${label}>
    ${button(-1, "One fewer", "−")}
    <input id=${id} type="number" inputmode="numeric" aria-label=${label} min=${min} max=${max} .value=${live(String(value))} @change=${(event) => set(Number(event.target.value))}>
    ${button(1, "One more", "+")}
  </div>`;
}

/** A button that shows that something is under way; pressing it again then does nothing. */
export function button({ label, onClick, busy = false, kind = "", type = "button", title }) {
  return html`<button type=${type} class="button ${kind}" aria-busy=${busy ? "true" : nothing} title=${title ?? nothing}
    @click=${(event) => {
      if (busy) event.preventDefault();
      else onClick?.(event);
    }}>${label}</button>`;
}

export function sign(text, kind = "") {
  return html`<span class="sign ${kind}">${text}</span>`;
}

/** What went wrong, said where it matters. */
export function complaint(text) {
  return text ? html`<div class="word stop" role="alert"><p>${text}</p></div>` : nothing;
}

export function figure(label, value, unit = "") {
  return html`<div><dt>${label}</dt><dd>${value}${unit ? html` <small>${unit}</small>` : nothing}</dd></div>`;
}

export function isOn(pulse) {
  return html`<span class="live ${pulse?.troubled ? "off" : ""}">${pulse?.troubled ? "Cannot be reached, trying again" : "Live"}</span>`;
}

/** Read the fields of a form, without those left empty. */
export function given(form) {
  return Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
}

/** Put the focus on the first field that has a fault, once the page is drawn. */
export function focusOnFault(root = document) {
  setTimeout(() => root.querySelector('[aria-invalid="true"], [role="alert"]')?.focus?.());
}

/** Say something in passing. */
export function note(text) {
  const element = document.createElement("div");
  element.className = "note";
  element.textContent = text;
  document.getElementById("notes").append(element);
  setTimeout(() => element.remove(), 6000);
}

/**
 * Open a dialog; `draw(dialog)` returns its content, `dialog.redraw()` draws it anew, `dialog.done(result)` closes it.
 * @returns a promise of the result; undefined if it was dismissed
 */
export function openDialog(label, draw) {
  const element = document.createElement("dialog");
  element.className = "panel";
  element.setAttribute("aria-label", label);
  document.body.append(element);
  return new Promise((resolve) => {
    const dialog = {
      element,
      result: undefined,
      redraw: () => render(draw(dialog), element),
      done(result) {
        dialog.result = result;
        element.close();
      },
    };
    element.addEventListener("click", (event) => event.target === element && element.close());
    element.addEventListener("close", () => {
      element.remove();
      resolve(dialog.result);
    });
    dialog.redraw();
    element.showModal();
  });
}

/** Ask before something is done; with `reasonNeeded` also why. Returns false, or true, or the reason. */
export async function confirmed({ title, text, action, danger = false, reasonNeeded = false, keep = "Keep it" }) {
  const answer = await openDialog(title, (dialog) => html`<form method="dialog" @submit=${(event) => {
    event.preventDefault();
    dialog.done(reasonNeeded ? given(event.target).reason.trim() : true);
  }}>
    <h2>${title}</h2>
    <p>${text}</p>
    ${reasonNeeded ? field({ name: "reason", label: "Reason", hint: "It is kept in the journal.", required: true, maxlength: 500 }) : nothing}
    <div class="row end">
      <button type="button" class="button plain" @click=${() => dialog.done(false)}>${keep}</button>
      <button class="button ${danger ? "danger" : "main"}">${action}</button>
    </div>
  </form>`);
  return answer ?? false;
}
