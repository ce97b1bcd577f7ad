// Curves and columns as SVG: they take the colours of the page, and a table behind them says the same.

import { html, nothing, render, svg } from "./html.js";

const HEIGHT = 240; // as in styles/parts.css
const PAD = { top: 12, right: 12, bottom: 24 };
const LETTER = 6.6; // how wide a figure on an axis is
const LABEL = 76; // how far apart names below an axis are at least

/** A place for a chart, which is drawn for the width it really has, so that its letters are as large everywhere. */
class ChartFrame extends HTMLElement {
  #width = 0;
  #drawing = null;
  #watch = new ResizeObserver(([{ contentRect }]) => {
    this.#width = Math.round(contentRect.width);
    this.#draw();
  });

  connectedCallback() {
    this.#watch.observe(this);
  }

  disconnectedCallback() {
    this.#watch.unobserve(this);
  }

  /** What draws it, for a width. */
  set drawing(drawing) {
    this.#drawing = drawing;
    this.#draw();
  }

  #draw() {
    if (this.#width && this.#drawing) render(this.#drawing(this.#width), this);
  }
}

customElements.define("chart-frame", ChartFrame);

/**
 * Draw curves over one axis.
 * @param options.label what a screen reader is told
 * @param options.curves [{name, kind, points: [[x, y]], filled}]; kind is go, wait, ink or stop
 * @param options.goal {value, name}: a line that is not to be crossed
 * @param options.step names below the axis stand at whole multiples of this
 * @param options.xText, options.yText how places on the axes are written
 */
export function curveChart({ label, curves, goal, xText, yText = String, step = 0 }) {
  const points = curves.flatMap(({ points: own }) => own);
  if (points.length < 2) return html`<p class="quiet small">Nothing to draw yet.</p>`;
  const [left, right] = [Math.min(...points.map(([x]) => x)), Math.max(...points.map(([x]) => x))];
  const top = niceTop(Math.max(1, goal?.value ?? 0, ...points.map(([, y]) => y)));
  const ticks = [0, top / 2, top];
  const drawing = (width) => {
    const start = startOf(ticks, yText);
    const x = (value) => start + ((value - left) / (right - left || 1)) * (width - start - PAD.right);
    const y = (value) => HEIGHT - PAD.bottom - (value / top) * (HEIGHT - PAD.top - PAD.bottom);
    return html`<svg width=${width} height=${HEIGHT} role="img" aria-label=${label}>
      ${grid(ticks, y, start, width, yText)}
      ${marks(left, right, step, Math.floor((width - start) / LABEL)).map((at) => svg`<text x=${x(at)} y=${HEIGHT - 6} text-anchor=${anchorOf(at, left, right)}>${xText(at)}</text>`)}
      ${curves.map((curve) => curveOf(curve, x, y, HEIGHT - PAD.bottom))}
      ${goal ? svg`<line class="goal c-ink" x1=${start} x2=${width - PAD.right} y1=${y(goal.value)} y2=${y(goal.value)}></line>` : nothing}
    </svg>`;
  };
  return html`<figure class="chart"><chart-frame .drawing=${drawing}></chart-frame>
    <figcaption>${curves.map(({ name, kind }) => html`<span class="key c-${kind}">${name}</span>`)}${goal ? html`<span class="key dashed c-ink">${goal.name}</span>` : nothing}</figcaption>
  </figure>`;
}

/**
 * Draw columns; those of what is below nothing hang down.
 * @param options.columns [{name, title, value}]: the name stands below, the title comes up under the pointer
 */
export function columnChart({ label, columns, yText = String }) {
  if (!columns.length) return html`<p class="quiet small">Nothing to draw yet.</p>`;
  const values = columns.map(({ value }) => value);
  const top = niceTop(Math.max(1, ...values));
  const bottom = Math.min(0, ...values);
  const isDeep = -bottom > top / 6; // else its name would stand upon that of nothing
  const ticks = [...(isDeep ? [bottom] : []), 0, ...(isDeep ? [] : [top / 2]), top];
  const drawing = (width) => {
    const start = startOf(ticks, yText);
    const y = (value) => PAD.top + ((top - value) / (top - bottom)) * (HEIGHT - PAD.top - PAD.bottom);
    const step = (width - start - PAD.right) / columns.length;
    const every = Math.ceil(LABEL / step);
    const isNamed = (index) => (columns.length - 1 - index) % every === 0;
    return html`<svg width=${width} height=${HEIGHT} role="img" aria-label=${label}>
      ${grid(ticks, y, start, width, yText)}
      ${columns.map(({ name, title, value }, index) => svg`<g class="c-${value < 0 ? "stop" : "go"}">
        <rect class="column" x=${start + index * step + step * 0.15} width=${Math.max(1, step * 0.7)} y=${Math.min(y(0), y(value))} height=${Math.abs(y(value) - y(0))} rx="2"><title>${title}</title></rect>
        ${isNamed(index) ? svg`<text x=${start + (index + 0.5) * step} y=${HEIGHT - 6} text-anchor="middle">${name}</text>` : nothing}
      </g>`)}
    </svg>`;
  };
  return html`<figure class="chart"><chart-frame .drawing=${drawing}></chart-frame></figure>`;
}

/** The same as a table, for whoever reads rather than looks. */
export function behind(summary, heads, rows) {
  return html`<details><summary class="small">${summary}</summary><div class="scroll" tabindex="0" role="region" aria-label=${summary}><table>
    <thead><tr>${heads.map((head, index) => html`<th scope="col" class=${index ? "end" : ""}>${head}</th>`)}</tr></thead>
    <tbody>${rows.map(([first, ...more]) => html`<tr><th scope="row">${first}</th>${more.map((cell) => html`<td class="end">${cell}</td>`)}</tr>`)}</tbody>
  </table></div></details>`;
}

function curveOf({ points, kind, filled = false }, x, y, floor) {
  if (!points.length) return nothing;
  const places = points.map(([at, value]) => [x(at).toFixed(1), y(value).toFixed(1)]);
  const path = places.map(([px, py], index) => `${index ? "L" : "M"}${px} ${py}`).join("");
  const area = `${path}L${places.at(-1)[0]} ${floor}L${places[0][0]} ${floor}Z`;
  return svg`<g class="c-${kind}">${filled ? svg`<path class="area" d=${area}></path>` : nothing}<path class="curve" d=${path}></path></g>`;
}

function grid(ticks, y, start, width, text) {
  return ticks.map((tick) => svg`<line class="axis" x1=${start} x2=${width - PAD.right} y1=${y(tick)} y2=${y(tick)}></line>
    <text x=${start - 8} y=${y(tick) + 4} text-anchor="end">${text(tick)}</text>`);
}

/** Return where the axis begins: right of what stands before it. */
function startOf(ticks, text) {
  return 10 + LETTER * Math.max(...ticks.map((tick) => text(tick).length));
}

/** Return which places of an axis are named: its ends and as many between as there is room for, up to five. */
function marks(left, right, step, room) {
  const count = Math.max(2, Math.min(5, room));
  const snapped = Array.from({ length: count }, (_, index) => {
    const at = left + ((right - left) * index) / (count - 1);
    return step ? left + Math.round((at - left) / step) * step : at;
  });
  return [...new Set(snapped)];
}

function anchorOf(at, left, right) {
  return at === left ? "start" : at === right ? "end" : "middle";
}

/** Return the next round number that is even, so that half of it is round as well. */
function niceTop(value) {
  const size = 10 ** Math.floor(Math.log10(value));
  const nice = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((step) => step * size >= value && Number.isInteger((step * size) / 2));
  return (nice ?? 20) * size;
}
